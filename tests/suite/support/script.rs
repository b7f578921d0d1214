//! A server that reads its part from a script and writes down what was really said.
//!
//! A script is a dialogue as a person would write it: `S:` is said by the server, `C:` awaited from
//! the client, `--` something that happens, `=>` an outcome. Lines of the server that follow each
//! other leave in one piece. Any client word outside the eight fails the test.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use mxparity::{probe::Stream, smtp::Text};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf},
    sync::watch,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;

/// What the client may say.
const WORDS: [&str; 8] =
    ["EHLO ", "HELO ", "STARTTLS", "MAIL FROM:<", "NOOP", "RCPT TO:<", "RSET", "QUIT"];

/// The two ends of a connection that the server can also reset.
pub fn connection() -> (ClientEnd, ServerEnd) {
    let (client, server) = tokio::io::duplex(1 << 16);
    let reset = Arc::new(AtomicBool::new(false));
    let client = ClientEnd { stream: client, reset: Arc::clone(&reset) };
    (client, ServerEnd { stream: Box::new(server), reset })
}

pub struct ClientEnd {
    stream: DuplexStream,
    reset: Arc<AtomicBool>,
}

pub struct ServerEnd {
    stream: Box<dyn Stream>,
    reset: Arc<AtomicBool>,
}

/// Plays the lines of `script` and returns them as they were played. What can happen: `client-hello`
/// (awaited), `close`, `drip LINE` (a byte a second), `endless line|reply`, `interrupt` (by the user),
/// `raw BYTES`, `reset`, `silence SECONDS`, `tls WORDS` (see [`Authority`]); `connect` and `visit` are
/// for whoever runs the script.
pub async fn play(
    script: &str,
    mut end: ServerEnd,
    authority: &Authority,
    stop: &watch::Sender<bool>,
) -> String {
    let mut played = String::new();
    let mut lines = script.lines().filter(|line| !line.starts_with("=>")).peekable();
    while let Some(line) = lines.next() {
        let Some((who, what)) = line.split_once(' ').or(Some((line, ""))) else { continue };
        let mut shown = line.to_owned();
        match who {
            "S:" => {
                let mut piece = vec![what];
                while let Some(more) = lines.next_if(|line| line.starts_with("S: ")) {
                    piece.push(&more[3..]);
                    shown = [&shown, "\n", more].concat();
                }
                end.send((piece.join("\r\n") + "\r\n").as_bytes()).await;
            }
            "C:" => match end.hear().await {
                Some(said) => shown = said,
                None => break,
            },
            "--" => match what.split_once(' ').unwrap_or((what, "")) {
                ("client-hello", _) => {
                    let _ = end.stream.read(&mut [0; 4096]).await;
                }
                ("close", _) => return played + &shown + "\n",
                ("drip", text) => {
                    for byte in format!("{text}\r\n").bytes() {
                        sleep(Duration::from_secs(1)).await;
                        end.send(&[byte]).await;
                    }
                }
                ("endless", "line") => end.send(&[b"250-", &[b'x'; 5000][..]].concat()).await,
                ("endless", _) => end.send("250-and more\r\n".repeat(300).as_bytes()).await,
                ("interrupt", _) => {
                    stop.send_replace(true);
                }
                ("raw", text) => end.send(Text::unescape(text).unwrap().as_bytes()).await,
                ("reset", _) => {
                    end.reset.store(true, Ordering::Relaxed);
                    return played + &shown + "\n";
                }
                ("silence", time) => {
                    let seconds = time.strip_suffix('s').unwrap().parse().unwrap();
                    sleep(Duration::from_secs(seconds)).await;
                }
                ("tls", worth) => {
                    let acceptor = TlsAcceptor::from(authority.server(worth));
                    match acceptor.accept(end.stream).await {
                        Ok(stream) => end.stream = Box::new(stream),
                        Err(_) => return played + &shown + "\n",
                    }
                }
                ("connect" | "visit", _) => {}
                (other, _) => panic!("no such direction: {other}"),
            },
            _ => {}
        }
        played += &shown;
        played.push('\n');
    }
    while let Some(said) = end.hear().await {
        played += &(said + "\n");
    }
    played
}

impl ServerEnd {
    /// A client that has left does not hear the rest.
    async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// One line of the client; `None` when it has left.
    async fn hear(&mut self) -> Option<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            match self.stream.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => return None,
            }
        }
        let line = String::from_utf8(line).unwrap();
        assert!(WORDS.iter().any(|word| line.starts_with(word)), "the client said {line:?}");
        Some(format!("C: {}", line.trim_end()))
    }
}

impl AsyncRead for ClientEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() == before && self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
