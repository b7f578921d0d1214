//! Answers, sound or spoiled: one word of a world file, one way to get an answer wrong.
//!
//! Sends and says how it ended. Reads nothing.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::sleep,
};

use super::{
    script::{Lines, Script},
    words::FaultWord,
};

/// Between two octets of a dripping answer.
pub const DRIP: Duration = Duration::from_secs(1);

/// How an answer ended.
pub enum Answer {
    /// The session goes on; this is the last line that was sent, which is the one that counts.
    Said(Vec<u8>),
    Ended(Ending),
}

/// How a session ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// The server closes in order.
    Closed,
    /// The server tears the connection.
    Reset,
    /// The server says nothing more, and stays.
    Silent,
}

/// Sends `reply`, spoiled by `fault` if there is one.
pub async fn answer<S: AsyncWrite + Unpin>(
    stream: &mut S,
    reply: Lines,
    fault: Option<FaultWord>,
    script: &Script,
) -> io::Result<Answer> {
    let mut reply = reply;
    let mut unasked: &[u8] = b"";
    match fault {
        Some(FaultWord::Close) => return Ok(Answer::Ended(Ending::Closed)),
        Some(FaultWord::Reset) => return Ok(Answer::Ended(Ending::Reset)),
        Some(FaultWord::Stall) => return Ok(Answer::Ended(Ending::Silent)),
        Some(FaultWord::HalfReply) => {
            send(stream, &reply[0][..reply[0].len() / 2]).await?;
            return Ok(Answer::Ended(Ending::Silent));
        }
        Some(FaultWord::NotSmtp) => {
            send(stream, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
            return Ok(Answer::Ended(Ending::Closed));
        }
        Some(FaultWord::EndlessReply) => {
            let line = [code(&reply[0]), b"-and another thing\r\n"].concat();
            loop {
                send(stream, &line).await?;
            }
        }
        Some(FaultWord::Drip) => {
            for octet in joined(&reply, b"\r\n") {
                send(stream, &[octet]).await?;
                sleep(DRIP).await;
            }
            return Ok(said(reply));
        }
        Some(FaultWord::BareLf) => {
            send(stream, &joined(&reply, b"\n")).await?;
            return Ok(said(reply));
        }
        Some(FaultWord::MixedCodes) => reply = mixed(&reply),
        Some(FaultWord::Shutdown421) => {
            reply = script.plain("421 4.3.2 {host} Service shutting down");
        }
        Some(FaultWord::WrongCode) => reply = script.plain("354 Go ahead"),
        Some(FaultWord::EarlyTalk | FaultWord::PlaintextAfterStarttls) => {
            unasked = b"250 2.0.0 Nobody asked\r\n";
        }
        // The last two strike in the handshake only.
        None | Some(FaultWord::JunkHandshake | FaultWord::TlsAlert) => {}
    }
    send(stream, &[joined(&reply, b"\r\n").as_slice(), unasked].concat()).await?;
    // RFC 5321 §3.8: whoever says 421 closes.
    if reply[0].starts_with(b"421") {
        return Ok(Answer::Ended(Ending::Closed));
    }
    Ok(said(reply))
}

fn said(mut reply: Lines) -> Answer {
    Answer::Said(reply.pop().unwrap_or_default())
}

/// Sends bytes at once.
pub async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

fn joined(lines: &Lines, end: &[u8]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_slice(), end].concat()).collect()
}

/// The same with a last line that contradicts the others.
fn mixed(reply: &Lines) -> Lines {
    let code = code(&reply[0]);
    let other: &[u8] = if code == b"550" { b"250" } else { b"550" };
    vec![[code, b"-On the one hand"].concat(), [other, b" on the other"].concat()]
}

fn code(line: &[u8]) -> &[u8] {
    &line[..line.len().min(3)]
}
