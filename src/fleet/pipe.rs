//! What carries a session: a pipe in memory with a delay of its own, or a TCP connection.
//!
//! The pipe knows time only by the runtime's clock, so that under a paused one it costs nothing and
//! is exact. Knows nothing of what it carries.

use std::{
    collections::VecDeque,
    io,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::coop,
    time::{Instant, Sleep, sleep_until},
};
use tokio_rustls::server::TlsStream;

use crate::probe::Stream;

/// Octets under way in one direction; a writer waits when there are more.
const CAPACITY: usize = 64 * 1024;

/// What connections run over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Carrier {
    /// TCP on 127.0.0.1, a port of the system's choice for every connection.
    Loopback,
    /// Pipes in memory: under the runtime's paused clock every wait costs nothing and is exact.
    Memory { round_trip: Duration },
}

/// A byte stream that can also be torn.
pub trait Line: Stream {
    /// Ends the connection as a crashed peer would: by a reset in place of an orderly end.
    fn reset(self);
}

/// A stream with octets put back in front of it, and something kept as long as it lives.
pub struct Held<S, K> {
    pub head: VecDeque<u8>,
    pub stream: S,
    #[expect(dead_code, reason = "what counts is when it is dropped")]
    pub keep: K,
}

/// Two ends of one connection; everything sent arrives `lag` later.
pub fn pipe(lag: Duration) -> (End, End) {
    let [there, back] = [(); 2].map(|()| Arc::new(Mutex::new(Lane::default())));
    let end = |incoming: &Shared, outgoing: &Shared| End {
        incoming: Arc::clone(incoming),
        outgoing: Arc::clone(outgoing),
        lag,
        timer: None,
    };
    (end(&back, &there), end(&there, &back))
}

/// Both ends of a TCP connection of our own.
pub async fn loopback() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    loop {
        let (far, from) = listener.accept().await?;
        // Somebody else on this machine may have been faster.
        if from == near.local_addr()? {
            return Ok((near, far));
        }
    }
}

type Shared = Arc<Mutex<Lane>>;

/// One end of a pipe.
pub struct End {
    incoming: Shared,
    outgoing: Shared,
    lag: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

/// One direction.
#[derive(Default)]
struct Lane {
    /// What is under way, and when it arrives.
    queue: VecDeque<(Instant, VecDeque<u8>)>,
    held: usize,
    /// When and how the sender ended it.
    end: Option<(Instant, Ending)>,
    /// Nobody will read any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Closed,
    Reset,
}

impl Lane {
    fn finish(&mut self, at: Instant, ending: Ending) {
        self.end.get_or_insert((at, ending));
        wake(&mut self.reader);
    }

    /// When the next thing arrives, if anything is under way.
    fn next_arrival(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at).or(self.end.map(|(at, _)| at))
    }

    /// Moves what has arrived into `buffer`, or tells how the lane ended.
    fn take(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        let Some((_, bytes)) = self.queue.front_mut() else {
            let reset = self.end.is_some_and(|(_, ending)| ending == Ending::Reset);
            return if reset { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) };
        };
        let (head, _) = bytes.as_slices();
        let count = head.len().min(buffer.remaining());
        buffer.put_slice(&head[..count]);
        bytes.drain(..count);
        if bytes.is_empty() {
            self.queue.pop_front();
        }
        self.held -= count;
        wake(&mut self.writer);
        Ok(())
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// A lane stays sound even if a task panicked while it held the lock.
fn open(lane: &Shared) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

impl End {
    fn end(&self, ending: Ending) {
        open(&self.outgoing).finish(Instant::now() + self.lag, ending);
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.end(Ending::Closed);
        let mut incoming = open(&self.incoming);
        incoming.deaf = true;
        wake(&mut incoming.writer);
    }
}

impl Line for End {
    fn reset(self) {
        self.end(Ending::Reset);
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let progress = ready!(coop::poll_proceed(context));
        let this = &mut *self;
        let mut lane = open(&this.incoming);
        let Some(at) = lane.next_arrival() else {
            lane.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        if at > Instant::now() {
            drop(lane);
            let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            timer.as_mut().reset(at);
            ready!(timer.as_mut().poll(context));
            lane = open(&this.incoming);
        }
        progress.made_progress();
        Poll::Ready(lane.take(buffer))
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = ready!(coop::poll_proceed(context));
        let mut lane = open(&self.outgoing);
        if lane.deaf || lane.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY - lane.held;
        // Nothing is no message: to the reader it would look like the end.
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if room == 0 {
            lane.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(room);
        lane.queue.push_back((Instant::now() + self.lag, bytes[..count].iter().copied().collect()));
        lane.held += count;
        wake(&mut lane.reader);
        progress.made_progress();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end(Ending::Closed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin, K: Unpin> AsyncRead for Held<S, K> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = self.head.len().min(buffer.remaining());
        self.head.drain(..count).for_each(|octet| buffer.put_slice(&[octet]));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin, K: Unpin> AsyncWrite for Held<S, K> {
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

impl<S: Line> Line for Held<S, ()> {
    fn reset(self) {
        self.stream.reset();
    }
}

impl<S: Line> Line for TlsStream<S> {
    fn reset(self) {
        self.into_inner().0.reset();
    }
}

impl Line for TcpStream {
    fn reset(self) {
        // Without it the end is orderly, which the client then reports: no harm to the fleet.
        let _ = self.set_zero_linger();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_arrives_after_the_lag_and_not_before() {
        let (mut near, mut far) = pipe(Duration::from_millis(25));
        let began = Instant::now();
        near.write_all(b"EHLO").await.unwrap();
        drop(near);
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"EHLO");
        assert_eq!(began.elapsed(), Duration::from_millis(25));
        assert_eq!(far.write_all(b"220").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reset_is_told_from_an_orderly_end() {
        let (mut near, far) = pipe(Duration::ZERO);
        far.reset();
        let error = near.read(&mut [0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let (mut near, far) = pipe(Duration::ZERO);
        drop(far);
        assert_eq!(near.read(&mut [0; 9]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_waits_for_a_slow_reader() {
        let (mut near, mut far) = pipe(Duration::ZERO);
        let flood = tokio::spawn(async move { near.write_all(&vec![b'x'; 3 * CAPACITY]).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!flood.is_finished());
        let mut heard = vec![0; 3 * CAPACITY];
        far.read_exact(&mut heard).await.unwrap();
        flood.await.unwrap().unwrap();
    }
}
