//! A name server with nothing in it, for runs whose hosts are given by hand.
//!
//! Answers at once, so that no test waits for retries.

use std::net::UdpSocket;

/// A name server that knows no name, for as long as the test runs.
pub fn empty_dns() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut message) {
            // The question comes back as an answer with NXDOMAIN and nothing else. RFC 1035 §4.1.1.
            message[2] |= 0x80;
            message[3] = 0x83;
            message[10..12].fill(0);
            let end = message[12..length].iter().position(|byte| *byte == 0).unwrap() + 12 + 5;
            if socket.send_to(&message[..end.min(length)], from).is_err() {
                break;
            }
        }
    });
    address
}
