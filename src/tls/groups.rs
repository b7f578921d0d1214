//! Key exchange groups by number and name, and how strong each is.
//!
//! From the IANA registry "TLS Supported Groups" as of 2026. Knows also the finite-field primes that
//! many servers share; a prime that is not among them is home-made.

use std::fmt;

use Era::{Any, Before13, From13};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::TlsVersion;

/// A named group by its number. RFC 8446 §4.2.7, RFC 8422 §5.1.1, RFC 7919.
#[derive(Clone, Copy, Debug, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd)]
#[schemars(from = "String", into = "String")]
pub struct Group(pub u16);

impl Group {
    pub const X25519: Self = Self(0x001d);
    pub const X25519_MLKEM768: Self = Self(0x11ec);

    /// The registry's name, or the number.
    pub fn name(self) -> String {
        self.row().map_or_else(|| format!("0x{:04x}", self.0), |(_, name, ..)| (*name).to_owned())
    }

    /// The group of this name.
    pub fn named(name: &str) -> Option<Self> {
        GROUPS.iter().find(|(_, known, ..)| *known == name).map(|(number, ..)| Self(*number))
    }

    /// Security in bits against a classical attacker, after NIST SP 800-57; `None` if unknown.
    pub fn strength(self) -> Option<u16> {
        self.row().map(|(_, _, bits, _)| *bits)
    }

    /// Whether a server can say by this name what it agreed on in `version`.
    pub fn is_for(self, version: TlsVersion) -> bool {
        let modern = version == TlsVersion::Tls13;
        self.row().is_some_and(|(.., era)| match era {
            Any => true,
            Before13 => !modern,
            From13 => modern,
        })
    }

    /// Whether a post-quantum key encapsulation is mixed in.
    pub fn is_post_quantum(self) -> bool {
        self.name().contains("MLKEM")
    }

    /// Whether the group is a finite field rather than a curve. RFC 7919 §2.
    pub fn is_finite_field(self) -> bool {
        self.0 >> 8 == 0x01
    }

    /// Every group of the table, in its order.
    pub fn all() -> impl Iterator<Item = Self> {
        GROUPS.iter().map(|(number, ..)| Self(*number))
    }

    fn row(self) -> Option<&'static Row> {
        GROUPS.iter().find(|(number, ..)| *number == self.0)
    }
}

/// Goes by its name.
impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let number = || u16::from_str_radix(name.strip_prefix("0x")?, 16).ok().map(Self);
        Self::named(&name)
            .or_else(number)
            .ok_or_else(|| D::Error::custom(format_args!("no group: {name}")))
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

/// In which versions a group can be agreed on by its name.
#[derive(Clone, Copy, Debug)]
enum Era {
    Any,
    /// RFC 8446 §4.2.7 leaves it out.
    Before13,
    /// Made for it, or known before by its prime alone: a finite field.
    From13,
}

/// Number, name, strength in bits, versions.
type Row = (u16, &'static str, u16, Era);

/// Strongest kinds first.
static GROUPS: &[Row] = &[
    (0x11ec, "X25519MLKEM768", 128, From13),
    (0x11eb, "SecP256r1MLKEM768", 128, From13),
    (0x11ed, "SecP384r1MLKEM1024", 192, From13),
    (0x0202, "MLKEM1024", 256, From13),
    (0x0201, "MLKEM768", 192, From13),
    (0x0200, "MLKEM512", 128, From13),
    (0x001d, "x25519", 128, Any),
    (0x0017, "secp256r1", 128, Any),
    (0x0018, "secp384r1", 192, Any),
    (0x0019, "secp521r1", 256, Any),
    (0x001e, "x448", 224, Any),
    (0x001f, "brainpoolP256r1tls13", 128, From13),
    (0x0020, "brainpoolP384r1tls13", 192, From13),
    (0x0021, "brainpoolP512r1tls13", 256, From13),
    (0x001a, "brainpoolP256r1", 128, Before13),
    (0x001b, "brainpoolP384r1", 192, Before13),
    (0x001c, "brainpoolP512r1", 256, Before13),
    (0x0016, "secp256k1", 128, Before13),
    (0x0100, "ffdhe2048", 112, From13),
    (0x0101, "ffdhe3072", 128, From13),
    (0x0102, "ffdhe4096", 152, From13),
    (0x0103, "ffdhe6144", 176, From13),
    (0x0104, "ffdhe8192", 200, From13),
    (0x000e, "sect571r1", 256, Before13),
    (0x000d, "sect571k1", 256, Before13),
    (0x000c, "sect409r1", 192, Before13),
    (0x000b, "sect409k1", 192, Before13),
    (0x000a, "sect283r1", 128, Before13),
    (0x0009, "sect283k1", 128, Before13),
    (0x0008, "sect239k1", 112, Before13),
    (0x0007, "sect233r1", 112, Before13),
    (0x0006, "sect233k1", 112, Before13),
    (0x0015, "secp224r1", 112, Before13),
    (0x0014, "secp224k1", 112, Before13),
    (0x0013, "secp192r1", 96, Before13),
    (0x0012, "secp192k1", 96, Before13),
    (0x0005, "sect193r2", 96, Before13),
    (0x0004, "sect193r1", 96, Before13),
    (0x0003, "sect163r2", 80, Before13),
    (0x0002, "sect163r1", 80, Before13),
    (0x0001, "sect163k1", 80, Before13),
    (0x0011, "secp160r2", 80, Before13),
    (0x0010, "secp160r1", 80, Before13),
    (0x000f, "secp160k1", 80, Before13),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_listed_once() {
        let mut numbers: Vec<_> = Group::all().collect();
        let listed = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), listed);
    }

    #[test]
    fn a_group_belongs_to_the_versions_that_can_name_it() {
        for (name, old, new) in [
            ("x25519", true, true),
            ("secp521r1", true, true),
            ("secp224r1", true, false),
            ("sect163k1", true, false),
            ("secp256k1", true, false),
            ("brainpoolP256r1", true, false),
            ("brainpoolP256r1tls13", false, true),
            ("X25519MLKEM768", false, true),
            ("MLKEM768", false, true),
            ("ffdhe2048", false, true),
        ] {
            let group = Group::named(name).unwrap();
            let found = [TlsVersion::Tls12, TlsVersion::Tls13].map(|version| group.is_for(version));
            assert_eq!(found, [old, new], "{name}");
        }
    }

    #[test]
    fn groups_know_what_they_are() {
        for (group, name, strength, quantum, field) in [
            (Group::X25519_MLKEM768, "X25519MLKEM768", Some(128), true, false),
            (Group(0x0100), "ffdhe2048", Some(112), false, true),
            (Group(0xeeee), "0xeeee", None, false, false),
        ] {
            assert_eq!(group.name(), name);
            assert_eq!(group.strength(), strength);
            assert_eq!((group.is_post_quantum(), group.is_finite_field()), (quantum, field));
        }
    }
}
