//! DNSSEC in the process: whether an answer is what its zone's owner signed, from the root down.
//!
//! The DNS library judges signatures and denials; this asks its questions for it, each once, takes one
//! name of a chain of aliases at a time, and judges where the library is known to err. RFC 4035 §5.
//! What cannot be known is never called bogus: look-ups that fail, and resolvers that keep signatures
//! to themselves, leave an answer undetermined. Why something is bogus is told by `diagnosis`.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use futures_util::stream::{self, Stream};
use hickory_resolver::{
    net::{
        DnsError, NetError,
        dnssec::DnssecDnsHandle,
        runtime::TokioRuntimeProvider,
        xfer::{DnsHandle, FirstAnswer},
    },
    proto::{
        dnssec::{Proof, TrustAnchors},
        op::{DnsRequest, DnsRequestOptions, DnsResponse, Query},
        rr::{Name, Record as Entry, RecordType},
    },
};

use super::{
    Proven, Record,
    diagnosis::{self, covered},
    exchange::{Exchange, Wish, absolute},
    lookup::LONGEST_CHAIN,
    memo::Memo,
    message,
    seam::RecordData,
};
use crate::survey::{Blame, DnsFault, Security};

/// Look-ups for one name and type, those that were made before included. A name four zones deep takes
/// about 30.
const MOST_LOOK_UPS: usize = 256;

/// Records of a response that are judged: each costs time that visits are waiting for.
const MOST_RECORDS: usize = 512;

/// Above this a zone counts as not signed. RFC 9276 §3.2.
const MOST_ITERATIONS: u16 = 100;

/// Tells which answers are genuine.
pub struct Validator {
    source: Arc<Source>,
    anchors: Arc<TrustAnchors>,
}

/// Signed messages, each asked for once in a run.
struct Source {
    exchange: Arc<Exchange>,
    look_ups: Memo<(String, RecordType), LookUp>,
}

type LookUp = Result<DnsResponse, DnsFault>;

/// What asks the library's questions while it judges one answer.
#[derive(Clone)]
struct Asking {
    source: Arc<Source>,
    trail: Arc<Mutex<Trail>>,
}

/// What one judgement rests on.
#[derive(Default)]
struct Trail {
    look_ups: usize,
    seen: Vec<(Query, DnsResponse)>,
    /// The first look-up that failed; after it no other is made.
    fault: Option<(String, Blame)>,
}

impl Validator {
    pub fn new(exchange: Arc<Exchange>, anchors: TrustAnchors) -> Self {
        let source = Arc::new(Source { exchange, look_ups: Memo::default() });
        Self { source, anchors: Arc::new(anchors) }
    }

    /// The answer, name by name; or how it is that nothing can be validated.
    pub async fn prove(&self, name: &str, kind: RecordType) -> Result<Proven, Security> {
        self.see_signatures().await.map_err(Security::Undetermined)?;
        let unanswered = |fault: DnsFault| Security::unanswered(&fault);
        let mut security = Security::Secure;
        let (mut passed, mut secure) = (Vec::new(), Vec::new());
        let mut name = name.to_ascii_lowercase();
        loop {
            let owner = absolute(&name).map_err(unanswered)?;
            let whole = self.source.look_up(&Query::query(owner.clone(), kind)).await;
            let whole = whole.map_err(unanswered)?;
            let alias = message::alias(&whole, &owner).filter(|_| passed.len() < LONGEST_CHAIN);
            let asked = if alias.is_some() { RecordType::CNAME } else { kind };
            let query = Query::query(owner, asked);
            let worth = self.worth(&query, &whole).await;
            let vouched = worth == Security::Secure;
            security = security.and(worth);
            let Some(alias) = alias else {
                let own = essence(&query, whole);
                if vouched && !own.answers.is_empty() {
                    secure.push(name);
                }
                let answer = message::read(&own, kind, &mut passed);
                return Ok(Proven { answer, security, secure });
            };
            let data = RecordData::Alias(alias.clone());
            passed.push(Record { owner: name.clone(), data });
            if vouched {
                secure.push(name);
            }
            name = alias;
        }
    }

    /// Whether the way to the zones lets signatures and denials through, and begins with keys that are
    /// trusted. Otherwise everything would look forged.
    async fn see_signatures(&self) -> Result<(), String> {
        let look_up = |kind| async move {
            let answer = self.source.look_up(&Query::query(Name::root(), kind)).await;
            answer.map_err(|fault| format!("{kind} of the root zone: {fault}"))
        };
        let stripped = || "the resolver passes no signatures on".to_owned();
        let keys = look_up(RecordType::DNSKEY).await?;
        let mut signatures = keys.answers.iter().filter_map(diagnosis::signature).peekable();
        if signatures.peek().is_none() {
            return Err(stripped());
        }
        if !signatures.any(|signature| diagnosis::in_time(signature, now())) {
            let why =
                "no signature of the root zone is valid today; is this machine's clock right?";
            return Err(why.to_owned());
        }
        if !keys.answers.iter().any(|entry| diagnosis::is_anchor(entry, &self.anchors)) {
            return Err("no key of the root zone is a trust anchor".to_owned());
        }
        // The root has no record of this type, and says so in a signed way.
        let denial = look_up(RecordType::PTR).await?;
        let mut denials = denial.authorities.iter().filter_map(covered);
        let denied = denials.any(|kind| matches!(kind, RecordType::NSEC | RecordType::NSEC3));
        if denied { Ok(()) } else { Err(stripped()) }
    }

    /// How far the answer for one name is vouched for; `whole` is what came for it, aliases and all.
    async fn worth(&self, query: &Query, whole: &DnsResponse) -> Security {
        // Its CNAME is made up by the server, and what it is made from is not judged here. RFC 6672
        // §5.3.1.
        let leads = |entry: &&Entry| {
            entry.record_type() == RecordType::DNAME && entry.name.zone_of(query.name())
        };
        if let Some(above) = whole.answers.iter().find(leads) {
            let owner = message::presented(&above.name);
            return Security::Undetermined(format!("led on by a DNAME record at {owner}"));
        }
        let trail = Arc::<Mutex<Trail>>::default();
        let asking = Asking { source: Arc::clone(&self.source), trail: Arc::clone(&trail) };
        let judge = DnssecDnsHandle::with_trust_anchor(asking, Arc::clone(&self.anchors))
            .nsec3_iteration_limits(Some(MOST_ITERATIONS), Some(u16::MAX))
            .validation_cache_size(MOST_RECORDS);
        let judged = judge.lookup(query.clone(), signing()).first_answer().await;
        let trail = std::mem::take(&mut *locked(&trail));
        let worth = match judged {
            Ok(response) => judgement(query, &response, Proof::Secure),
            Err(NetError::Dns(DnsError::Nsec { response, proof, .. })) => {
                judgement(query, &response, proof)
            }
            Err(error) => Err(Some(error.to_string())),
        };
        match (worth, trail.fault) {
            (Ok(security), _) => security,
            (Err(_), Some((why, blame))) => Security::Unanswered { why, blame },
            (Err(Some(why)), None) => Security::Undetermined(why),
            (Err(None), None) => {
                let why = diagnosis::why(query, &trail.seen, &self.anchors, now());
                self.second_opinion(query, why).await
            }
        }
    }

    /// A resolver that validates and vouches for the answer leaves the question open.
    async fn second_opinion(&self, query: &Query, why: String) -> Security {
        match self.source.exchange.send(query, Wish::Word).await {
            Ok(response) if response.metadata.authentic_data => {
                Security::Undetermined(format!("{why}; but the resolver vouches for the answer"))
            }
            _ => Security::Bogus(why),
        }
    }
}

impl Source {
    async fn look_up(&self, query: &Query) -> LookUp {
        let key = (query.name().to_lowercase().to_ascii(), query.query_type());
        self.look_ups.recall(key, self.exchange.send(query, Wish::Signatures)).await
    }
}

impl Asking {
    async fn look_up(self, query: Query) -> Result<DnsResponse, NetError> {
        if let Some((why, _)) = self.begin() {
            return Err(why.into());
        }
        let answer = self.source.look_up(&query).await;
        let response = answer.map(|response| essence(&query, response));
        let bounded = response.and_then(|response| {
            let records = response.answers.len() + response.authorities.len();
            let many = || DnsFault::Unusable(format!("{records} records, too many to validate"));
            if records <= MOST_RECORDS { Ok(response) } else { Err(many()) }
        });
        let mut trail = locked(&self.trail);
        match bounded {
            Ok(response) => {
                trail.seen.push((query, response.clone()));
                Ok(response)
            }
            Err(fault) => {
                let (name, kind) = (message::presented(query.name()), query.query_type());
                let told = (format!("{kind} of {name}: {fault}"), fault.blame());
                Err(trail.fault.get_or_insert(told).0.clone().into())
            }
        }
    }

    /// Counts a look-up, or says why it is not made.
    fn begin(&self) -> Option<(String, Blame)> {
        let mut trail = locked(&self.trail);
        trail.look_ups += 1;
        if trail.look_ups > MOST_LOOK_UPS {
            let why = format!("more than {MOST_LOOK_UPS} look-ups would be needed");
            trail.fault.get_or_insert((why, Blame::Us));
        }
        trail.fault.clone()
    }
}

impl DnsHandle for Asking {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let query = request.queries.first().cloned();
        let asking = self.clone();
        Box::pin(stream::once(async move {
            asking.look_up(query.ok_or(NetError::Message("no question"))?).await
        }))
    }
}

fn locked(trail: &Mutex<Trail>) -> MutexGuard<'_, Trail> {
    trail.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signing() -> DnsRequestOptions {
    let mut options = DnsRequestOptions::default();
    options.edns_set_dnssec_ok = true;
    options
}

/// In the form that signatures have it: seconds, wrapping. RFC 4034 §3.1.5.
#[expect(clippy::cast_possible_truncation, reason = "wraps by the standard")]
fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as u32
}

/// What a validator needs of a response for one name: the records that were asked for, or the proof
/// that there are none, or both where the records come from a wildcard. The rest would only cost
/// look-ups, and the library mixes up the proofs of several names.
fn essence(query: &Query, mut response: DnsResponse) -> DnsResponse {
    let (name, kind) = (query.name(), query.query_type());
    response.answers.retain(|entry| {
        entry.name == *name && (entry.record_type() == kind || covered(entry) == Some(kind))
    });
    let expanded = expansion(&response.answers).is_some();
    let (answered, denying) =
        (!response.answers.is_empty(), |kind| matches!(kind, RecordType::NSEC | RecordType::NSEC3));
    response.authorities.retain(|entry| {
        let kind = covered(entry).unwrap_or(entry.record_type());
        if answered {
            expanded && denying(kind)
        } else {
            denying(kind) || kind == RecordType::SOA && entry.name.zone_of(name)
        }
    });
    response.additionals.clear();
    response
}

/// The name below the wildcard that records were made from; no closer one may exist. RFC 4035 §5.3.4.
fn expansion(answers: &[Entry]) -> Option<(Name, Name)> {
    let signatures = answers.iter().filter_map(|entry| Some((entry, diagnosis::signature(entry)?)));
    let mut expanded = signatures
        .filter(|(entry, signature)| signature.input().num_labels < entry.name.num_labels());
    expanded.next().map(|(entry, signature)| {
        let input = signature.input();
        (entry.name.trim_to(usize::from(input.num_labels) + 1), input.signer_name.clone())
    })
}

/// What the library's marks come to, `denial` being its word on the proof of what there is not.
/// `Err` where it takes the answer for forged, or says why it cannot tell.
fn judgement(
    query: &Query,
    response: &DnsResponse,
    denial: Proof,
) -> Result<Security, Option<String>> {
    let asked = |entry: &&Entry| entry.record_type() == query.query_type();
    let proofs: Vec<Proof> =
        response.answers.iter().filter(asked).map(|entry| entry.proof).collect();
    let all = |proof| proofs.iter().all(|one| *one == proof);
    if proofs.contains(&Proof::Bogus) {
        return Err(None);
    }
    match denial {
        _ if proofs.contains(&Proof::Indeterminate) => Err(Some("it could not be judged".into())),
        Proof::Insecure => Ok(Security::Insecure),
        Proof::Secure if proofs.is_empty() => {
            let vouched = response.authorities.iter().any(|entry| entry.proof == Proof::Secure);
            Ok(if vouched { Security::Secure } else { Security::Insecure })
        }
        Proof::Secure if all(Proof::Secure) => Ok(Security::Secure),
        _ if proofs.is_empty() => Err(None),
        _ if !all(Proof::Secure) => Ok(Security::Insecure),
        // The library takes positive answers from wildcards of NSEC zones for forged, all of them.
        _ => match expansion(&response.answers) {
            Some((next, zone)) if none_closer(&next, &zone, &response.authorities) => {
                Ok(Security::Secure)
            }
            Some(_) => Err(Some("made from a wildcard, and nothing shows that it applies".into())),
            None => Err(None),
        },
    }
}

/// Whether a secure NSEC record of `zone` shows that neither `next` nor anything below it exists.
/// RFC 4035 §5.4, RFC 6840 §4.1.
fn none_closer(next: &Name, zone: &Name, authorities: &[Entry]) -> bool {
    let secure = authorities.iter().filter(|entry| entry.proof == Proof::Secure);
    secure.filter_map(|entry| Some((&entry.name, diagnosis::denial(entry)?))).any(
        |(owner, nsec)| {
            let after = nsec.next_domain_name();
            let delegated = nsec.is_ancestor_delegation() && owner.zone_of(next);
            // The last record of a zone leads back to its apex.
            let before_end = next < after || after == zone;
            zone.zone_of(owner) && !delegated && owner < next && before_end && !next.zone_of(after)
        },
    )
}

#[cfg(test)]
mod tests;
