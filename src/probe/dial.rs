//! Connects to mail hosts over TCP, directly or through a SOCKS5 proxy.
//!
//! The only file that does. Sets no time limit and tries nothing twice.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    str::FromStr,
};

use tokio::net::{TcpSocket, TcpStream};
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
}

impl TcpDialer {
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
    Ok(Channel { stream: Box::new(stream), local })
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
