//! Key exchange groups by number and name, and how strong each is.
//!
//! From the IANA registry "TLS Supported Groups" as of 2026. Knows also the finite-field primes that
//! many servers share; a prime that is not among them is home-made.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A named group by its number. RFC 8446 §4.2.7, RFC 8422 §5.1.1, RFC 7919.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Group(pub u16);

impl Group {
    pub const X25519: Self = Self(0x001d);
    pub const X25519_MLKEM768: Self = Self(0x11ec);

    /// The registry's name, or the number.
    pub fn name(self) -> String {
        let row = GROUPS.iter().find(|(number, ..)| *number == self.0);
        row.map_or_else(|| format!("0x{:04x}", self.0), |(_, name, _)| (*name).to_owned())
    }

    /// The group of this name.
    pub fn named(name: &str) -> Option<Self> {
        GROUPS.iter().find(|(_, known, _)| *known == name).map(|(number, ..)| Self(*number))
    }

    /// Security in bits against a classical attacker, after NIST SP 800-57; `None` if unknown.
    pub fn strength(self) -> Option<u16> {
        GROUPS.iter().find(|(number, ..)| *number == self.0).map(|(_, _, bits)| *bits)
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

/// Number, name, strength in bits; strongest kinds first, as a hello offers them.
static GROUPS: &[(u16, &str, u16)] = &[
    (0x11ec, "X25519MLKEM768", 128),
    (0x11eb, "SecP256r1MLKEM768", 128),
    (0x11ed, "SecP384r1MLKEM1024", 192),
    (0x001d, "x25519", 128),
    (0x0017, "secp256r1", 128),
    (0x0018, "secp384r1", 192),
    (0x0019, "secp521r1", 256),
    (0x001e, "x448", 224),
    (0x001f, "brainpoolP256r1tls13", 128),
    (0x0020, "brainpoolP384r1tls13", 192),
    (0x0021, "brainpoolP512r1tls13", 256),
    (0x001a, "brainpoolP256r1", 128),
    (0x001b, "brainpoolP384r1", 192),
    (0x001c, "brainpoolP512r1", 256),
    (0x0016, "secp256k1", 128),
    (0x0100, "ffdhe2048", 112),
    (0x0101, "ffdhe3072", 128),
    (0x0102, "ffdhe4096", 152),
    (0x0103, "ffdhe6144", 176),
    (0x0104, "ffdhe8192", 200),
    (0x000e, "sect571r1", 256),
    (0x000d, "sect571k1", 256),
    (0x000c, "sect409r1", 192),
    (0x000b, "sect409k1", 192),
    (0x000a, "sect283r1", 128),
    (0x0009, "sect283k1", 128),
    (0x0008, "sect239k1", 112),
    (0x0007, "sect233r1", 112),
    (0x0006, "sect233k1", 112),
    (0x0015, "secp224r1", 112),
    (0x0014, "secp224k1", 112),
    (0x0013, "secp192r1", 96),
    (0x0012, "secp192k1", 96),
    (0x0005, "sect193r2", 96),
    (0x0004, "sect193r1", 96),
    (0x0003, "sect163r2", 80),
    (0x0002, "sect163r1", 80),
    (0x0001, "sect163k1", 80),
    (0x0011, "secp160r2", 80),
    (0x0010, "secp160r1", 80),
    (0x000f, "secp160k1", 80),
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
