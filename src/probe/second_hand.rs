//! DNSSEC at second hand: a resolver on this machine validates, and its word is taken.
//!
//! Checks no signature. Whether the resolver is near enough to be believed is for who asks.

use std::sync::Arc;

use hickory_resolver::proto::{
    op::Query,
    rr::{Name, RecordType},
};
use tokio::sync::OnceCell;

use super::{
    Answer, Proven, Record,
    exchange::{Exchange, Wish, absolute},
    message,
    seam::RecordData,
};
use crate::survey::{DnsFault, Security};

/// A resolver whose AD bit counts.
pub struct SecondHand {
    exchange: Arc<Exchange>,
    /// Whether it validates at all.
    validates: OnceCell<Result<(), String>>,
}

impl SecondHand {
    pub fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange, validates: OnceCell::new() }
    }

    /// The answer with the resolver's word on it; or how it is that this word says nothing.
    pub async fn prove(&self, name: &str, kind: RecordType) -> Result<Proven, Security> {
        let validates = self.validates.get_or_init(|| self.try_root()).await.clone();
        validates.map_err(Security::Undetermined)?;
        let name = absolute(name).map_err(|fault| Security::unanswered(&fault))?;
        let query = Query::query(name, kind);
        let fault = match self.exchange.send(&query, Wish::Word).await {
            Ok(response) => {
                let vouched = response.metadata.authentic_data;
                let answer = message::read(&response, kind, &mut Vec::new());
                let records = recorded(&answer);
                let secure = if vouched {
                    records.iter().map(|record| record.owner.clone()).collect()
                } else {
                    self.secure_alias(records).await
                };
                let security = if vouched { Security::Secure } else { Security::Insecure };
                return Ok(Proven { answer, security, secure });
            }
            Err(fault) => fault,
        };
        // What it has, and does not give out unless told not to judge, it takes for forged.
        let failed = matches!(&fault, DnsFault::Rcode { rcode, .. } if rcode == "SERVFAIL");
        match self.exchange.send(&query, Wish::Signatures).await {
            Ok(response) if failed => {
                let answer = message::read(&response, kind, &mut Vec::new());
                let security = Security::Bogus(format!("the resolver says {fault}"));
                Ok(Proven { answer, security, secure: Vec::new() })
            }
            _ => Err(Security::unanswered(&fault)),
        }
    }

    /// The first name of a chain of aliases, if it alone is vouched for: RFC 7672 §2.2.2 makes
    /// something of it, and of no other.
    async fn secure_alias(&self, records: &[Record]) -> Vec<String> {
        let alias = |record: &&Record| matches!(record.data, RecordData::Alias(_));
        let Some(first) = records.iter().find(alias) else { return Vec::new() };
        let Ok(name) = absolute(&first.owner) else { return Vec::new() };
        let query = Query::query(name, RecordType::CNAME);
        match self.exchange.send(&query, Wish::Word).await {
            Ok(response) if response.metadata.authentic_data => vec![first.owner.clone()],
            _ => Vec::new(),
        }
    }

    /// The root is signed: who does not say so does not validate.
    async fn try_root(&self) -> Result<(), String> {
        let query = Query::query(Name::root(), RecordType::SOA);
        match self.exchange.send(&query, Wish::Word).await {
            Ok(response) if response.metadata.authentic_data => Ok(()),
            Ok(_) => Err("the resolver does not vouch for the root zone; does it validate?".into()),
            Err(fault) => Err(format!("SOA of the root zone: {fault}")),
        }
    }
}

fn recorded(answer: &Answer) -> &[Record] {
    match answer {
        Answer::Records(records) | Answer::NoData(records) | Answer::NoSuchName(records) => records,
        Answer::Failed(_) => &[],
    }
}
