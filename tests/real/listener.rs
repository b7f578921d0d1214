//! Sockets that must be there before a test begins, seen without connecting to them.
//!
//! Waits for nothing: that is `world`'s.

use std::{fs, net::IpAddr};

/// A socket that must be there, as /proc/net shows it.
#[derive(Debug)]
pub struct Listener {
    table: &'static str,
    address: IpAddr,
    port: u16,
    /// 0A is LISTEN; an unconnected UDP socket is shown as 07, CLOSE.
    state: &'static str,
}

impl Listener {
    pub fn tcp(address: IpAddr, port: u16) -> Self {
        let table = if address.is_ipv4() { "tcp" } else { "tcp6" };
        Self { table, address, port, state: "0A" }
    }

    pub fn udp(address: IpAddr, port: u16) -> Self {
        Self { table: "udp", address, port, state: "07" }
    }

    pub fn is_there(&self, process: u32) -> bool {
        let table = fs::read_to_string(format!("/proc/{process}/net/{}", self.table)).unwrap();
        let local = format!("{}:{:04X}", hexadecimal(self.address), self.port);
        table.lines().any(|line| {
            let mut columns = line.split_ascii_whitespace().skip(1);
            columns.next() == Some(&local) && columns.nth(1) == Some(self.state)
        })
    }
}

/// As the kernel prints it: each group of four octets as one number of this machine.
fn hexadecimal(address: IpAddr) -> String {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let groups = octets.chunks_exact(4).map(|group| u32::from_ne_bytes(group.try_into().unwrap()));
    groups.map(|group| format!("{group:08X}")).collect::<Vec<_>>().concat()
}
