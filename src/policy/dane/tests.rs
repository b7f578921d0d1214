//! Records against chains: what matches, where, and what keeps a match from helping.

use data_encoding::HEXLOWER;
use sha2::Sha512;

use super::*;

/// The octets that stand for the certificate, or its key, at a position of the made-up chain.
fn octets(selector: u8, position: usize) -> Vec<u8> {
    vec![0x30, 3, selector, u8::try_from(position).unwrap(), 0]
}

/// A record that stands for the certificate at that position.
fn record(parameters: [u8; 3], position: usize) -> TlsaRecord {
    let [usage, selector, matching] = parameters;
    let whole = octets(selector, position);
    let data = match matching {
        0 => whole,
        1 => Sha256::digest(whole).to_vec(),
        _ => Sha512::digest(whole).to_vec(),
    };
    TlsaRecord { usage, selector, matching, data }
}

fn link(position: usize, anchored: Anchored) -> Link {
    let (whole, key) = (octets(0, position), octets(1, position));
    Link {
        sha256: HEXLOWER.encode(&Sha256::digest(&whole)),
        sha512: HEXLOWER.encode(&Sha512::digest(&whole)),
        spki_sha256: HEXLOWER.encode(&Sha256::digest(&key)),
        spki_sha512: HEXLOWER.encode(&Sha512::digest(&key)),
        self_issued: false,
        anchored,
    }
}

/// The server's certificate and two above it, without the root.
fn chain() -> Vec<Link> {
    vec![link(0, Anchored::Unknown), link(1, Anchored::Holds), link(2, Anchored::Holds)]
}

fn judged(records: &[TlsaRecord], chain: &[Link]) -> DaneVerdict {
    let reference = DomainName::parse("mx.example.org").unwrap();
    judge(records, chain, &["*.example.org".into()], &[reference])
}

/// A certificate that was not sent.
const ELSEWHERE: usize = 9;

#[test]
fn every_selector_and_matching_type_finds_its_certificate() {
    for selector in 0..=1 {
        for matching in 0..=2 {
            for (usage, position) in [(3, 0), (2, 1), (2, 2)] {
                let record = record([usage, selector, matching], position);
                let want = DaneVerdict::Matched { record: record.clone(), position };
                assert_eq!(judged(&[record], &chain()), want);
            }
        }
    }
}

#[test]
fn usage_3_is_about_the_servers_certificate_alone_and_usage_2_never_about_it() {
    let server = record([2, 1, 1], 0);
    let want = DaneVerdict::IssuerNotSent { records: vec![server.clone()] };
    assert_eq!(judged(&[server], &chain()), want);
    let issuer = record([3, 1, 1], 1);
    let want = DaneVerdict::NoMatch { records: vec![issuer.clone()] };
    assert_eq!(judged(&[issuer], &chain()), want);
}

#[test]
fn usage_3_looks_neither_at_names_nor_at_the_path() {
    let chain = [link(0, Anchored::Broken("self-signed".into())), link(1, Anchored::Expired)];
    let record = record([3, 1, 1], 0);
    let want = DaneVerdict::Matched { record: record.clone(), position: 0 };
    assert_eq!(judge(&[record], &chain, &[], &[]), want);
}

#[test]
fn under_an_anchor_dates_path_and_name_count_and_all_that_is_wrong_is_told() {
    let broken = || Text::from("signature does not verify");
    for (anchored, name, but, delivers) in [
        (Anchored::Expired, "mx.example.org", vec![Shortfall::Expired], Some(false)),
        (
            Anchored::Broken(broken()),
            "mx.example.org",
            vec![Shortfall::PathBroken(broken())],
            Some(false),
        ),
        (Anchored::Unknown, "mx.example.org", vec![Shortfall::PathUnknown], None),
        (Anchored::Holds, "other.example", vec![Shortfall::WrongName], Some(false)),
        (
            Anchored::Expired,
            "other.example",
            vec![Shortfall::Expired, Shortfall::WrongName],
            Some(false),
        ),
        (
            Anchored::Unknown,
            "other.example",
            vec![Shortfall::PathUnknown, Shortfall::WrongName],
            Some(false),
        ),
    ] {
        let chain = [link(0, Anchored::Unknown), link(1, anchored)];
        let reference = [DomainName::parse("mx.example.org").unwrap()];
        let record = record([2, 0, 1], 1);
        let verdict = judge(std::slice::from_ref(&record), &chain, &[name.into()], &reference);
        assert_eq!(verdict, DaneVerdict::MatchedBut { record, position: 1, but });
        assert_eq!(verdict.delivers(), delivers, "{verdict}");
    }
}

#[test]
fn one_record_that_holds_is_enough() {
    let (current, next) = (record([3, 1, 1], 0), record([3, 1, 1], ELSEWHERE));
    let want = DaneVerdict::Matched { record: current.clone(), position: 0 };
    assert_eq!(judged(&[next.clone(), current.clone()], &chain()), want);
    assert_eq!(judged(&[current.clone(), next], &chain()), want);
    // An anchor that expired beside a key that matches.
    let stale = [link(0, Anchored::Unknown), link(1, Anchored::Expired)];
    assert_eq!(judged(&[record([2, 0, 1], 1), current], &stale), want);
    // An anchor on two places of the chain counts where the path holds.
    let twice = [link(0, Anchored::Unknown), link(1, Anchored::Expired), link(1, Anchored::Holds)];
    let anchor = record([2, 0, 1], 1);
    let want = DaneVerdict::Matched { record: anchor.clone(), position: 2 };
    assert_eq!(judged(&[anchor], &twice), want);
}

#[test]
fn a_stronger_digest_overrides_a_weaker_one_of_the_same_usage_and_selector() {
    let weaker = record([3, 1, 1], 0);
    for (stronger, outranks) in [
        (record([3, 1, 2], ELSEWHERE), true),
        (record([3, 0, 2], ELSEWHERE), false),
        (record([2, 1, 2], ELSEWHERE), false),
        (record([3, 1, 0], ELSEWHERE), false),
        // One that is not usable overrides nothing.
        (TlsaRecord { data: vec![0; 63], ..record([3, 1, 2], ELSEWHERE) }, false),
    ] {
        let verdict = judged(&[weaker.clone(), stronger.clone()], &chain());
        let want = if outranks {
            let but = vec![Shortfall::Outranked];
            DaneVerdict::MatchedBut { record: weaker.clone(), position: 0, but }
        } else {
            DaneVerdict::Matched { record: weaker.clone(), position: 0 }
        };
        assert_eq!(verdict, want, "{stronger}");
    }
}

#[test]
fn an_anchor_above_what_was_sent_is_no_mismatch_unless_nothing_stands_above() {
    let (anchor, carried) = (record([2, 1, 1], ELSEWHERE), record([2, 0, 0], ELSEWHERE));
    let key = record([3, 1, 1], ELSEWHERE);
    let root = |anchored| Link { self_issued: true, ..link(3, anchored) };
    let whole = [chain(), vec![root(Anchored::Expired)]].concat();
    let unrelated = [chain(), vec![root(Anchored::Broken("not on the path".into()))]].concat();
    let alone = [Link { self_issued: true, ..link(0, Anchored::Unknown) }];
    let not_sent = DaneVerdict::IssuerNotSent { records: vec![anchor.clone()] };
    let in_record = DaneVerdict::IssuerInRecord { record: carried.clone() };
    let none = |records: &[&TlsaRecord]| DaneVerdict::NoMatch {
        records: records.iter().map(|&record| record.clone()).collect(),
    };
    for (records, chain, want, delivers) in [
        (vec![&anchor], &chain()[..], not_sent.clone(), Some(false)),
        // A stale key is a mismatch, whatever stands beside it.
        (vec![&key, &anchor], &chain(), none(&[&key, &anchor]), Some(false)),
        (vec![&anchor], &unrelated, not_sent, Some(false)),
        (vec![&anchor, &carried], &chain(), in_record.clone(), None),
        (vec![&key, &carried], &chain(), in_record, None),
        (vec![&anchor], &whole, none(&[&anchor]), Some(false)),
        (vec![&carried], &alone, none(&[&carried]), Some(false)),
        (vec![&anchor, &key], &alone, none(&[&anchor, &key]), Some(false)),
        (vec![&anchor], &[], none(&[&anchor]), Some(false)),
    ] {
        let records: Vec<_> = records.into_iter().cloned().collect();
        let verdict = judged(&records, chain);
        assert_eq!(verdict, want);
        assert_eq!(verdict.delivers(), delivers, "{verdict}");
    }
}

#[test]
fn records_that_are_not_usable_are_passed_over_and_without_others_only_tls_is_demanded() {
    let pkix = record([1, 1, 1], 0);
    let short = TlsaRecord { data: vec![1], ..record([3, 1, 1], 0) };
    let why = vec![Unusable::PkixUsage(1), Unusable::DigestLength { want: 32, got: 1 }];
    let verdict = judged(&[pkix.clone(), short], &chain());
    assert_eq!(verdict, DaneVerdict::NoneUsable { why });
    assert_eq!(verdict.delivers(), Some(true));
    let wrong = record([3, 1, 1], ELSEWHERE);
    let want = DaneVerdict::NoMatch { records: vec![wrong.clone()] };
    assert_eq!(judged(&[pkix, wrong], &chain()), want);
}

#[test]
fn a_verdict_says_what_it_is_about() {
    let head = |record: &TlsaRecord| HEXLOWER.encode(&record.data[..4]);
    let (key, anchor) = (record([3, 1, 1], 0), record([2, 0, 1], 1));
    let other = record([3, 1, 1], ELSEWHERE);
    let stale = [link(0, Anchored::Unknown), link(1, Anchored::Expired)];
    for (verdict, want) in [
        (
            judged(std::slice::from_ref(&key), &chain()),
            format!("3 1 1 {}... matches the server's certificate", head(&key)),
        ),
        (
            judged(std::slice::from_ref(&anchor), &stale),
            format!(
                "2 0 1 {}... matches certificate 2 of the chain, but a certificate up to the anchor is \
                 outside its dates",
                head(&anchor)
            ),
        ),
        (
            judged(std::slice::from_ref(&other), &chain()),
            format!("nothing that was sent matches 3 1 1 {}...", head(&other)),
        ),
        (
            judged(&[record([0, 0, 1], 0)], &chain()),
            "no usable record: usage 0 is not for mail, only 2 and 3 are".to_owned(),
        ),
    ] {
        assert_eq!(verdict.to_string(), want);
        let json = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<DaneVerdict>(&json).unwrap(), verdict);
    }
}
