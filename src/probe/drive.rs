//! Carries out one visit: the async shell around `dialogue` that only moves bytes and timers.
//!
//! Decides nothing about the words; the machine says what comes next and until when.

use std::{future::pending, io, time::Duration};

use jiff::Timestamp;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    Dialer, Stream, Trust, Visit,
    dialogue::{Dialogue, Input, PARTING, Step},
    handshake::{self, secure},
};
use crate::{
    config::Limits,
    survey::{FaultKind, Observation},
    tls::TlsVersion,
};

/// Octets taken from the channel at once.
const BUFFER: usize = 4096;

/// The alert `close_notify`, in a record of the version agreed on: servers take any other as garbage
/// and log it. RFC 8446 §5.1, §6.1.
fn going(version: TlsVersion) -> [u8; 7] {
    // TLS 1.3 keeps the number of 1.2 on the outside.
    let [major, minor] = version.min(TlsVersion::Tls12).to_wire().to_be_bytes();
    [21, major, minor, 0, 2, 1, 0]
}

/// What a visit needs beside its plan.
#[derive(Clone)]
pub struct Means<'a> {
    pub dialer: &'a dyn Dialer,
    pub trust: &'a Trust,
    pub limits: Limits,
    /// Set going at the beginning of the run.
    pub clock: Clock,
    /// Becomes true when the user interrupts.
    pub stop: watch::Receiver<bool>,
}

/// The beginning of a run by both clocks: the wall's for people and certificates, a steady one for
/// durations, which tests may run as fast as they like.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    steady: Instant,
}

impl Clock {
    /// Begins now; `wall` is what the wall clock shows at this moment.
    pub fn begin(wall: Timestamp) -> Self {
        Self { wall, steady: Instant::now() }
    }

    /// The wall's time now, as far as the steady clock tells.
    pub fn wall(&self) -> Timestamp {
        self.wall.checked_add(self.steady.elapsed()).unwrap_or(self.wall)
    }

    /// Since the beginning of the run.
    pub fn elapsed(&self) -> Duration {
        self.steady.elapsed()
    }
}

/// Makes `visit` and hands over what was seen. Never fails: faults are facts of the observation.
pub async fn carry_out(visit: &Visit, means: &Means<'_>) -> Observation {
    let began = means.clock.elapsed();
    let now = || means.clock.elapsed().saturating_sub(began);
    let mut line = Line { visit, means, stream: None, heard: vec![0; BUFFER] };
    let mut wish = Wish(Some(means.stop.clone()));
    let (mut dialogue, mut step) = Dialogue::open(visit.clone(), means.limits);
    while !matches!(step, Step::HangUp | Step::Leave(_)) {
        // Waiting is all that can take long; deadlines are the machine's, the timer is ours.
        let left = dialogue.deadline().saturating_sub(now());
        let by_proxy = step == Step::Dial && means.dialer.is_proxied();
        let input = tokio::select! {
            // The step first, so that what the dialogue noted as said is said.
            biased;
            input = line.act(step) => input,
            () = wish.uttered() => Input::Interrupted,
            () = sleep(left) => if by_proxy {
                Input::Broke(FaultKind::Proxy("no answer in time".to_owned()))
            } else {
                Input::Due
            },
        };
        (dialogue, step) = dialogue.advance(now(), input);
    }
    // How long the peer takes to let go is no part of the visit.
    let observation = dialogue.into_observation(began, now());
    line.hang_up(&step).await;
    observation
}

/// The connection of a visit, once there is one.
struct Line<'a> {
    visit: &'a Visit,
    means: &'a Means<'a>,
    /// In clear first, TLS over it later.
    stream: Option<Box<dyn Stream>>,
    /// Where bytes arrive; its size bounds what one step takes in.
    heard: Vec<u8>,
}

impl Line<'_> {
    /// Does one step, and waits for what comes of it.
    async fn act(&mut self, step: Step) -> Input<'_> {
        match step {
            Step::Dial => match self.means.dialer.dial(self.visit.to).await {
                Ok(channel) => {
                    self.stream = Some(channel.stream);
                    Input::Connected(channel.local)
                }
                Err(kind) => Input::Broke(kind),
            },
            Step::Ask(question) => {
                self.say(&handshake::hello_record(&question, &self.visit.host)).await
            }
            Step::Secure(hello) => {
                // Taken out: a handshake broken off leaves nothing that could be used again.
                let Some(stream) = self.stream.take() else { return pending().await };
                let (trust, now) = (self.means.trust, self.means.clock.wall());
                match secure(stream, hello, &self.visit.host, trust, now).await {
                    Ok((stream, handshake)) => {
                        self.stream = Some(stream);
                        Input::Secured(Box::new(handshake))
                    }
                    Err(kind) => Input::Broke(kind),
                }
            }
            Step::Say(command) => self.say(&command.to_wire()).await,
            Step::SayTogether(commands) => {
                self.say(&commands.map(|command| command.to_wire()).concat()).await
            }
            Step::Listen => self.listen().await,
            Step::HangUp | Step::Leave(_) => pending().await,
        }
    }

    /// Says something and waits for what comes of it.
    async fn say(&mut self, bytes: &[u8]) -> Input<'_> {
        let Some(stream) = &mut self.stream else { return pending().await };
        // Where saying fails, the server may have left us a last word such as 421: what became of
        // the connection is better learned by listening.
        let _ = send(stream, bytes).await;
        self.listen().await
    }

    /// Waits for bytes, as few as there are.
    async fn listen(&mut self) -> Input<'_> {
        let Some(stream) = &mut self.stream else { return pending().await };
        match stream.read(&mut self.heard).await {
            Ok(0) => Input::Broke(FaultKind::Closed),
            Ok(count) => Input::Heard(&self.heard[..count]),
            Err(error) => Input::Broke(handshake::fault(&error)),
        }
    }

    /// Closes as one should, TLS included, if the peer lets us.
    async fn hang_up(self, step: &Step) {
        let Some(mut stream) = self.stream else { return };
        let farewell = async {
            if let Step::Leave(version) = step {
                send(&mut stream, &going(*version)).await?;
            }
            stream.shutdown().await
        };
        let _ = timeout(PARTING, farewell).await;
    }
}

/// All of it in one piece, and nothing behind it: no pipelining.
async fn send(stream: &mut Box<dyn Stream>, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// The user's wish to stop, heard once.
struct Wish(Option<watch::Receiver<bool>>);

impl Wish {
    async fn uttered(&mut self) {
        let heard = match &mut self.0 {
            Some(wish) => wish.wait_for(|wish| *wish).await.is_ok(),
            None => false,
        };
        self.0 = None;
        // One that nobody can utter any more never comes.
        if !heard {
            pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{duplex, join};

    use super::*;
    use crate::{
        probe::{Channel, seam::Later},
        smtp::ReversePath,
        survey::Purpose,
    };

    /// Gives out a server that has these things to say, whatever it hears or cannot hear.
    struct Sayings(&'static [&'static [u8]]);

    impl Dialer for Sayings {
        fn dial(&self, _to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>> {
            let nothing: Box<dyn tokio::io::AsyncRead + Send + Unpin> =
                Box::new(tokio::io::empty());
            let says = self.0.iter().rev().fold(nothing, |then, first| Box::new(first.chain(then)));
            // The far end of what we say to it is gone.
            let deaf = duplex(1).0;
            let channel = Channel { stream: Box::new(join(says, deaf)), local: None };
            Box::pin(async { Ok(channel) })
        }
    }

    fn visit() -> Visit {
        Visit {
            purpose: Purpose::Session,
            to: "192.0.2.1:25".parse().unwrap(),
            host: "mx.example".to_owned(),
            helo: "probe.example".parse().unwrap(),
            starttls: None,
            sender: ReversePath::Null,
            recipients: vec![],
        }
    }

    async fn seen(sayings: &'static [&'static [u8]], clock: Clock) -> Observation {
        seen_through(&Sayings(sayings), clock).await
    }

    async fn seen_through(dialer: &dyn Dialer, clock: Clock) -> Observation {
        let trust = Trust::builtin();
        // Nobody holds the other end of the wish: it never comes.
        let stop = watch::channel(false).1;
        let means = Means { dialer, trust: &trust, limits: Limits::default(), clock, stop };
        carry_out(&visit(), &means).await
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_words_of_a_server_that_has_left_are_heard() {
        let clock = Clock::begin(Timestamp::UNIX_EPOCH);
        let seen = seen(&[b"220 mx.example\r\n", b"421 4.3.2 bye\r\n"], clock).await;
        assert_eq!(seen.hello.declined().unwrap().code, 421);
        assert_eq!(seen.quit.broke().unwrap().kind, FaultKind::Closed);
    }

    /// Never comes to an end, by itself or behind a proxy.
    struct Silence {
        is_proxied: bool,
    }

    impl Dialer for Silence {
        fn dial(&self, _to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>> {
            Box::pin(pending())
        }

        fn is_proxied(&self) -> bool {
            self.is_proxied
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_silence_of_a_proxy_is_not_the_hosts() {
        for (is_proxied, words, theirs) in [
            (false, "no connect within 30 s", true),
            (true, "proxy: no answer in time at connect", false),
        ] {
            let clock = Clock::begin(Timestamp::UNIX_EPOCH);
            let seen = seen_through(&Silence { is_proxied }, clock).await;
            let fault = seen.connect.broke().unwrap();
            assert_eq!((fault.to_string().as_str(), fault.may_be_theirs()), (words, theirs));
            assert_eq!((seen.took_ms, fault.after_ms), (30_000, 30_000));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_visit_begins_where_the_run_has_got_to() {
        let clock = Clock::begin(Timestamp::UNIX_EPOCH);
        sleep(Duration::from_secs(5)).await;
        let seen = seen(&[b"220 mx.example\r\n", b"250 hello\r\n", b"221 bye\r\n"], clock).await;
        assert_eq!((seen.began_ms, seen.took_ms), (5000, 0));
        assert_eq!(seen.quit.reached().unwrap().code, 221);
        assert_eq!(clock.wall(), Timestamp::from_second(5).unwrap());
    }
}
