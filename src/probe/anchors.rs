//! The keys that DNSSEC begins with: those of the root zone, or of another root that a file names.
//!
//! Reads what tools write (`dig`, BIND's `.key` files, unbound's `root.key`). Knows no keys of zones
//! below the root; opens no file and fetches no key.

use std::fmt;

use data_encoding::BASE64;
use hickory_resolver::proto::dnssec::{
    Algorithm, PublicKeyBuf, TrustAnchors, Verifier, rdata::DNSKEY,
};

/// Why a file names no keys that could be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyFault {
    /// Counted from 1; `None` where the fault is not in one place.
    line: Option<usize>,
    what: String,
}

const SHAPE: &str = "give lines such as `. IN DNSKEY 257 3 8 AwEAA...`";

/// DNSKEY records of the root zone in the form of a master file. RFC 1035 §5.1.
pub fn parse(text: &str) -> Result<TrustAnchors, KeyFault> {
    let mut anchors = TrustAnchors::empty();
    for (line, words) in entries(text) {
        let key = key(&words).map_err(|what| KeyFault { line: Some(line), what })?;
        anchors.insert(&key);
    }
    if anchors.is_empty() {
        return Err(KeyFault { line: None, what: format!("no key in it; {SHAPE}") });
    }
    Ok(anchors)
}

/// Every entry with the number of its first line: comments taken away, lines within parentheses
/// taken together.
fn entries(text: &str) -> Vec<(usize, Vec<&str>)> {
    let mut entries: Vec<(usize, Vec<&str>)> = Vec::new();
    let mut depth = 0usize;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split(';').next().unwrap_or_default();
        let words = line.split(|at: char| at.is_ascii_whitespace() || "()".contains(at));
        let words = words.filter(|word| !word.is_empty());
        match entries.last_mut() {
            Some((_, entry)) if depth > 0 => entry.extend(words),
            _ => entries.push((number, words.collect())),
        }
        depth = (depth + line.matches('(').count()).saturating_sub(line.matches(')').count());
    }
    entries.retain(|(_, words)| !words.is_empty());
    entries
}

fn key(words: &[&str]) -> Result<PublicKeyBuf, String> {
    let is = |kind: &'static str| move |word: &&str| word.eq_ignore_ascii_case(kind);
    if words.iter().any(is("DS")) {
        return Err(
            "a DS record is only the digest of a key; `dig . DNSKEY` shows the key itself".into()
        );
    }
    let at = words.iter().position(is("DNSKEY")).filter(|at| (1..=3).contains(at));
    let Some((owner, [flags, protocol, algorithm, key @ ..])) =
        at.map(|at| (words[0], &words[at + 1..]))
    else {
        return Err(format!("not a DNSKEY record; {SHAPE}"));
    };
    if owner != "." {
        return Err(format!("a key of {owner:?}; only those of the root zone can be used"));
    }
    let flags: u16 = flags.parse().map_err(|_| format!("{flags:?} are no flags; {SHAPE}"))?;
    let number: u8 =
        algorithm.parse().map_err(|_| format!("{algorithm:?} is no algorithm; {SHAPE}"))?;
    if *protocol != "3" {
        return Err(format!("the protocol is {protocol:?}, and must be 3; {SHAPE}"));
    }
    let algorithm = Algorithm::from_u8(number);
    if !algorithm.is_supported() {
        return Err(format!("keys of algorithm {number} cannot be used here"));
    }
    let octets = BASE64.decode(key.concat().as_bytes());
    let octets = octets.map_err(|_| "the key is not whole in base64; copy it again".to_owned())?;
    let record = DNSKEY::with_flags(flags, PublicKeyBuf::new(octets, algorithm));
    // RFC 4034 §2.1.1, RFC 5011 §2.1.
    if !record.zone_key() {
        return Err(format!("flags {flags} are not those of a zone's key: 257, or 256"));
    }
    if record.revoke() {
        return Err("a key that its owner has revoked; take the line out".to_owned());
    }
    record.key().map_err(|_| "the key is none of its algorithm; copy it again".to_owned())?;
    Ok(record.public_key().clone())
}

impl std::error::Error for KeyFault {}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

    #[test]
    fn files_of_the_usual_tools_are_read() {
        let (head, tail) = KEY.split_at(40);
        for text in [
            format!(
                "; autotrust trust anchor file\n;;id: . 1\n\n\
                 .\t86400\tIN\tDNSKEY\t257 3 13 {KEY} ;{{id = 2371 (ksk)}} ;;state=2 [  VALID  ]\n"
            ),
            format!(". 3600 in dnskey 257 3 13 (\n  {head} ; the first half\n  {tail} )\n"),
            format!(". DNSKEY 257 3 13 {head} {tail}"),
        ] {
            let octets = BASE64.decode(KEY.as_bytes()).unwrap();
            let key = PublicKeyBuf::new(octets, Algorithm::ECDSAP256SHA256);
            let anchors = parse(&text).unwrap();
            assert!(anchors.len() == 1 && anchors.contains(&key), "{text}");
        }
    }

    #[test]
    fn faults_say_where_they_are_and_how_to_mend_them() {
        let shape = SHAPE;
        for (text, want) in [
            ("", format!("no key in it; {shape}")),
            ("; nothing\n", format!("no key in it; {shape}")),
            (
                "\n. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
                "line 2: a DS record is only the digest of a key; `dig . DNSKEY` shows the key itself"
                    .to_owned(),
            ),
            ("<?xml version=\"1.0\"?>", format!("line 1: not a DNSKEY record; {shape}")),
            ("DNSKEY 257 3 13 AAAA", format!("line 1: not a DNSKEY record; {shape}")),
            (". IN DNSKEY 257 3", format!("line 1: not a DNSKEY record; {shape}")),
            (". IN DNSKEY x 3 13 AAAA", format!("line 1: \"x\" are no flags; {shape}")),
            (". IN DNSKEY 257 3 ED AAAA", format!("line 1: \"ED\" is no algorithm; {shape}")),
            (
                ". IN DNSKEY 257 4 13 AAAA",
                format!("line 1: the protocol is \"4\", and must be 3; {shape}"),
            ),
            (
                ". IN DNSKEY 257 3 12 AAAA",
                "line 1: keys of algorithm 12 cannot be used here".to_owned(),
            ),
            (
                ". IN DNSKEY 257 3 13 AAA",
                "line 1: the key is not whole in base64; copy it again".to_owned(),
            ),
            (
                ". IN DNSKEY 257 3 13 AAAA",
                "line 1: the key is none of its algorithm; copy it again".to_owned(),
            ),
            (
                ". IN DNSKEY 1 3 13 AAAA",
                "line 1: flags 1 are not those of a zone's key: 257, or 256".to_owned(),
            ),
            (
                ". IN DNSKEY 385 3 13 AAAA",
                "line 1: a key that its owner has revoked; take the line out".to_owned(),
            ),
            (
                "a.example. IN DNSKEY 257 3 13 AAAA",
                "line 1: a key of \"a.example.\"; only those of the root zone can be used"
                    .to_owned(),
            ),
        ] {
            let fault = parse(text).err().map(|fault| fault.to_string());
            assert_eq!(fault, Some(want), "{text}");
        }
    }
}
