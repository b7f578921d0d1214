//! DNSSEC, judged in the process and at second hand: sound zones, broken ones, and resolvers that keep
//! something to themselves.
//!
//! Expired signatures here are wrong as well; those that only expired are in `tests/real`.

use futures_util::future::join_all;
use hickory_server::proto::{
    dnssec::rdata::DNSSECRData,
    op::{Edns, Message, ResponseCode},
    rr::{RData, RecordType, rdata::opt::EdnsOption},
};
use mxparity::{
    probe::{
        Answer, NameServers,
        RecordKind::{self, A, Aaaa, Mx, Tlsa, Txt},
        Resolver,
    },
    survey::{
        Blame,
        Security::{self, Insecure, Secure},
    },
};

use crate::support::signed::{Internet, redated};

fn bogus(why: &str) -> Security {
    Security::Bogus(why.to_owned())
}

fn undetermined(why: &str) -> Security {
    Security::Undetermined(why.to_owned())
}

/// For want of an answer from name servers that are not ours.
fn unanswered(why: &str) -> Security {
    Security::Unanswered { why: why.to_owned(), blame: Blame::Peer }
}

/// How far the answer is vouched for, and what it is: the number of records behind the aliases, or why
/// there are none.
async fn proven(resolver: &NameServers, name: &str, kind: RecordKind) -> (Security, String) {
    let proven = resolver.prove(name, kind).await;
    let answer = match proven.answer {
        Answer::Records(records) => records.len().to_string(),
        Answer::NoData(records) => format!("no data, {}", records.len()),
        Answer::NoSuchName(records) => format!("no such name, {}", records.len()),
        Answer::Failed(fault) => fault.to_string(),
    };
    (proven.security, answer)
}

#[tokio::test]
async fn every_answer_is_worth_what_its_signatures_are() {
    let internet = Internet::start().await;
    let resolver = internet.resolver();
    for (name, kind, security, answer) in [
        ("nsec.example", Mx, Secure, "1"),
        ("NSEC.example", Txt, Secure, "1"),
        ("mx.nsec.example", A, Secure, "1"),
        ("_25._tcp.mx.nsec.example", Tlsa, Secure, "1"),
        ("nsec3.example", Mx, Secure, "1"),
        ("large.example", Mx, Secure, "1"),
        // There is nothing, and that is signed.
        ("mx.nsec.example", Mx, Secure, "no data, 0"),
        ("_tcp.mx.nsec.example", Tlsa, Secure, "no data, 0"),
        ("_dmarc.nsec.example", Txt, Secure, "no such name, 0"),
        ("mx.nsec3.example", Mx, Secure, "no data, 0"),
        ("_tcp.mx.nsec3.example", Tlsa, Secure, "no data, 0"),
        ("_dmarc.nsec3.example", Txt, Secure, "no such name, 0"),
        ("gone.example", Mx, Secure, "no such name, 0"),
        // Aliases, each with a worth of its own.
        ("alias.nsec.example", A, Secure, "2"),
        ("alias.nsec3.example", Aaaa, Secure, "2"),
        ("alias.nsec.example", Txt, Secure, "no data, 1"),
        ("dead.nsec.example", A, Secure, "no such name, 1"),
        ("dead.nsec3.example", A, Secure, "no such name, 1"),
        ("away.nsec.example", A, Insecure, "2"),
        // Not signed, and those above say so.
        ("unsigned.example", Mx, Insecure, "1"),
        ("_25._tcp.mx.unsigned.example", Tlsa, Insecure, "1"),
        ("mx.unsigned.example", Txt, Insecure, "no data, 0"),
        ("_dmarc.unsigned.example", Txt, Insecure, "no such name, 0"),
        ("unknown.example", Mx, Insecure, "1"),
        // Denials that take too much work count as none.
        ("iterated.example", Mx, Secure, "1"),
        ("_dmarc.iterated.example", Txt, Insecure, "no such name, 0"),
        // Broken.
        (
            "wrong.example",
            Mx,
            bogus("no DNSKEY record of wrong.example is the one that its DS record names"),
            "1",
        ),
        (
            "_dmarc.wrong.example",
            Txt,
            bogus("no DNSKEY record of wrong.example is the one that its DS record names"),
            "no such name, 0",
        ),
        (
            "expired.example",
            Mx,
            bogus("the signature of the MX record of expired.example expired on 2023-11-15"),
            "1",
        ),
        ("mx.expired.example", A, Secure, "1"),
        (
            "future.example",
            Mx,
            bogus("the signature of the MX record of future.example is valid only from 2039-09-18"),
            "1",
        ),
        (
            "forged.example",
            Mx,
            bogus("the signature of the MX record of forged.example is wrong"),
            "1",
        ),
        ("bare.example", Mx, bogus("the MX record of bare.example is not signed"), "1"),
    ] {
        let got = proven(&resolver, name, kind).await;
        assert_eq!(got, (security, answer.to_owned()), "{name} {kind:?}");
    }
    // More keys than a datagram holds.
    let heard = internet.heard();
    let large: Vec<_> =
        heard.iter().filter(|asked| asked.starts_with("large.example. DNS")).collect();
    assert_eq!(large, ["large.example. DNSKEY udp", "large.example. DNSKEY tcp"]);
}

#[tokio::test]
async fn few_look_ups_are_enough_and_none_is_made_twice() {
    let internet = Internet::start().await;
    let resolver = internet.resolver();
    let mx = |name: &'static str| resolver.prove(name, Mx);
    let (one, other) = tokio::join!(mx("nsec3.example"), mx("NSEC3.Example"));
    assert_eq!((&one, one.security.clone()), (&other, Secure));
    let chain = [
        ". DNSKEY udp",
        ". PTR udp",
        "nsec3.example. MX udp",
        "nsec3.example. DNSKEY udp",
        "nsec3.example. DS udp",
        "example. DNSKEY udp",
        "example. DS udp",
    ];
    assert_eq!(internet.heard(), chain);
    // From here on one for each thing asked: what a domain with five hosts promises.
    let mut all = Vec::new();
    for record in ["_mta-sts", "_smtp._tls", "_dmarc"] {
        all.push((format!("{record}.nsec3.example"), Txt));
    }
    all.push(("nsec3.example".to_owned(), Txt));
    for host in 1..=5 {
        for kind in [A, Aaaa] {
            all.push((format!("mx{host}.nsec3.example"), kind));
        }
        all.push((format!("_25._tcp.mx{host}.nsec3.example"), Tlsa));
    }
    for proven in join_all(all.iter().map(|(name, kind)| resolver.prove(name, *kind))).await {
        assert_eq!(proven.security, Secure);
    }
    assert_eq!(internet.heard().len(), chain.len() + all.len());
}

#[tokio::test]
async fn records_from_a_wildcard_are_secure_where_no_closer_name_exists() {
    let internet = Internet::start().await;
    let resolver = internet.resolver();
    for zone in ["nsec.example", "nsec3.example"] {
        let name = format!("_25._tcp.wild.{zone}");
        assert_eq!(proven(&resolver, &name, Tlsa).await, (Secure, "1".to_owned()), "{name}");
    }
    // Without the record that shows it, an answer made from a wildcard may be played again elsewhere.
    let without = |message: &mut Message| {
        if message.queries[0].name().to_string().starts_with("_25._tcp.wild") {
            message.authorities.clear();
        }
    };
    let front = internet.behind(without).await;
    let resolver = internet.resolver_at(front.address);
    for zone in ["nsec.example", "nsec3.example"] {
        let name = format!("_25._tcp.wild.{zone}");
        let want = undetermined("made from a wildcard, and nothing shows that it applies");
        assert_eq!(proven(&resolver, &name, Tlsa).await, (want, "1".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn the_names_of_a_chain_that_are_vouched_for_are_told() {
    let internet = Internet::start().await;
    let resolver = internet.resolver();
    for (name, kind, want) in [
        ("mx.nsec.example", A, &["mx.nsec.example"][..]),
        ("alias.nsec.example", A, &["alias.nsec.example", "mx.nsec.example"]),
        ("alias.nsec.example", Txt, &["alias.nsec.example"]),
        ("away.nsec.example", A, &["away.nsec.example"]),
        ("away.unsigned.example", A, &[]),
        ("expired.example", Mx, &[]),
    ] {
        assert_eq!(resolver.prove(name, kind).await.secure, want, "{name}");
    }
}

fn is_signature(kind: RecordType) -> bool {
    matches!(kind, RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3)
}

fn fail(message: &mut Message, rcode: ResponseCode, error: &[u8]) {
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::Unknown(15, error.to_vec()));
    message.answers.clear();
    message.authorities.clear();
    message.metadata.response_code = rcode;
    message.set_edns(edns);
}

fn asks(message: &Message, name: &str, kind: RecordType) -> bool {
    let query = &message.queries[0];
    query.name().to_string() == name && query.query_type() == kind
}

#[tokio::test]
async fn a_resolver_that_keeps_signatures_to_itself_makes_nothing_bogus() {
    let internet = Internet::start().await;
    let all = internet.behind(|message| {
        message.answers.retain(|record| !is_signature(record.record_type()));
        message.authorities.retain(|record| !is_signature(record.record_type()));
    });
    let denials = internet.behind(|message| message.authorities.clear());
    for front in [all.await, denials.await] {
        let resolver = internet.resolver_at(front.address);
        let why = "the resolver passes no signatures on";
        for (name, kind, answer) in
            [("nsec.example", Mx, "1"), ("_dmarc.nsec.example", Txt, "no such name, 0")]
        {
            let got = proven(&resolver, name, kind).await;
            assert_eq!(got, (undetermined(why), answer.to_owned()), "{name}");
        }
    }
}

#[tokio::test]
async fn another_root_is_no_forgery() {
    let (internet, other) = (Internet::start().await, Internet::start().await);
    let got = proven(&internet.resolver_at(other.address), "nsec.example", Mx).await;
    let why = "no key of the root zone is a trust anchor";
    assert_eq!(got, (undetermined(why), "1".to_owned()));
}

#[tokio::test]
async fn where_the_root_itself_is_out_of_date_the_clock_is_suspected() {
    let internet = Internet::start().await;
    let front = internet.behind(|message| {
        for record in &mut message.answers {
            if let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = &mut record.data {
                *signature = redated(signature, 1_700_000_000);
            }
        }
    });
    let front = front.await;
    let got = proven(&internet.resolver_at(front.address), "nsec.example", Mx).await;
    let why = "no signature of the root zone is valid today; is this machine's clock right?";
    assert_eq!(got, (undetermined(why), "1".to_owned()));
}

#[tokio::test]
async fn a_look_up_that_fails_on_the_way_leaves_the_answer_undetermined() {
    let internet = Internet::start().await;
    for (kind, error, why) in [
        (RecordType::DS, &b"\0\x16"[..], "SERVFAIL (EDE 22, No Reachable Authority)"),
        (RecordType::DNSKEY, b"\0\x00", "SERVFAIL (EDE 0, Other Error)"),
    ] {
        let front = internet.behind(move |message| {
            if asks(message, "nsec.example.", kind) {
                fail(message, ResponseCode::ServFail, error);
            }
        });
        let front = front.await;
        let got = proven(&internet.resolver_at(front.address), "nsec.example", Mx).await;
        let why = format!("{kind} of nsec.example: {why}");
        assert_eq!(got, (unanswered(&why), "1".to_owned()));
    }
}

/// Fails for everything in a zone that is broken, as a validating resolver does.
fn validating(message: &mut Message) {
    let name = message.queries[0].name().to_string();
    if name.ends_with("wrong.example.") && !message.metadata.checking_disabled {
        fail(message, ResponseCode::ServFail, b"\0\x09no SEP matches");
    } else {
        let signed = !name.contains("unsigned") && !name.contains("away");
        message.metadata.authentic_data = signed;
    }
}

#[tokio::test]
async fn behind_a_resolver_that_validates_a_bogus_answer_is_told_from_a_failure() {
    let internet = Internet::start().await;
    let front = internet.behind(validating).await;
    let resolver = internet.resolver_at(front.address);
    let Answer::Failed(fault) = resolver.ask("wrong.example", Mx).await else { panic!("answered") };
    assert_eq!(fault.to_string(), "SERVFAIL (EDE 9, DNSKEY Missing: no SEP matches)");
    let why = "no DNSKEY record of wrong.example is the one that its DS record names";
    assert_eq!(proven(&resolver, "wrong.example", Mx).await, (bogus(why), "1".to_owned()));
    // What it vouches for and we take for forged stays open: one of the two errs.
    let why =
        "the MX record of bare.example is not signed; but the resolver vouches for the answer";
    assert_eq!(proven(&resolver, "bare.example", Mx).await, (undetermined(why), "1".to_owned()));
}

#[tokio::test]
async fn a_resolver_that_judges_whatever_it_is_told_is_a_failure_and_no_absence() {
    let internet = Internet::start().await;
    let stubborn = internet.behind(|message| {
        message.metadata.checking_disabled = false;
        validating(message);
    });
    let front = stubborn.await;
    let words = "SERVFAIL (EDE 9, DNSKEY Missing: no SEP matches)";
    let got = proven(&internet.resolver_at(front.address), "wrong.example", Mx).await;
    assert_eq!(got, (unanswered(words), words.to_owned()));
}

#[tokio::test]
async fn a_resolver_that_is_believed_is_taken_at_its_word() {
    let internet = Internet::start().await;
    let front = internet.behind(validating).await;
    let resolver = internet.resolver_at(front.address).believed();
    let words = "the resolver says SERVFAIL (EDE 9, DNSKEY Missing: no SEP matches)";
    for (name, kind, security, answer) in [
        ("nsec.example", Mx, Secure, "1"),
        ("_dmarc.nsec.example", Txt, Secure, "no such name, 0"),
        ("unsigned.example", Mx, Insecure, "1"),
        ("wrong.example", Mx, bogus(words), "1"),
    ] {
        let got = proven(&resolver, name, kind).await;
        assert_eq!(got, (security, answer.to_owned()), "{name}");
    }
    // It judges nothing itself.
    let keys: Vec<String> =
        internet.heard().into_iter().filter(|asked| asked.contains("DNSKEY")).collect();
    assert_eq!(keys, [""; 0]);
}

#[tokio::test]
async fn a_resolver_without_a_word_on_anything_is_not_believed() {
    let internet = Internet::start().await;
    let resolver = internet.resolver().believed();
    let why = "the resolver does not vouch for the root zone; does it validate?";
    assert_eq!(proven(&resolver, "nsec.example", Mx).await, (undetermined(why), "1".to_owned()));
}
