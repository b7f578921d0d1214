//! The verdict of DANE for one address: do its TLSA records stand for the chain that it sent?
//!
//! Compares digests and names. Verifies no signature and knows no time: whether the path from the
//! server's certificate to an anchor holds comes in as [`Anchored`].

use std::fmt;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    names::covers,
    tlsa::{TlsaRecord, Unusable},
};
use crate::smtp::{DomainName, Text};

/// What is known of one certificate of the chain as it was sent; digests in lower-case hexadecimal.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Link {
    pub sha256: String,
    pub sha512: String,
    /// Of the subject public key info.
    pub spki_sha256: String,
    pub spki_sha512: String,
    /// Subject and issuer are the same name: nothing stands above it.
    pub self_issued: bool,
    /// The server's own certificate, which comes first, is no anchor; there it says nothing.
    pub anchored: Anchored,
}

/// How the path from the server's certificate up to this one fares, with this one as trust anchor,
/// at the time of the visit. Names are another matter.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchored {
    Holds,
    /// It holds but for the dates.
    Expired,
    /// It does not hold, and why.
    Broken(Text),
    Unknown,
}

/// What DANE says of one address.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DaneVerdict {
    /// The record stands for the certificate at this position of the chain, the server's being 0.
    Matched { record: TlsaRecord, position: usize },
    /// It does, and senders still do not take it.
    MatchedBut { record: TlsaRecord, position: usize, but: Vec<Shortfall> },
    /// Nothing sent matches, and all usable records name trust anchors, above what was sent or no
    /// longer used: a sender cannot tell either. RFC 7671 §5.2.2.
    IssuerNotSent { records: Vec<TlsaRecord> },
    /// Nothing sent matches, but the record carries its anchor, so that some senders can verify with it.
    IssuerInRecord { record: TlsaRecord },
    /// None of the usable records matches anything sent.
    NoMatch { records: Vec<TlsaRecord> },
    /// No record is usable, each for its reason: senders demand TLS and authenticate nobody.
    /// RFC 7672 §2.2.
    NoneUsable { why: Vec<Unusable> },
}

/// Why a record that matches does not help.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortfall {
    /// Another record of the same usage and selector has a stronger digest, and senders look at
    /// that one alone. RFC 7671 §9.
    Outranked,
    /// A certificate on the path is outside its dates.
    Expired,
    /// The path to the anchor does not hold, and why.
    PathBroken(Text),
    /// Whether the path to the anchor holds is not known.
    PathUnknown,
    /// The server's certificate has none of the names it may have.
    WrongName,
}

/// What the records at a TLSA base domain say of a chain. There is at least one record: without any,
/// DANE says nothing.
///
/// `names` are those that the server's certificate presents: its DNS names, or, where it has none,
/// its common name (RFC 7672 §3.2.3). `references` come from [`super::bases::references`]. Usage 3
/// looks at neither, nor at dates (RFC 7671 §5.1).
pub fn judge(
    records: &[TlsaRecord],
    chain: &[Link],
    names: &[Text],
    references: &[DomainName],
) -> DaneVerdict {
    let why: Vec<_> = records.iter().filter_map(|record| record.usable().err()).collect();
    if why.len() == records.len() {
        return DaneVerdict::NoneUsable { why };
    }
    let usable: Vec<_> = records.iter().filter(|record| record.usable().is_ok()).collect();
    let welcome = references.iter().any(|reference| covers(names, reference));
    let matches = usable.iter().flat_map(|&record| {
        let shortfalls = |position: usize| {
            shortfalls(outranked(record, &usable), record, &chain[position], welcome)
        };
        positions(record, chain)
            .map(move |position| (record.clone(), position, shortfalls(position)))
    });
    if let Some((record, position, but)) = matches.min_by_key(|(_, _, but)| gravity(but)) {
        return if but.is_empty() {
            DaneVerdict::Matched { record, position }
        } else {
            DaneVerdict::MatchedBut { record, position, but }
        };
    }
    unmatched(&usable, chain)
}

impl DaneVerdict {
    /// Whether a sender that verifies hands its mail over; `None` where senders differ or we cannot
    /// tell.
    pub fn delivers(&self) -> Option<bool> {
        match self {
            Self::Matched { .. } | Self::NoneUsable { .. } => Some(true),
            Self::MatchedBut { but, .. } if *but == [Shortfall::PathUnknown] => None,
            Self::IssuerInRecord { .. } => None,
            Self::MatchedBut { .. } | Self::IssuerNotSent { .. } | Self::NoMatch { .. } => {
                Some(false)
            }
        }
    }
}

/// Where in the chain the record matches. Usage 3 is about the server's certificate alone, usage 2
/// about those above it. RFC 7671 §5.1, §5.2.
fn positions(record: &TlsaRecord, chain: &[Link]) -> impl Iterator<Item = usize> {
    let data = match record.matching {
        0 => HEXLOWER.encode(&Sha256::digest(&record.data)),
        _ => HEXLOWER.encode(&record.data),
    };
    let (selector, matching, usage) = (record.selector, record.matching, record.usage);
    chain.iter().enumerate().filter_map(move |(position, link)| {
        let digest = match (selector, matching) {
            (0, 2) => &link.sha512,
            (0, _) => &link.sha256,
            (_, 2) => &link.spki_sha512,
            (_, _) => &link.spki_sha256,
        };
        ((usage == 3) == (position == 0) && *digest == data).then_some(position)
    })
}

/// Of several digests for one usage and selector only the strongest counts. RFC 7671 §9.
fn outranked(record: &TlsaRecord, usable: &[&TlsaRecord]) -> bool {
    record.matching == 1
        && usable.iter().any(|other| {
            (other.usage, other.selector, other.matching) == (record.usage, record.selector, 2)
        })
}

fn shortfalls(outranked: bool, record: &TlsaRecord, link: &Link, welcome: bool) -> Vec<Shortfall> {
    let mut but = Vec::new();
    if outranked {
        but.push(Shortfall::Outranked);
    }
    if record.usage == 2 {
        match &link.anchored {
            Anchored::Holds => {}
            Anchored::Expired => but.push(Shortfall::Expired),
            Anchored::Broken(why) => but.push(Shortfall::PathBroken(why.clone())),
            Anchored::Unknown => but.push(Shortfall::PathUnknown),
        }
        if !welcome {
            but.push(Shortfall::WrongName);
        }
    }
    but
}

/// Of several matches the verdict tells the one that is nearest to being taken.
fn gravity(but: &[Shortfall]) -> (usize, usize) {
    let known = but.iter().filter(|shortfall| **shortfall != Shortfall::PathUnknown).count();
    (known, but.len())
}

fn unmatched(usable: &[&TlsaRecord], chain: &[Link]) -> DaneVerdict {
    let records = || usable.iter().map(|&record| record.clone()).collect();
    let carried = usable.iter().find(|record| record.usage == 2 && record.matching == 0);
    // The server's own certificate is always sent.
    let own = usable.iter().any(|record| record.usage == 3);
    match carried {
        _ if chain.is_empty() || reaches_its_root(chain) => {
            DaneVerdict::NoMatch { records: records() }
        }
        Some(&record) => DaneVerdict::IssuerInRecord { record: record.clone() },
        None if own => DaneVerdict::NoMatch { records: records() },
        None => DaneVerdict::IssuerNotSent { records: records() },
    }
}

/// Whether the server sent everything up to a root, so that no issuer can be missing.
fn reaches_its_root(chain: &[Link]) -> bool {
    chain.iter().enumerate().any(|(position, link)| {
        let on_the_path = matches!(link.anchored, Anchored::Holds | Anchored::Expired);
        link.self_issued && (position == 0 || on_the_path)
    })
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outranked => f.write_str("a record with a stronger digest overrides it"),
            Self::Expired => f.write_str("a certificate up to the anchor is outside its dates"),
            Self::PathBroken(why) => write!(f, "the path to the anchor does not hold: {why}"),
            Self::PathUnknown => f.write_str("whether the path to the anchor holds is not known"),
            Self::WrongName => f.write_str("the certificate does not have the name of the host"),
        }
    }
}

impl fmt::Display for DaneVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |position: &usize| match position {
            0 => "the server's certificate".to_owned(),
            above => format!("certificate {} of the chain", above + 1),
        };
        match self {
            Self::Matched { record, position } => {
                write!(f, "{} matches {}", kind(record), of(position))
            }
            Self::MatchedBut { record, position, but } => {
                write!(f, "{} matches {}, but ", kind(record), of(position))?;
                joined(f, but)
            }
            Self::IssuerNotSent { records } => {
                f.write_str("no issuer that was sent matches ")?;
                kinds(f, records)
            }
            Self::IssuerInRecord { record } => {
                write!(f, "{} carries an anchor that was not sent; not verified", kind(record))
            }
            Self::NoMatch { records } => {
                f.write_str("nothing that was sent matches ")?;
                kinds(f, records)
            }
            Self::NoneUsable { why } => {
                f.write_str("no usable record: ")?;
                joined(f, why)
            }
        }
    }
}

/// A record by its three numbers and the head of its data, enough to find it in a zone file.
fn kind(record: &TlsaRecord) -> String {
    let TlsaRecord { usage, selector, matching, data } = record;
    let head = HEXLOWER.encode(&data[..data.len().min(4)]);
    format!("{usage} {selector} {matching} {head}...")
}

fn kinds(f: &mut fmt::Formatter<'_>, records: &[TlsaRecord]) -> fmt::Result {
    f.write_str(&records.iter().map(kind).collect::<Vec<_>>().join(", "))
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[impl fmt::Display]) -> fmt::Result {
    f.write_str(&parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests;
