//! What the integration tests share.

pub mod authority;
pub mod empty_dns;
pub mod golden;
pub mod host;
pub mod play;
pub mod script;
pub mod signed;

use std::net::Ipv4Addr;

use tokio::net::{TcpListener, UdpSocket};

/// One free port on both transports.
pub async fn door() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        // Somebody may hold the same number on UDP; then another one will do.
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}
