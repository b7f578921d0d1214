//! Why DNSSEC calls an answer bogus, in words.
//!
//! The DNS library says only that it is so. This reads the messages it judged once more, from the root
//! down, and names the first thing that is wrong with them. Decides nothing: what it cannot explain
//! stays bogus.

use hickory_resolver::proto::{
    dnssec::{
        TrustAnchors, Verifier,
        rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG},
    },
    op::{DnsResponse, Query},
    rr::{DNSClass, Name, RData, Record as Entry, RecordType},
};
use jiff::Timestamp;

use super::message::presented;

/// Keys and signatures of one set of records that are tried: enough for any roll-over, and few enough
/// for who sends many.
const MOST_TRIED: usize = 8;

/// Messages by what was asked.
type Seen = [(Query, DnsResponse)];

/// The records of one owner and type.
struct Set<'a> {
    owner: &'a Name,
    kind: RecordType,
    records: Vec<&'a Entry>,
    signatures: Vec<&'a RRSIG>,
}

/// What is wrong with the answer to `query`, or with what it hangs on.
pub fn why(query: &Query, seen: &Seen, anchors: &TrustAnchors, now: u32) -> String {
    let mut links: Vec<&(Query, DnsResponse)> =
        seen.iter().filter(|(link, _)| link == query || is_link(link.query_type())).collect();
    // A zone's DS record comes from above it, then come its keys, then what they sign.
    let order = |kind| match kind {
        RecordType::DS => 0,
        RecordType::DNSKEY => 1,
        _ => 2,
    };
    links.sort_by_key(|(link, _)| {
        (link == query, link.name().num_labels(), order(link.query_type()))
    });
    links
        .iter()
        .find_map(|(link, response)| fault(link, response, seen, anchors, now))
        .unwrap_or_else(|| {
            let (name, kind) = (presented(query.name()), query.query_type());
            format!("what should show that {name} has no {kind} record does not show it")
        })
}

fn is_link(kind: RecordType) -> bool {
    matches!(kind, RecordType::DS | RecordType::DNSKEY)
}

fn fault(
    query: &Query,
    response: &DnsResponse,
    seen: &Seen,
    anchors: &TrustAnchors,
    now: u32,
) -> Option<String> {
    let name = presented(query.name());
    let kind = query.query_type();
    let denied = response.answers.is_empty();
    let sets = sets(if denied { &response.authorities } else { &response.answers });
    if kind == RecordType::DNSKEY {
        let digests = digests(query.name(), seen);
        let known = |entry: &&Entry| {
            is_anchor(entry, anchors) || digests.iter().any(|digest| covers(digest, entry))
        };
        if denied {
            return Some(format!("{name} has a DS record, and no DNSKEY record"));
        }
        if !response.answers.iter().any(|entry| known(&entry)) {
            return Some(format!("no DNSKEY record of {name} is the one that its DS record names"));
        }
    }
    if let Some(why) = sets.iter().find_map(|set| set.fault(seen, now)) {
        return Some(why);
    }
    let proves = |set: &Set<'_>| matches!(set.kind, RecordType::NSEC | RecordType::NSEC3);
    (denied && !sets.iter().any(proves))
        .then(|| format!("nothing shows that {name} has no {kind} record"))
}

/// The DS records of `zone`.
fn digests<'a>(zone: &Name, seen: &'a Seen) -> Vec<&'a DS> {
    answers(zone, RecordType::DS, seen)
        .filter_map(|entry| match &entry.data {
            RData::DNSSEC(DNSSECRData::DS(digest)) => Some(digest),
            _ => None,
        })
        .collect()
}

fn answers<'a>(
    name: &Name,
    kind: RecordType,
    seen: &'a Seen,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let asked = seen.iter().find(|(query, _)| query.name() == name && query.query_type() == kind);
    asked.into_iter().flat_map(|(_, response)| &response.answers)
}

fn sets(entries: &[Entry]) -> Vec<Set<'_>> {
    let mut sets: Vec<Set<'_>> = Vec::new();
    for entry in entries {
        let kind = covered(entry).unwrap_or(entry.record_type());
        let at = sets.iter().position(|set| set.owner == &entry.name && set.kind == kind);
        let at = at.unwrap_or_else(|| {
            let (records, signatures) = (Vec::new(), Vec::new());
            sets.push(Set { owner: &entry.name, kind, records, signatures });
            sets.len() - 1
        });
        match signature(entry) {
            Some(signature) => sets[at].signatures.push(signature),
            None => sets[at].records.push(entry),
        }
    }
    sets
}

impl Set<'_> {
    /// What is wrong with its signatures; one good one is enough.
    fn fault(&self, seen: &Seen, now: u32) -> Option<String> {
        let set = format!("the {} record of {}", self.kind, presented(self.owner));
        let Some(last) = self.signatures.iter().max_by_key(|one| one.input().sig_expiration.get())
        else {
            return Some(format!("{set} is not signed"));
        };
        let Some(signature) = self.signatures.iter().find(|signature| in_time(signature, now))
        else {
            let (from, until) =
                (last.input().sig_inception.get(), last.input().sig_expiration.get());
            return Some(if until < now {
                format!("the signature of {set} expired on {}", day(until))
            } else {
                format!("the signature of {set} is valid only from {}", day(from))
            });
        };
        let mut keys = false;
        for signature in self.signatures.iter().filter(|one| in_time(one, now)).take(MOST_TRIED) {
            let input = signature.input();
            let published = answers(&input.signer_name, RecordType::DNSKEY, seen);
            let own = published.filter_map(key).filter(|key| {
                key.calculate_key_tag().is_ok_and(|tag| tag == input.key_tag)
                    && key.zone_key()
                    && !key.revoke()
            });
            for key in own.take(MOST_TRIED) {
                keys = true;
                let records = self.records.iter().copied();
                if key.verify_rrsig(self.owner, DNSClass::IN, signature, records).is_ok() {
                    return None;
                }
            }
        }
        let (tag, zone) = (signature.input().key_tag, presented(&signature.input().signer_name));
        Some(if keys {
            format!("the signature of {set} is wrong")
        } else {
            format!("{set} is signed with key {tag}, which {zone} does not publish")
        })
    }
}

/// The signature that an entry is, if it is one.
pub fn signature(entry: &Entry) -> Option<&RRSIG> {
    match &entry.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
        _ => None,
    }
}

/// The type of the records that an entry signs, if it is a signature.
pub fn covered(entry: &Entry) -> Option<RecordType> {
    signature(entry).map(|signature| signature.input().type_covered)
}

/// The NSEC record that an entry is, if it is one.
pub fn denial(entry: &Entry) -> Option<&NSEC> {
    match &entry.data {
        RData::DNSSEC(DNSSECRData::NSEC(denial)) => Some(denial),
        _ => None,
    }
}

fn key(entry: &Entry) -> Option<&DNSKEY> {
    match &entry.data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key),
        _ => None,
    }
}

/// Whether an entry is a key of the root that is trusted.
pub fn is_anchor(entry: &Entry, anchors: &TrustAnchors) -> bool {
    entry.name.is_root() && key(entry).is_some_and(|key| anchors.contains(key.public_key()))
}

fn covers(digest: &DS, entry: &Entry) -> bool {
    key(entry).is_some_and(|key| digest.covers(&entry.name, key).unwrap_or(false))
}

/// RFC 4035 §5.3.1; times wrap as RFC 4034 §3.1.5 has it.
pub fn in_time(signature: &RRSIG, now: u32) -> bool {
    let (from, until) =
        (signature.input().sig_inception.get(), signature.input().sig_expiration.get());
    now.wrapping_sub(from) < 1 << 31 && until.wrapping_sub(now) < 1 << 31
}

fn day(seconds: u32) -> String {
    Timestamp::from_second(seconds.into()).unwrap_or_default().strftime("%Y-%m-%d").to_string()
}
