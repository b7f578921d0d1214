//! A mail server that does as its script says, over any byte stream, in clear and inside TLS.
//!
//! Speaks SMTP up to RCPT and knows no word for message data: whoever says one raises an alarm.
//! How an answer is spoiled is in `spoil`. Keeps no mail.
//!
//! Longer than most: its tests play whole sessions.

use std::{io, sync::Arc, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    flight,
    ledger::{Heard, Ledger, Visit},
    pipe::{Held, Line},
    script::{Lines, Script},
    spoil::{self, Answer, Ending},
    words::{FaultWord, InjectionWord},
};
use crate::{
    smtp::{Command, Text},
    survey::Phase,
};

/// Longer than any line of ours.
const LONGEST_LINE: usize = 2048;

/// A client that has to wait longer than this may give up without a word.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves one connection to its end.
pub async fn serve<L: Line>(mut line: L, script: Arc<Script>, ledger: Ledger, visit: Visit) {
    let mut session = Session {
        script: &script,
        ledger: &ledger,
        visit,
        unread: Vec::new(),
        secured: false,
        sender: false,
        excused: false,
    };
    match session.converse(&mut line).await {
        Next::End(ending) => session.end(line, ending).await,
        Next::Handshake => {
            let Some(mut line) = session.handshake(line).await else {
                return;
            };
            session.secured = true;
            session.sender = false;
            // STARTTLS is refused inside TLS, so a second handshake cannot come up.
            if let Next::End(ending) = session.converse(&mut line).await {
                session.end(line, ending).await;
            }
        }
    }
}

/// What a conversation led to.
enum Next {
    End(Ending),
    Handshake,
}

/// One connection and how far it got.
struct Session<'a> {
    script: &'a Script,
    ledger: &'a Ledger,
    visit: Visit,
    unread: Vec<u8>,
    secured: bool,
    /// MAIL was taken.
    sender: bool,
    /// The server misbehaved, so the client may do as it likes, short of words it does not have.
    excused: bool,
}

impl Session<'_> {
    /// Talks until the session is over or TLS is to begin.
    async fn converse<S: Line>(&mut self, stream: &mut S) -> Next {
        if let Ok(next) = self.exchange(stream).await {
            return next;
        }
        // A client that would not wait for the last answer may have said QUIT all the same.
        let mut farewell = false;
        while let Ok(command) = self.command(stream).await {
            farewell |= command == Some(Command::Quit);
        }
        if !farewell {
            self.complain("left without QUIT");
        }
        Next::End(Ending::Closed)
    }

    /// Fails where the client was gone before the session was over.
    async fn exchange<S: Line>(&mut self, stream: &mut S) -> io::Result<Next> {
        let mut welcome = true;
        if !self.secured {
            match self.answer(stream, Phase::Greeting, self.script.greeting()).await? {
                Answer::Ended(ending) => return Ok(Next::End(ending)),
                Answer::Said(last) => welcome = last.starts_with(b"220"),
            }
        }
        loop {
            let command = self.command(stream).await?;
            let (phase, mut reply) =
                if welcome { self.reply(command.as_ref()) } else { self.rebuff(command.as_ref()) };
            if command == Some(Command::StartTls) && !self.unread.is_empty() {
                reply = self.injected(stream, reply).await?;
            }
            let last = match self.answer(stream, phase, reply).await? {
                Answer::Ended(ending) => return Ok(Next::End(ending)),
                Answer::Said(last) => last,
            };
            match command {
                Some(Command::Quit) => return Ok(Next::End(Ending::Closed)),
                Some(Command::StartTls) if last.starts_with(b"220") => return Ok(Next::Handshake),
                Some(Command::MailFrom(_)) => self.sender = last.starts_with(b"2"),
                Some(Command::Rset | Command::Ehlo(_) | Command::Helo(_)) => self.sender = false,
                Some(Command::Noop | Command::RcptTo(_) | Command::StartTls) | None => {}
            }
        }
    }

    /// The answer to STARTTLS where more stands behind it.
    async fn injected<S: Line>(&mut self, stream: &mut S, reply: Lines) -> io::Result<Lines> {
        match self.script.server.injection {
            // It stays unread until TLS stands, and the client may find two answers at once.
            InjectionWord::CarryOut => self.excused = true,
            InjectionWord::Drop => drop(self.command(stream).await?),
            InjectionWord::Refuse => {
                self.command(stream).await?;
                return Ok(self.script.plain("554 5.5.0 Error: commands sent in one go"));
            }
        }
        Ok(reply)
    }

    fn reply(&self, command: Option<&Command>) -> (Phase, Lines) {
        let script = self.script;
        let hello = if self.secured { Phase::HelloSecured } else { Phase::Hello };
        match command {
            Some(Command::Ehlo(_)) => (hello, script.hello(self.secured)),
            Some(Command::Helo(_)) => (hello, script.helo()),
            Some(Command::StartTls) if !self.secured && script.server.starttls => {
                (Phase::StartTls, script.starttls())
            }
            Some(Command::MailFrom(from)) if !self.sender => {
                (Phase::Sender, script.mail(from, self.secured))
            }
            Some(Command::RcptTo(to)) if self.sender => (Phase::Recipient, script.rcpt(to)),
            Some(Command::Rset) => (Phase::Reset, script.plain("250 2.0.0 Ok")),
            Some(Command::Noop) => (Phase::Quit, script.plain("250 2.0.0 Ok")),
            Some(Command::Quit) => (Phase::Quit, script.plain("221 2.0.0 Bye")),
            Some(Command::StartTls | Command::MailFrom(_) | Command::RcptTo(_)) => {
                self.complain("a command out of order");
                (Phase::Quit, script.plain("503 5.5.1 Bad sequence of commands"))
            }
            None => (Phase::Quit, script.plain("500 5.5.2 Command unrecognized")),
        }
    }

    /// RFC 5321 §3.1: a server that refuses in its greeting still waits for QUIT.
    fn rebuff(&self, command: Option<&Command>) -> (Phase, Lines) {
        if command == Some(&Command::Quit) {
            return self.reply(command);
        }
        self.complain("something else than QUIT after a refusing greeting");
        (Phase::Quit, self.script.plain("503 5.5.1 No service here"))
    }

    async fn answer<S: Line>(
        &mut self,
        stream: &mut S,
        phase: Phase,
        reply: Lines,
    ) -> io::Result<Answer> {
        self.wait(phase).await;
        let fault = self.script.fault(phase);
        self.excused |= fault.is_some();
        spoil::answer(stream, reply, fault, self.script).await
    }

    async fn wait(&mut self, phase: Phase) {
        if let Some(delay) = self.script.delay(phase) {
            self.excused |= delay >= PATIENCE;
            tokio::time::sleep(delay).await;
        }
    }

    /// The next command; `None` for a line that is none of ours, which is an alarm.
    async fn command<S: Line>(&mut self, stream: &mut S) -> io::Result<Option<Command>> {
        let end = loop {
            if let Some(at) = self.unread.iter().position(|octet| *octet == b'\n') {
                break at;
            }
            let gone = stream.read_buf(&mut self.unread).await? == 0;
            if gone || self.unread.len() > LONGEST_LINE {
                if !self.unread.is_empty() {
                    self.complain("a line without end");
                    let line = Text::new(std::mem::take(&mut self.unread));
                    self.ledger.hear(Heard { visit: self.visit, secured: self.secured, line });
                }
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let mut line: Vec<u8> = self.unread.drain(..=end).collect();
        line.pop();
        if line.pop_if(|octet| *octet == b'\r').is_none() {
            self.complain("a line without CR");
        }
        // Only for this question may two commands come at once.
        if !self.unread.is_empty() && (line != b"STARTTLS" || self.unread != b"NOOP\r\n") {
            self.complain("commands sent in one go");
        }
        let line = Text::new(line);
        Ok(self.ledger.hear(Heard { visit: self.visit, secured: self.secured, line }))
    }

    /// Answers a client hello: with TLS, or as the script spoils it. `None` when that was the end.
    async fn handshake<L: Line>(&mut self, mut line: L) -> Option<TlsStream<Held<L, ()>>> {
        let hello = client_hello(&mut line).await.unwrap_or_default();
        if !matches!(hello.first(), Some(&(HANDSHAKE | ALERT))) {
            self.complain("no client hello after STARTTLS");
        }
        self.wait(Phase::Handshake).await;
        let too_long = self.script.server.hello_limit.is_some_and(|limit| hello.len() > limit);
        let ending = match self.script.fault(Phase::Handshake) {
            None if !too_long => {
                if let Some(flight) = self.flight(&hello) {
                    spoil::send(&mut line, &flight).await.ok()?;
                    let refused = flight.first() == Some(&ALERT);
                    self.finish(line, if refused { Ending::Closed } else { Ending::Silent }).await;
                    return None;
                }
                let acceptor = TlsAcceptor::from(Arc::clone(self.script.tls.as_ref()?));
                let held = Held { head: hello.into(), stream: line, keep: () };
                return acceptor.accept(held).await.ok();
            }
            None | Some(FaultWord::Close) => Ending::Closed,
            Some(FaultWord::Reset) => Ending::Reset,
            Some(FaultWord::TlsAlert) => {
                // A fatal alert in a record of its own. RFC 8446 §5.1, §6.
                let alert = [ALERT, 3, 1, 0, 2, 2, self.script.alert().unwrap_or_default()];
                spoil::send(&mut line, &alert).await.ok()?;
                Ending::Closed
            }
            Some(FaultWord::JunkHandshake) => {
                spoil::send(&mut line, &[0x6d; 64]).await.ok()?;
                Ending::Silent
            }
            Some(_) => Ending::Silent,
        };
        self.finish(line, ending).await;
        None
    }

    /// The answer to a client hello that does not come from the library.
    fn flight(&self, hello: &[u8]) -> Option<Vec<u8>> {
        match &self.script.server.floor {
            Some(words) => flight::answer(words, hello, &self.script.chain),
            None => flight::notice(hello),
        }
    }

    /// Ends a handshake. What the client says now is a record of TLS, and no line.
    async fn finish<L: Line>(&self, line: L, ending: Ending) {
        if let Some(mut line) = close(line, ending).await {
            let _ = tokio::io::copy(&mut line, &mut tokio::io::sink()).await;
        }
    }

    /// Ends the session, and hears what the client still says.
    async fn end<S: Line>(&mut self, stream: S, ending: Ending) {
        let Some(mut stream) = close(stream, ending).await else {
            return;
        };
        while self.command(&mut stream).await.is_ok() {}
    }

    fn complain(&self, what: &str) {
        if !self.excused {
            self.ledger.alarm(self.visit, what);
        }
    }
}

/// Ends our side; what is left is the client's.
async fn close<S: Line>(mut stream: S, ending: Ending) -> Option<S> {
    match ending {
        Ending::Reset => {
            stream.reset();
            return None;
        }
        // Fails where the client is gone already, which is what was wanted.
        Ending::Closed => stream.shutdown().await.ok()?,
        Ending::Silent => {}
    }
    Some(stream)
}

/// TLS record types. RFC 8446 §5.1.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// The first TLS record, header included.
async fn client_hello<L: Line>(line: &mut L) -> io::Result<Vec<u8>> {
    let mut record = vec![0; 5];
    line.read_exact(&mut record).await?;
    let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
    record.resize(5 + length, 0);
    line.read_exact(&mut record[5..]).await?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rustls::{ClientConfig, ProtocolVersion, pki_types::ServerName};
    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::{
        fleet::{Carrier, Fleet, World},
        probe::{Channel, Dialer},
    };

    const AT: &str = "192.0.2.1:25";
    const CARRIERS: [Carrier; 2] =
        [Carrier::Loopback, Carrier::Memory { round_trip: Duration::ZERO }];

    fn fleet(server: &str, carrier: Carrier) -> Fleet {
        let text = format!(
            "domain = \"a.example\"\n[[mx]]\nhost = \"mx.a.example\"\n[mx.server]\n{server}"
        );
        Fleet::new(&World::parse(&text).unwrap(), jiff::Timestamp::now(), carrier).unwrap()
    }

    async fn dial(fleet: &Fleet) -> Channel {
        fleet.dial(AT.parse::<SocketAddr>().unwrap()).await.unwrap()
    }

    /// Sends `words` and gives back what comes until the end of a reply.
    async fn say<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, words: &str) -> String {
        stream.write_all(words.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut heard = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&heard).into_owned();
            let last = text.strip_suffix("\r\n").and_then(|all| all.lines().last());
            if last.is_some_and(|line| line.as_bytes().get(3) == Some(&b' ')) {
                return text;
            }
            if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
                return text;
            }
        }
    }

    #[tokio::test]
    async fn a_session_runs_in_clear_and_inside_tls_over_either_carrier() {
        for carrier in CARRIERS {
            let fleet = fleet("nonsense = '550 5.1.1 {client} \\x1b[2J'", carrier);
            let mut channel = dial(&fleet).await;
            let stream = &mut channel.stream;
            assert_eq!(say(stream, "").await, "220 mx.a.example ESMTP\r\n");
            let hello = say(stream, "EHLO probe.example\r\n").await;
            assert!(hello.starts_with("250-mx.a.example\r\n"), "{hello}");
            assert!(hello.ends_with("250 STARTTLS\r\n"), "{hello}");
            assert!(say(stream, "STARTTLS\r\n").await.starts_with("220 "));
            let roots = Arc::clone(&fleet.trust().roots);
            let config = ClientConfig::builder_with_provider(Arc::new(
                rustls::crypto::aws_lc_rs::default_provider(),
            ));
            let config = config.with_safe_default_protocol_versions().unwrap();
            let config = config.with_root_certificates(roots).with_no_client_auth();
            let name = ServerName::try_from("mx.a.example").unwrap();
            let connector = TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect(name, channel.stream).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
            let hello = say(&mut stream, "EHLO probe.example\r\n").await;
            assert!(!hello.contains("STARTTLS"), "{hello}");
            for (words, want) in [
                ("MAIL FROM:<>\r\n", "250 2.1.0 Ok\r\n"),
                ("RCPT TO:<postmaster@a.example>\r\n", "250 2.1.5 Ok\r\n"),
                ("RCPT TO:<x@a.example>\r\n", "550 5.1.1 203.0.113.25 \u{1b}[2J\r\n"),
                ("RSET\r\n", "250 2.0.0 Ok\r\n"),
                ("QUIT\r\n", "221 2.0.0 Bye\r\n"),
            ] {
                assert_eq!(say(&mut stream, words).await, want);
            }
            assert_eq!(fleet.ledger().alarms(), [""; 0]);
            let heard = fleet.ledger().heard();
            assert_eq!(heard.iter().filter(|line| line.secured).count(), 6);
            assert_eq!(heard.len(), 8);
        }
    }

    #[tokio::test]
    async fn bad_manners_raise_alarms() {
        for (words, want) in [
            ("EHLO probe.example\r\nDATA\r\n", "DATA is no command of ours"),
            ("EHLO probe.example\n", "a line without CR"),
            ("MAIL FROM:<>\r\nRSET\r\n", "commands sent in one go"),
            ("RCPT TO:<a@a.example>\r\n", "a command out of order"),
            ("EHLO probe.example\r\n", "left without QUIT"),
            ("EHLO probe.exa", "a line without end"),
        ] {
            for carrier in CARRIERS {
                let fleet = fleet("", carrier);
                let mut channel = dial(&fleet).await;
                channel.stream.write_all(words.as_bytes()).await.unwrap();
                channel.stream.shutdown().await.unwrap();
                let mut rest = Vec::new();
                channel.stream.read_to_end(&mut rest).await.unwrap();
                let alarms = fleet.ledger().alarms();
                assert!(alarms.iter().any(|alarm| alarm.contains(want)), "{words}: {alarms:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_trip_costs_what_it_says() {
        let round_trip = Duration::from_millis(50);
        let fleet = fleet("", Carrier::Memory { round_trip });
        let began = tokio::time::Instant::now();
        let mut channel = dial(&fleet).await;
        assert_eq!(began.elapsed(), round_trip);
        say(&mut channel.stream, "").await;
        assert_eq!(began.elapsed(), 2 * round_trip);
        say(&mut channel.stream, "QUIT\r\n").await;
        assert_eq!(began.elapsed(), 3 * round_trip);
    }
}
