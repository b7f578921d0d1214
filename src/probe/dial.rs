//! Connects to mail and policy hosts over TCP, directly or through a SOCKS5 proxy.
//!
//! The only file that does. Sets no time limit and tries nothing twice.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    pin::Pin,
    str::FromStr,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream},
};
use tokio_socks::tcp::Socks5Stream;

use super::{Channel, Dialer, seam::Later};
use crate::survey::FaultKind;

/// What the operating system says where a whole address family is missing (EAFNOSUPPORT), which
/// the standard library has no name for.
const NO_SUCH_FAMILY: i32 = if cfg!(target_os = "linux") {
    97
} else if cfg!(windows) {
    10_047
} else {
    47
};

/// Opens connections from this machine.
#[derive(Clone, Debug, Default)]
pub struct TcpDialer {
    /// Where IPv4 connections come from; the system chooses if not given.
    pub source_v4: Option<Ipv4Addr>,
    pub source_v6: Option<Ipv6Addr>,
    pub proxy: Option<Proxy>,
}

/// A SOCKS5 server that connects for us. RFC 1928.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proxy {
    /// A name or an address; names are looked up by the system.
    pub host: String,
    pub port: u16,
    pub login: Option<Login>,
}

/// Name and password for a proxy. RFC 1929.
#[derive(Clone, Eq, PartialEq)]
pub struct Login {
    pub user: String,
    pub password: String,
}

/// Options are printed in reports of bugs; passwords must not be.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({:?}, password left out)", self.user)
    }
}

/// Reads `[USER:PASS@]HOST:PORT`.
impl FromStr for Proxy {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        // The word may hold a password, so a fault does not repeat it.
        let form = || "not [USER:PASS@]HOST:PORT, such as 127.0.0.1:1080".to_owned();
        let (login, place) = match word.rsplit_once('@') {
            Some((login, place)) => {
                let (user, password) = login.split_once(':').ok_or_else(form)?;
                let login = Login { user: user.to_owned(), password: password.to_owned() };
                (Some(login), place)
            }
            None => (None, word),
        };
        let (host, port) = place.rsplit_once(':').ok_or_else(form)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        match port.parse() {
            Ok(port) if port > 0 && !host.is_empty() => Ok(Self { host, port, login }),
            _ => Err(form()),
        }
    }
}

impl Dialer for TcpDialer {
    fn dial(&self, to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>> {
        Box::pin(async move {
            match &self.proxy {
                Some(proxy) => through(proxy, to).await,
                None => self.directly(to).await.map_err(|error| refine(&error, to)),
            }
        })
    }

    fn is_proxied(&self) -> bool {
        self.proxy.is_some()
    }
}

impl TcpDialer {
    /// The system's own connect, once; its retries of a lost SYN are all there are.
    async fn directly(&self, to: SocketAddr) -> io::Result<Channel> {
        let (socket, source) = match to {
            SocketAddr::V4(_) => (TcpSocket::new_v4()?, self.source_v4.map(Into::into)),
            SocketAddr::V6(_) => (TcpSocket::new_v6()?, self.source_v6.map(Into::into)),
        };
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(to).await?;
        let local = stream.local_addr().ok();
        channel(stream, local)
    }
}

/// Whatever fails here may be the proxy's doing, so none of it is held against the mail host.
async fn through(proxy: &Proxy, to: SocketAddr) -> Result<Channel, FaultKind> {
    let said = |error: &dyn std::fmt::Display| FaultKind::Proxy(error.to_string());
    let at = (proxy.host.as_str(), proxy.port);
    let socket = TcpStream::connect(at).await.map_err(|error| said(&error))?;
    let opened = match &proxy.login {
        Some(Login { user, password }) => {
            Socks5Stream::connect_with_password_and_socket(socket, to, user, password).await
        }
        None => Socks5Stream::connect_with_socket(socket, to).await,
    };
    let stream = opened.map_err(|error| said(&error))?.into_inner();
    // Our end towards the mail host is the proxy's affair.
    channel(stream, None).map_err(|error| said(&error))
}

/// Small commands must not wait for each other (Nagle), or round trips double.
fn channel(stream: TcpStream, local: Option<SocketAddr>) -> io::Result<Channel> {
    stream.set_nodelay(true)?;
    Ok(Channel { stream: Box::new(Prompt(stream)), local })
}

/// A connection that acknowledges at once what it has read. A server that sends two small things in a
/// row, as with the tickets of TLS 1.3 and its first reply, holds back the second until then (Nagle
/// again, on its side), and the kernel would take 40 ms.
struct Prompt(TcpStream);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        // The kernel forgets the wish in its own time. Where it is not granted all comes a little later.
        #[cfg(target_os = "linux")]
        if read.is_ready() {
            let _ = socket2::SockRef::from(&self.0).set_tcp_quickack(true);
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

/// What an error of a socket means.
pub fn fault(error: &io::Error) -> FaultKind {
    if error.raw_os_error() == Some(NO_SUCH_FAMILY) {
        return FaultKind::NoRoute;
    }
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => FaultKind::NoRoute,
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset => FaultKind::Reset,
        io::ErrorKind::ConnectionRefused => FaultKind::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            FaultKind::Unreachable
        }
        io::ErrorKind::PermissionDenied => FaultKind::Forbidden,
        io::ErrorKind::TimedOut => FaultKind::TimedOut,
        io::ErrorKind::UnexpectedEof => FaultKind::Closed,
        _ => FaultKind::Io(error.to_string()),
    }
}

/// "Network unreachable" comes from routers as well as from this machine's own table. Only ours
/// also stops a datagram socket, which sends nothing when it connects.
fn refine(error: &io::Error, to: SocketAddr) -> FaultKind {
    let any =
        if to.is_ipv4() { SocketAddr::from(([0; 4], 0)) } else { SocketAddr::from(([0u16; 8], 0)) };
    let routed = || UdpSocket::bind(any).and_then(|socket| socket.connect(to)).is_ok();
    match fault(error) {
        FaultKind::Unreachable if !routed() => FaultKind::NoRoute,
        kind => kind,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn a_connection_comes_from_the_source_address_of_its_family() {
        let (listener, to) = listener().await;
        let source_v4 = Some(Ipv4Addr::new(127, 0, 0, 2));
        let dialer = TcpDialer { source_v4, ..TcpDialer::default() };
        let channel = dialer.dial(to).await.unwrap();
        let (_, from) = listener.accept().await.unwrap();
        assert_eq!(from.ip(), Ipv4Addr::new(127, 0, 0, 2));
        assert_eq!(channel.local, Some(from));
    }

    #[tokio::test]
    async fn a_closed_port_refuses_and_a_source_that_is_not_ours_has_no_route() {
        let (closed, to) = listener().await;
        drop(closed);
        let refused = TcpDialer::default().dial(to).await.err();
        assert_eq!(refused, Some(FaultKind::Refused));
        let source_v4 = Some(Ipv4Addr::new(192, 0, 2, 1));
        let foreign = TcpDialer { source_v4, ..TcpDialer::default() };
        assert_eq!(foreign.dial(to).await.err(), Some(FaultKind::NoRoute));
    }

    #[test]
    fn errors_of_sockets_have_names() {
        use io::ErrorKind as Kind;
        for (kind, want) in [
            (Kind::AddrNotAvailable, FaultKind::NoRoute),
            (Kind::BrokenPipe, FaultKind::Reset),
            (Kind::ConnectionAborted, FaultKind::Reset),
            (Kind::ConnectionRefused, FaultKind::Refused),
            (Kind::ConnectionReset, FaultKind::Reset),
            (Kind::HostUnreachable, FaultKind::Unreachable),
            (Kind::NetworkUnreachable, FaultKind::Unreachable),
            (Kind::OutOfMemory, FaultKind::Io("out of memory".to_owned())),
            (Kind::PermissionDenied, FaultKind::Forbidden),
            (Kind::TimedOut, FaultKind::TimedOut),
            (Kind::UnexpectedEof, FaultKind::Closed),
        ] {
            assert_eq!(fault(&kind.into()), want, "{kind:?}");
        }
        assert_eq!(fault(&io::Error::from_raw_os_error(NO_SUCH_FAMILY)), FaultKind::NoRoute);
    }

    #[test]
    fn unreachable_by_way_of_a_router_is_not_a_route_missing_here() {
        let error = io::ErrorKind::NetworkUnreachable.into();
        assert_eq!(refine(&error, "127.0.0.1:25".parse().unwrap()), FaultKind::Unreachable);
    }

    /// A SOCKS5 server that takes one client, wants a password where `login` is set, and answers
    /// the request for `to` with `answer`. What the client sent last is the address it wants.
    async fn proxy(listener: TcpListener, login: bool, answer: u8) -> Vec<u8> {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 512];
        client.read_exact(&mut heard[..2]).await.unwrap();
        let methods = usize::from(heard[1]);
        client.read_exact(&mut heard[..methods]).await.unwrap();
        client.write_all(&[5, if login { 2 } else { 0 }]).await.unwrap();
        if login {
            let count = client.read(&mut heard).await.unwrap();
            assert_eq!(&heard[..count], b"\x01\x04user\x06secret");
            client.write_all(&[1, 0]).await.unwrap();
        }
        let count = client.read(&mut heard).await.unwrap();
        client.write_all(&[5, answer, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        if answer == 0 {
            client.write_all(b"220 mx.example\r\n").await.unwrap();
        }
        heard.truncate(count);
        heard
    }

    #[tokio::test]
    async fn a_proxy_connects_for_us_and_its_refusals_are_the_paths() {
        let to: SocketAddr = "192.0.2.1:25".parse().unwrap();
        for (login, answer, want) in [
            (false, 0, None),
            (true, 0, None),
            (false, 5, Some("Connection refused")),
            (false, 2, Some("Connection not allowed by ruleset")),
        ] {
            let (listener, address) = listener().await;
            let login_words = || Login { user: "user".to_owned(), password: "secret".to_owned() };
            let dialer = TcpDialer {
                proxy: Some(Proxy {
                    host: address.ip().to_string(),
                    port: address.port(),
                    login: login.then(login_words),
                }),
                ..TcpDialer::default()
            };
            let (outcome, asked) = tokio::join!(dialer.dial(to), proxy(listener, login, answer));
            // Version 5, connect, reserved, IPv4, address, port. RFC 1928 §4.
            assert_eq!(asked, [5, 1, 0, 1, 192, 0, 2, 1, 0, 25]);
            match (outcome, want) {
                (Ok(mut channel), None) => {
                    let mut greeting = String::new();
                    channel.stream.read_to_string(&mut greeting).await.unwrap();
                    assert_eq!((greeting.as_str(), channel.local), ("220 mx.example\r\n", None));
                }
                (Err(kind), Some(want)) => {
                    assert_eq!(kind, FaultKind::Proxy(want.to_owned()));
                    assert_eq!(kind.blame(), crate::survey::Blame::Path);
                }
                (outcome, want) => panic!("{:?} in place of {want:?}", outcome.err()),
            }
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let login = Login { user: "user".to_owned(), password: "secret".to_owned() };
        assert_eq!(format!("{login:?}"), "Login(\"user\", password left out)");
    }
}
