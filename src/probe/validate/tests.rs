//! What shows that a wildcard applies, and what a validator is given to read.

use hickory_resolver::proto::{
    dnssec::{
        Algorithm,
        rdata::{DNSSECRData, NSEC, RRSIG, SigInput},
    },
    op::{Message, MessageType, OpCode},
    rr::{
        RData, SerialNumber,
        rdata::{A, CNAME, NS, SOA},
    },
};

use super::*;

fn name(word: &str) -> Name {
    Name::from_ascii(word).unwrap()
}

fn entry(owner: &str, data: RData) -> Entry {
    Entry::from_rdata(name(owner), 60, data)
}

fn nsec(owner: &str, next: &str, kinds: &[RecordType]) -> Entry {
    let data = NSEC::new(name(next), kinds.iter().copied());
    entry(owner, RData::DNSSEC(DNSSECRData::NSEC(data)))
}

/// A signature by `example.` over records of `owner`, made where they have so many labels.
fn signed(owner: &str, kind: RecordType, labels: u8) -> Entry {
    let input = SigInput {
        type_covered: kind,
        algorithm: Algorithm::ECDSAP256SHA256,
        num_labels: labels,
        original_ttl: 60,
        sig_expiration: SerialNumber::new(2),
        sig_inception: SerialNumber::new(1),
        key_tag: 1,
        signer_name: name("example."),
    };
    entry(owner, RData::DNSSEC(DNSSECRData::RRSIG(RRSIG::from_sig(input, vec![0]))))
}

#[test]
fn a_wildcard_applies_where_a_secure_record_of_its_zone_covers_the_next_closer_name() {
    use RecordType::{DNAME, NS, SOA};
    let next = name("_tcp.mx.example.");
    for (case, owner, after, kinds, proof, want) in [
        ("covered", "a.example.", "z.example.", &[][..], Proof::Secure, true),
        ("up to the end", "a.example.", "example.", &[], Proof::Secure, true),
        ("from the apex", "example.", "z.example.", &[NS, SOA], Proof::Secure, true),
        ("not vouched for", "a.example.", "z.example.", &[], Proof::Insecure, false),
        ("before it", "a.example.", "b.example.", &[], Proof::Secure, false),
        ("behind it", "n.example.", "example.", &[], Proof::Secure, false),
        ("the name itself", "_tcp.mx.example.", "z.example.", &[], Proof::Secure, false),
        ("something below", "a.example.", "x._tcp.mx.example.", &[], Proof::Secure, false),
        ("another zone", "a.test.", "test.", &[], Proof::Secure, false),
        ("from above a cut", "mx.example.", "z.example.", &[NS], Proof::Secure, false),
        ("led elsewhere", "mx.example.", "z.example.", &[DNAME], Proof::Secure, false),
    ] {
        let mut denial = nsec(owner, after, kinds);
        denial.proof = proof;
        assert_eq!(none_closer(&next, &name("example."), &[denial]), want, "{case}");
    }
}

#[test]
fn a_validator_reads_what_was_asked_or_that_there_is_none_and_nothing_else() {
    let address = |owner: &str| entry(owner, RData::A(A::new(192, 0, 2, 1)));
    let alias = || entry("a.example.", RData::CNAME(CNAME(name("b.example."))));
    let soa = |owner: &str| {
        let soa = SOA::new(name("ns.example."), name("x.example."), 1, 1, 1, 1, 1);
        entry(owner, RData::SOA(soa))
    };
    let ns = || entry("example.", RData::NS(NS(name("ns.example."))));
    let denial = || nsec("example.", "z.example.", &[]);
    let plain = signed("a.example.", RecordType::A, 2);
    let expanded = signed("a.example.", RecordType::A, 1);
    for (case, answers, authorities, kept) in [
        ("records", vec![address("A.example."), plain.clone()], vec![ns(), denial()], (2, 0)),
        ("from a wildcard", vec![address("a.example."), expanded], vec![ns(), denial()], (2, 1)),
        ("an alias", vec![alias(), address("b.example.")], vec![denial()], (0, 1)),
        ("none", vec![], vec![soa("example."), denial(), ns()], (0, 2)),
        ("of elsewhere", vec![], vec![soa("test."), soa("b.a.example.")], (0, 0)),
    ] {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.answers = answers;
        message.authorities = authorities;
        message.additionals = vec![address("ns.example.")];
        let query = Query::query(name("a.example."), RecordType::A);
        let left = essence(&query, DnsResponse::from_message(message).unwrap());
        assert_eq!((left.answers.len(), left.authorities.len()), kept, "{case}");
        assert!(left.additionals.is_empty(), "{case}");
    }
}
