//! The web host of a world that serves its MTA-STS policy, and the ways it can fail to.
//!
//! Knows one page and one request for it: whoever asks anything else, or asks although the
//! certificate is bad, raises an alarm. Speaks TLS only.

use std::{collections::BTreeMap, io, net::IpAddr, sync::Arc};

use rustls::ServerConfig;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

use super::{
    certificates::Authority,
    ledger::{Ledger, Visit},
    pipe::Line,
    spoil::{DRIP, send},
    words::{CertWord, ConnectWord, HostWord, WebWord},
    world::{Server, World, WorldFault},
    zone::canonical,
};

/// Longer than any request of ours.
const LONGEST_REQUEST: u64 = 4096;

/// The MTA-STS of a domain. Everything not said is as a sound host has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sts {
    /// The TXT record at _mta-sts.DOMAIN; none if empty, and a sound one if not given.
    pub record: Option<String>,
    /// How a question for the addresses of mta-sts.DOMAIN is answered.
    pub dns: HostWord,
    /// Left empty: 203.0.113.80.
    pub addresses: Vec<IpAddr>,
    pub connect: ConnectWord,
    /// In place of `connect` for single addresses.
    pub connect_at: BTreeMap<IpAddr, ConnectWord>,
    pub cert: CertWord,
    /// 301 if not given where `redirect` is, else 200.
    pub status: Option<u16>,
    /// The value of Location.
    pub redirect: Option<String>,
    /// The value of Content-Type; `text/plain` if not given, left out if empty.
    pub media_type: Option<String>,
    /// If not given, one that wants encryption at all MX hosts.
    pub policy: Option<String>,
    pub fault: Option<WebWord>,
}

impl Sts {
    pub fn addresses(&self) -> Vec<IpAddr> {
        let given = || vec![[203, 0, 113, 80].into()];
        if self.addresses.is_empty() { given() } else { self.addresses.clone() }
    }
}

/// The policy host of a world, ready to serve.
pub struct PolicyHost {
    name: String,
    words: Sts,
    policy: String,
    tls: Arc<ServerConfig>,
}

impl PolicyHost {
    /// `None` in a world without one.
    pub fn of(world: &World, authority: &Authority) -> Result<Option<Arc<Self>>, WorldFault> {
        let Some(words) = world.sts.clone() else { return Ok(None) };
        let name = name(world);
        let server = Server { cert: words.cert, ..Server::default() };
        let tls = authority.config(&name, &server)?;
        let sound = || {
            let hosts = world.mx.iter().map(|mx| format!("mx: {}\n", canonical(&mx.host)));
            let hosts: String = hosts.collect();
            format!("version: STSv1\nmode: enforce\n{hosts}max_age: 604800\n")
        };
        let policy = words.policy.clone().unwrap_or_else(sound);
        Ok(Some(Arc::new(Self { name, words, policy, tls })))
    }

    /// What happens to a connection attempt; `None` where the host does not stand.
    pub fn connect(&self, address: IpAddr) -> Option<ConnectWord> {
        let own = self.words.connect_at.get(&address).copied().unwrap_or(self.words.connect);
        self.words.addresses().contains(&address).then_some(own)
    }

    /// Serves one connection to its end.
    pub async fn serve<L: Line>(&self, mut line: L, ledger: &Ledger, visit: Visit) {
        match self.words.fault {
            Some(WebWord::BrokenTls) if send(&mut line, &[0x6d; 64]).await.is_err() => return,
            Some(WebWord::BrokenTls | WebWord::SilentTls) => return outlast(&mut line).await,
            _ => {}
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.tls));
        let Ok(mut stream) = acceptor.accept(line).await else { return };
        let request = request(&mut stream).await;
        if request.is_empty() {
            return; // Somebody did not like the certificate.
        }
        if self.words.cert != CertWord::Good {
            ledger.alarm(visit, "a request to a host that did not prove its name");
        }
        if !self.is_sound(&request) {
            ledger.alarm(visit, "a request for something else than the policy");
        }
        // Fails where the client is gone already, which is its right.
        if self.answer(&mut stream).await.is_ok() && self.words.fault != Some(WebWord::Silent) {
            let _ = stream.shutdown().await;
        }
        outlast(&mut stream).await;
    }

    fn is_sound(&self, request: &str) -> bool {
        let mut lines = request.split("\r\n");
        let wanted = lines.next() == Some("GET /.well-known/mta-sts.txt HTTP/1.1");
        wanted && lines.any(|line| line == format!("host: {}", self.name))
    }

    async fn answer<S: Line>(&self, stream: &mut S) -> io::Result<()> {
        let policy = self.policy.as_bytes();
        let length = format!("Content-Length: {}\r\n", policy.len());
        let head = |framing: &str| self.head(framing).into_bytes();
        match self.words.fault {
            Some(WebWord::Silent) => Ok(()),
            Some(WebWord::NotHttp) => send(stream, b"220 mx.example ESMTP\r\n").await,
            Some(WebWord::BadChunk) => {
                let head = head("Transfer-Encoding: chunked\r\n");
                send(stream, &[&head, policy].concat()).await
            }
            Some(WebWord::Cut) => {
                send(stream, &[&head(&length), &policy[..policy.len() / 2]].concat()).await
            }
            Some(WebWord::Drip) => {
                send(stream, &head(&length)).await?;
                for octet in policy {
                    sleep(DRIP).await;
                    send(stream, &[*octet]).await?;
                }
                Ok(())
            }
            Some(WebWord::Huge) => {
                send(stream, &head("Transfer-Encoding: chunked\r\n")).await?;
                let chunk = [&b"400\r\n"[..], &[b'x'; 1024], b"\r\n"].concat();
                loop {
                    send(stream, &chunk).await?;
                }
            }
            Some(WebWord::BrokenTls | WebWord::SilentTls) | None => {
                send(stream, &[&head(&length), policy].concat()).await
            }
        }
    }

    fn head(&self, framing: &str) -> String {
        let Sts { status, redirect, media_type, .. } = &self.words;
        let status = status.unwrap_or(if redirect.is_some() { 301 } else { 200 });
        let media_type = media_type.as_deref().unwrap_or("text/plain");
        let line = |name: &str, value: &str| format!("{name}: {value}\r\n");
        let location = redirect.as_ref().map(|to| line("Location", to)).unwrap_or_default();
        let content =
            if media_type.is_empty() { String::new() } else { line("Content-Type", media_type) };
        format!("HTTP/1.1 {status} \r\n{location}{content}{framing}Connection: close\r\n\r\n")
    }
}

/// The name of the policy host. RFC 8461 §3.2.
pub fn name(world: &World) -> String {
    format!("mta-sts.{}", world.domain)
}

/// All of one request, or what came of it.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut heard = Vec::new();
    let mut stream = stream.take(LONGEST_REQUEST);
    while !heard.ends_with(b"\r\n\r\n") && stream.read_buf(&mut heard).await.unwrap_or(0) > 0 {}
    String::from_utf8_lossy(&heard).into_owned()
}

/// Stays until the client has gone.
async fn outlast<S: AsyncRead + Unpin>(stream: &mut S) {
    let _ = tokio::io::copy(stream, &mut tokio::io::sink()).await;
}
