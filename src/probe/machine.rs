//! This machine, asked through its own sockets: which way out it would take, and what it is called.
//!
//! Sends nothing and asks no name server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use super::Machine;

/// The machine we run on, with what the user said about the way out.
#[derive(Clone, Debug, Default)]
pub struct ThisMachine {
    /// Sources that connections are tied to; a family without one is left to the system.
    pub tied_to: Vec<IpAddr>,
    /// Connections leave through a proxy, whose addresses nobody knows here.
    pub proxied: bool,
}

impl Machine for ThisMachine {
    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        if self.proxied {
            return None;
        }
        let tied = self.tied_to.iter().find(|source| source.is_ipv4() == to.is_ipv4());
        tied.copied().or_else(|| way_out(to))
    }

    /// A packet to an address of our own leaves from that very address.
    fn owns(&self, address: IpAddr) -> bool {
        way_out(address) == Some(address)
    }

    fn name(&self) -> Option<String> {
        gethostname::gethostname().into_string().ok()
    }
}

/// The source the system would choose. Connecting a datagram socket makes it choose, and is silent.
fn way_out(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Any port will do, but for 0, which some systems refuse.
    socket.connect((to, 25)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_knows_its_own_addresses() {
        let machine = ThisMachine::default();
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert!(machine.owns(loopback));
        assert_eq!(machine.source(loopback), Some(loopback));
        // Whatever the machine's network is like, nobody holds a documentation address.
        assert!(!machine.owns("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn the_user_may_tie_or_hide_the_source() {
        let to = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let source: IpAddr = "192.0.2.7".parse().unwrap();
        let tied = ThisMachine { tied_to: vec![source], proxied: false };
        assert_eq!(tied.source(to), Some(source));
        let proxied = ThisMachine { proxied: true, ..tied };
        assert_eq!(proxied.source(to), None);
    }
}
