//! Stand-ins for the outside world, for the unit tests of this room.
//!
//! A resolver that is a map, a machine that is two facts, a dialer with one greeting. Nothing here
//! is in the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Mutex,
};

use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

use super::{
    Answer, Channel, Dialer, Machine, Proven, Record, RecordData, RecordKind, Resolver, seam::Later,
};
use crate::{
    smtp::ReversePath,
    survey::{Asked, Depth, DnsFault, Expected, Families, FaultKind, Security},
};

/// Names with a record of any kind exist; all others do not.
#[derive(Default)]
pub struct Map {
    answers: BTreeMap<(String, RecordKind), Answer>,
    names: BTreeSet<String>,
    security: BTreeMap<String, Security>,
    servers: BTreeMap<IpAddr, Answer>,
}

impl Map {
    /// Records of one kind at `name`, as words; an exchange is `10 mx.example`.
    pub fn with(self, name: &str, kind: RecordKind, words: &[&str]) -> Self {
        let data = |word: &&str| match kind {
            RecordKind::A | RecordKind::Aaaa => RecordData::Address(word.parse().unwrap()),
            RecordKind::Mx => {
                let (preference, exchange) = word.split_once(' ').unwrap();
                let preference = preference.parse().unwrap();
                RecordData::Exchange { preference, exchange: exchange.to_owned() }
            }
            RecordKind::Ptr => RecordData::Pointer((*word).to_owned()),
            RecordKind::Ns => RecordData::NameServer((*word).to_owned()),
            RecordKind::Soa => RecordData::Other,
            RecordKind::Tlsa => RecordData::Tlsa(word.parse().unwrap()),
            RecordKind::Txt => RecordData::Txt(word.as_bytes().to_vec()),
        };
        let record = |word| Record { owner: name.to_owned(), data: data(word) };
        let records = words.iter().map(record).collect();
        self.answering(name, kind, Answer::Records(records))
    }

    pub fn failing(self, name: &str, kind: RecordKind, fault: DnsFault) -> Self {
        self.answering(name, kind, Answer::Failed(fault))
    }

    /// How far answers about `name` are vouched for.
    pub fn vouched(mut self, name: &str, security: Security) -> Self {
        self.security.insert(name.to_owned(), security);
        self
    }

    /// What the name server at `address` says to every question.
    pub fn server(mut self, address: &str, answer: Answer) -> Self {
        self.servers.insert(address.parse().unwrap(), answer);
        self
    }

    pub fn answering(mut self, name: &str, kind: RecordKind, answer: Answer) -> Self {
        self.names.insert(name.to_owned());
        self.answers.insert((name.to_owned(), kind), answer);
        self
    }
}

impl Resolver for Map {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
        let otherwise = || {
            let exists = self.names.contains(name);
            if exists { Answer::NoData(Vec::new()) } else { Answer::NoSuchName(Vec::new()) }
        };
        let answer = self.answers.get(&(name.to_owned(), kind)).cloned();
        Box::pin(std::future::ready(answer.unwrap_or_else(otherwise)))
    }

    /// Everything is secure but what was said to be otherwise.
    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
        Box::pin(async move {
            let answer = self.ask(name, kind).await;
            let security = self.security.get(name).cloned().unwrap_or(Security::Secure);
            let records = match &answer {
                Answer::Records(records) if security == Security::Secure => records.as_slice(),
                _ => &[],
            };
            let secure = records.iter().map(|record| record.owner.clone()).collect();
            Proven { answer, security, secure }
        })
    }

    /// Servers answer as everybody does, but those with an answer of their own.
    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer> {
        match self.servers.get(&server) {
            Some(answer) => Box::pin(std::future::ready(answer.clone())),
            None => self.ask(name, kind),
        }
    }
}

pub fn address(owner: &str, word: &str) -> Record {
    Record { owner: owner.to_owned(), data: RecordData::Address(word.parse().unwrap()) }
}

pub fn alias(owner: &str, target: &str) -> Record {
    Record { owner: owner.to_owned(), data: RecordData::Alias(target.to_owned()) }
}

pub fn exchange(owner: &str, preference: u16, exchange: &str) -> Record {
    let exchange = exchange.to_owned();
    Record { owner: owner.to_owned(), data: RecordData::Exchange { preference, exchange } }
}

/// A machine with these addresses, the first of a family being the source of its connections.
#[derive(Default)]
pub struct Desktop {
    pub addresses: Vec<IpAddr>,
    pub name: Option<String>,
}

impl Machine for Desktop {
    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|address| address.is_ipv4() == to.is_ipv4())
    }

    fn owns(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    fn name(&self) -> Option<String> {
        self.name.clone()
    }
}

/// A dialer that gives every connection the same greeting, refuses, or never comes back.
#[derive(Default)]
pub struct Door {
    greeting: Option<&'static [u8]>,
    refusal: Option<FaultKind>,
    visitors: Mutex<Vec<JoinHandle<String>>>,
}

impl Door {
    pub fn greeting(words: &'static [u8]) -> Self {
        Self { greeting: Some(words), ..Self::default() }
    }

    pub fn refusing(kind: FaultKind) -> Self {
        Self { refusal: Some(kind), ..Self::default() }
    }

    /// What each visitor said until it left.
    pub async fn heard(&self) -> Vec<String> {
        let visitors = std::mem::take(&mut *self.visitors.lock().unwrap());
        join_all(visitors).await.into_iter().map(Result::unwrap).collect()
    }
}

impl Dialer for Door {
    fn dial(&self, _to: SocketAddr) -> Later<'_, Result<Channel, FaultKind>> {
        Box::pin(async move {
            if let Some(kind) = &self.refusal {
                return Err(kind.clone());
            }
            let Some(greeting) = self.greeting else { return std::future::pending().await };
            let (near, mut far) = tokio::io::duplex(64);
            let visitor = tokio::spawn(async move {
                far.write_all(greeting).await.unwrap();
                let mut heard = [0; 64];
                let read = far.read(&mut heard).await.unwrap();
                far.write_all(b"221 bye\r\n").await.unwrap();
                let mut heard = heard[..read].to_vec();
                far.read_to_end(&mut heard).await.unwrap();
                String::from_utf8(heard).unwrap()
            });
            self.visitors.lock().unwrap().push(visitor);
            Ok(Channel { stream: Box::new(near), local: None })
        })
    }
}

/// A question that asks for nothing special.
pub fn asked() -> Asked {
    Asked {
        sender: ReversePath::Null,
        recipients: Vec::new(),
        nonsense: None,
        relay: None,
        by_hand: Vec::new(),
        also: Vec::new(),
        port: 25,
        families: Families::Both,
        depth: Depth::Session,
        allow_private: false,
        allow_net: Vec::new(),
        resolver: None,
        expected: Expected::default(),
        memory: None,
    }
}
