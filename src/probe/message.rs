//! Reads DNS messages: whether a response settles a question, and what it says.
//!
//! Keeps the words of extended errors. Sends nothing.

use std::fmt::Write as _;

use hickory_resolver::proto::{
    op::{DnsResponse, Query, ResponseCode},
    rr::{
        DNSClass, Name, RData, Record as Entry, RecordType,
        rdata::opt::{EdnsCode, EdnsOption},
    },
};

use super::{Answer, Record, RecordData, lookup};
use crate::{policy::TlsaRecord, smtp::Text, survey::DnsFault};

/// Longer texts of extended errors are cut.
const MOST_EXTRA: usize = 256;

/// Whether a response settles the question, or why it does not.
pub fn settled(response: DnsResponse, query: &Query) -> Result<DnsResponse, DnsFault> {
    if response.queries != [query.clone()] {
        return Err(DnsFault::Unusable("an answer to another question".to_owned()));
    }
    let (code, extended) = extended(&response).unzip();
    let rcode = response.metadata.response_code;
    let settles = matches!(rcode, ResponseCode::NoError | ResponseCode::NXDomain);
    // RFC 8914 §4: forged, blocked, censored, filtered. What such an answer says of the name is not
    // what its owner says.
    let made_up = matches!(code, Some(4 | 15 | 16 | 17));
    if !settles || made_up {
        return Err(DnsFault::Rcode { rcode: mnemonic(rcode), extended });
    }
    if rcode == ResponseCode::NoError && refers(&response) {
        let why = "a referral; the server answers for its own zones only";
        return Err(DnsFault::Unusable(why.to_owned()));
    }
    Ok(response)
}

/// Whether a response without any answer points elsewhere instead of saying that there is none,
/// which a zone says with its SOA record. RFC 2308 §2.2.
fn refers(response: &DnsResponse) -> bool {
    response.answers.is_empty()
        && !response.metadata.recursion_available
        && !response.authorities.iter().any(is(RecordType::SOA))
        && response.authorities.iter().any(is(RecordType::NS))
}

/// The name that is left to ask where a server, resolving for nobody, stopped at an alias of `name`.
pub fn unfollowed(response: &DnsResponse, name: &str, wanted: RecordType) -> Option<String> {
    let complete = response.metadata.recursion_available
        || response.metadata.response_code == ResponseCode::NXDomain
        || response.answers.iter().any(is(wanted))
        || response.authorities.iter().any(is(RecordType::SOA));
    if complete {
        return None;
    }
    let records: Vec<Record> = records(response).collect();
    lookup::aliases(&name.to_ascii_lowercase(), &records).ok()?.pop()
}

/// What `name` is an alias of.
pub fn alias(response: &DnsResponse, name: &Name) -> Option<String> {
    let own = response.answers.iter().filter(|entry| entry.name == *name);
    own.filter_map(record).find_map(|record| match record.data {
        RecordData::Alias(target) => Some(target),
        _ => None,
    })
}

/// What a settled response says, behind the records of the aliases `passed` on the way to it; they
/// are added to.
pub fn read(response: &DnsResponse, wanted: RecordType, passed: &mut Vec<Record>) -> Answer {
    passed.extend(records(response));
    let records = passed.clone();
    if response.metadata.response_code == ResponseCode::NXDomain {
        Answer::NoSuchName(records)
    } else if response.answers.iter().any(is(wanted)) {
        Answer::Records(records)
    } else {
        Answer::NoData(records)
    }
}

fn records(response: &DnsResponse) -> impl Iterator<Item = Record> {
    let ours = response.answers.iter().filter(|entry| entry.dns_class == DNSClass::IN);
    ours.filter_map(record)
}

fn is(kind: RecordType) -> impl Fn(&Entry) -> bool {
    move |entry| entry.dns_class == DNSClass::IN && entry.record_type() == kind
}

fn record(entry: &Entry) -> Option<Record> {
    let data = match &entry.data {
        RData::A(address) => RecordData::Address(address.0.into()),
        RData::AAAA(address) => RecordData::Address(address.0.into()),
        RData::CNAME(target) => RecordData::Alias(presented(&target.0)),
        RData::MX(mx) => {
            RecordData::Exchange { preference: mx.preference, exchange: presented(&mx.exchange) }
        }
        RData::PTR(target) => RecordData::Pointer(presented(&target.0)),
        RData::NS(server) => RecordData::NameServer(presented(&server.0)),
        RData::SOA(_) => RecordData::Other,
        RData::TLSA(tlsa) => RecordData::Tlsa(TlsaRecord {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.clone(),
        }),
        RData::TXT(texts) => RecordData::Txt(texts.txt_data.concat()),
        _ => return None,
    };
    Some(Record { owner: presented(&entry.name), data })
}

/// A name as people write it: lower case, no dot at the end, and what cannot stand in a label as it
/// is behind a backslash (RFC 1035 §5.1).
pub fn presented(name: &Name) -> String {
    let mut words = String::new();
    for label in name {
        for &byte in label {
            match byte {
                b'.' | b'\\' => words.extend(['\\', char::from(byte)]),
                b'!'..=b'~' => words.push(char::from(byte.to_ascii_lowercase())),
                _ => write!(words, "\\{byte:03}").expect("a string takes all"),
            }
        }
        words.push('.');
    }
    words.pop();
    if words.is_empty() { ".".to_owned() } else { words }
}

/// The extended error and its words, if the response carries one. RFC 8914 §2.
fn extended(response: &DnsResponse) -> Option<(u16, Text)> {
    let option = response.edns.as_ref()?.option(EdnsCode::Unknown(15))?;
    let EdnsOption::Unknown(15, bytes) = option else { return None };
    let (code, extra) = bytes.split_first_chunk()?;
    let code = u16::from_be_bytes(*code);
    let purpose = PURPOSES.get(usize::from(code)).copied().unwrap_or("unassigned");
    let mut words = format!("EDE {code}, {purpose}").into_bytes();
    // Some servers end the text with a zero byte.
    let extra = extra.strip_suffix(b"\0").unwrap_or(extra);
    if !extra.is_empty() {
        words.extend_from_slice(b": ");
        words.extend_from_slice(&extra[..extra.len().min(MOST_EXTRA)]);
    }
    Some((code, Text::new(words)))
}

/// By number, as the IANA registry of Extended DNS Error Codes names them. RFC 8914 §4.
static PURPOSES: [&str; 31] = [
    "Other Error",
    "Unsupported DNSKEY Algorithm",
    "Unsupported DS Digest Type",
    "Stale Answer",
    "Forged Answer",
    "DNSSEC Indeterminate",
    "DNSSEC Bogus",
    "Signature Expired",
    "Signature Not Yet Valid",
    "DNSKEY Missing",
    "RRSIGs Missing",
    "No Zone Key Bit Set",
    "NSEC Missing",
    "Cached Error",
    "Not Ready",
    "Blocked",
    "Censored",
    "Filtered",
    "Prohibited",
    "Stale NXDOMAIN Answer",
    "Not Authoritative",
    "Not Supported",
    "No Reachable Authority",
    "Network Error",
    "Invalid Data",
    "Signature Expired before Valid",
    "Too Early",
    "Unsupported NSEC3 Iterations Value",
    "Unable to conform to policy",
    "Synthesized",
    "Invalid Query Type",
];

/// The response code as master files and tools write it.
fn mnemonic(rcode: ResponseCode) -> String {
    match rcode {
        ResponseCode::Unknown(number) => format!("RCODE {number}"),
        known => format!("{known:?}").to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{
        op::{Edns, Message, MessageType, OpCode},
        rr::rdata::{A, CNAME, MX, NS, SOA},
    };

    use super::*;

    fn name(word: &str) -> Name {
        Name::from_ascii(word).unwrap()
    }

    fn query() -> Query {
        Query::query(name("a.example."), RecordType::MX)
    }

    fn entry(owner: &str, data: RData) -> Entry {
        Entry::from_rdata(name(owner), 60, data)
    }

    /// A response to [`query`], after `shape` had its way with it.
    fn response(rcode: ResponseCode, shape: impl FnOnce(&mut Message)) -> DnsResponse {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.metadata.response_code = rcode;
        message.metadata.recursion_available = true;
        message.add_query(query());
        shape(&mut message);
        DnsResponse::from_message(message).unwrap()
    }

    fn with_error(message: &mut Message, bytes: &[u8]) {
        let mut edns = Edns::new();
        edns.options_mut().insert(EdnsOption::Unknown(15, bytes.to_vec()));
        message.set_edns(edns);
    }

    #[test]
    fn a_failure_keeps_its_code_and_its_words() {
        use ResponseCode::{FormErr, NXDomain, NoError, Refused, ServFail, Unknown};
        for (rcode, error, want) in [
            (ServFail, None, "SERVFAIL"),
            (Refused, None, "REFUSED"),
            (FormErr, None, "FORMERR"),
            (Unknown(3841), None, "RCODE 3841"),
            (ServFail, Some(&b"\0\x06no SEP"[..]), "SERVFAIL (EDE 6, DNSSEC Bogus: no SEP)"),
            (ServFail, Some(b"\0\x16"), "SERVFAIL (EDE 22, No Reachable Authority)"),
            (ServFail, Some(b"\xff\xff\x1b[2J\0"), "SERVFAIL (EDE 65535, unassigned: \\x1b[2J)"),
            (ServFail, Some(b"\0"), "SERVFAIL"),
            // A resolver that makes things up has not told us what the owner says.
            (NXDomain, Some(b"\0\x0f"), "NXDOMAIN (EDE 15, Blocked)"),
            (NoError, Some(b"\0\x04"), "NOERROR (EDE 4, Forged Answer)"),
        ] {
            let response = response(rcode, |message| {
                if let Some(bytes) = error {
                    with_error(message, bytes);
                }
            });
            assert_eq!(settled(response, &query()).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn the_words_of_an_extended_error_are_bounded() {
        let mut bytes = vec![0, 23];
        bytes.extend([b'x'; 5000]);
        let response = response(ResponseCode::ServFail, |message| with_error(message, &bytes));
        let (_, words) = extended(&response).unwrap();
        assert_eq!(words.as_bytes().len(), "EDE 23, Network Error: ".len() + MOST_EXTRA);
    }

    #[test]
    fn a_stale_answer_is_an_answer() {
        let response = response(ResponseCode::NoError, |message| with_error(message, &[0, 3]));
        assert!(settled(response, &query()).is_ok());
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let response = response(ResponseCode::NoError, |message| {
            message.queries = vec![Query::query(name("b.example."), RecordType::MX)];
        });
        let fault = settled(response, &query()).unwrap_err();
        assert_eq!(fault, DnsFault::Unusable("an answer to another question".to_owned()));
    }

    #[test]
    fn what_points_elsewhere_is_not_taken_for_no_data() {
        let ns = || entry("example.", RData::NS(NS(name("ns.example."))));
        let alias = || entry("a.example.", RData::CNAME(CNAME(name("b.other."))));
        let soa = || {
            let soa = SOA::new(name("ns.example."), name("x.example."), 1, 1, 1, 1, 1);
            entry("example.", RData::SOA(soa))
        };
        let mx = || entry("a.example.", RData::MX(MX::new(10, name("mx.example."))));
        let left = || Some("b.other".to_owned());
        for (case, recursive, answers, authorities, usable, unasked) in [
            ("referral", false, vec![], vec![ns()], false, None),
            ("alias left alone", false, vec![alias()], vec![], true, left()),
            ("alias referred", false, vec![alias()], vec![ns()], true, left()),
            ("alias to no data", false, vec![alias()], vec![soa()], true, None),
            ("no data", false, vec![], vec![soa(), ns()], true, None),
            ("bare no data", false, vec![], vec![], true, None),
            ("records", false, vec![mx()], vec![ns()], true, None),
            ("resolver", true, vec![alias()], vec![], true, None),
        ] {
            let response = response(ResponseCode::NoError, |message| {
                message.metadata.recursion_available = recursive;
                message.answers = answers;
                message.authorities = authorities;
            });
            assert_eq!(unfollowed(&response, "A.example", RecordType::MX), unasked, "{case}");
            assert_eq!(settled(response, &query()).is_ok(), usable, "{case}");
        }
    }

    #[test]
    fn records_are_read_with_their_owners() {
        let response = response(ResponseCode::NoError, |message| {
            message.add_answer(entry("A.Example.", RData::CNAME(CNAME(name("B.example.")))));
            message.add_answer(entry("b.example.", RData::MX(MX::new(10, name("MX.example.")))));
            message.add_answer(entry("b.example.", RData::MX(MX::new(0, Name::root()))));
            message.add_answer(entry("mx.example.", RData::A(A::new(192, 0, 2, 1))));
        });
        let record = |owner: &str, data| Record { owner: owner.to_owned(), data };
        let exchange = |preference, exchange: &str| RecordData::Exchange {
            preference,
            exchange: exchange.to_owned(),
        };
        let want = vec![
            record("a.example", RecordData::Alias("b.example".to_owned())),
            record("b.example", exchange(10, "mx.example")),
            record("b.example", exchange(0, ".")),
            record("mx.example", RecordData::Address("192.0.2.1".parse().unwrap())),
        ];
        let got = read(&response, RecordType::MX, &mut Vec::new());
        assert_eq!(got, Answer::Records(want.clone()));
        let got = read(&response, RecordType::AAAA, &mut Vec::new());
        assert_eq!(got, Answer::NoData(want));
    }

    #[test]
    fn odd_names_are_written_so_that_they_can_be_read() {
        let of = |labels: &[&[u8]]| {
            let mut name = Name::from_labels(labels.to_vec()).unwrap();
            name.set_fqdn(true);
            presented(&name)
        };
        for (labels, want) in [
            (&[&b"MX"[..], b"example"][..], "mx.example"),
            (&[b"[192", b"0", b"2", b"1]"], "[192.0.2.1]"),
            (&[b"a.b", b"example"], "a\\.b.example"),
            (&[b"a b\\", b"example"], "a\\032b\\\\.example"),
            (&[b"\x1b\xff", b"example"], "\\027\\255.example"),
            (&[], "."),
        ] {
            assert_eq!(of(labels), want);
        }
    }
}
