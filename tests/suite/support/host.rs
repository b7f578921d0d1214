//! A mail host on loopback for the real program: takes everybody, but for what it says to RCPT.
//!
//! Knows no TLS. Worlds of the fleet can do more; this one can be met by another process.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// A host that is up for as long as the test runs.
pub struct Host {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Host {
    pub fn answering_rcpt(rcpt: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self { port: listener.local_addr().unwrap().port(), heard: Arc::default() };
        let heard = Arc::clone(&host.heard);
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                // A visitor that leaves early is seen by what it did not say.
                let _ = serve(&visitor.unwrap(), rcpt, &heard);
            }
        });
        host
    }

    /// The host as `--mx` takes it.
    pub fn by_hand(&self) -> String {
        format!("10:mx.a.example:{}@127.0.0.1", self.port)
    }

    /// Every line since the last call.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn serve(mut stream: &TcpStream, rcpt: &str, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.write_all(b"220 mx.a.example ESMTP\r\n")?;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let reply = match line.as_str() {
            "QUIT" => "221 bye",
            _ if line.starts_with("RCPT") => rcpt,
            _ => "250 ok",
        };
        let over = line == "QUIT";
        heard.lock().unwrap().push(line);
        stream.write_all(format!("{reply}\r\n").as_bytes())?;
        if over {
            break;
        }
    }
    Ok(())
}
