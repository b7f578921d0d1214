//! Addresses set aside for special purposes, and whether one may be visited all the same.
//!
//! One table: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), and
//! what other standards keep from being a host. Looks nothing up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::survey::{Access, Asked, Families};

/// A network of the registries.
struct Block {
    net: IpNet,
    /// As the registry spells it.
    name: &'static str,
    /// The registry's word for "globally reachable"; what it leaves open counts as no.
    global: bool,
}

/// Ascending by address, the wider network first; the narrowest that holds an address speaks for it.
static BLOCKS: &[Block] = &[
    v4([0, 0, 0, 0], 8, "This network"),               // RFC 791 §3.2
    v4([0, 0, 0, 0], 32, "This host on this network"), // RFC 1122 §3.2.1.3
    v4([10, 0, 0, 0], 8, "Private-Use"),               // RFC 1918
    v4([100, 64, 0, 0], 10, "Shared Address Space"),   // RFC 6598
    v4([127, 0, 0, 0], 8, "Loopback"),                 // RFC 1122 §3.2.1.3
    v4([169, 254, 0, 0], 16, "Link Local"),            // RFC 3927
    v4([172, 16, 0, 0], 12, "Private-Use"),            // RFC 1918
    v4([192, 0, 0, 0], 24, "IETF Protocol Assignments"), // RFC 6890 §2.1
    v4([192, 0, 0, 0], 29, "IPv4 Service Continuity Prefix"), // RFC 7335
    v4([192, 0, 0, 8], 32, "IPv4 dummy address"),      // RFC 7600
    v4([192, 0, 0, 9], 32, "Port Control Protocol Anycast").global(), // RFC 7723
    v4([192, 0, 0, 10], 32, "Traversal Using Relays around NAT Anycast").global(), // RFC 8155
    v4([192, 0, 0, 170], 31, "NAT64/DNS64 Discovery"), // RFC 8880, RFC 7050 §2.2
    v4([192, 0, 2, 0], 24, "Documentation (TEST-NET-1)"), // RFC 5737
    v4([192, 31, 196, 0], 24, "AS112-v4").global(),    // RFC 7535
    v4([192, 52, 193, 0], 24, "AMT").global(),         // RFC 7450
    v4([192, 88, 99, 0], 24, "Deprecated (6to4 Relay Anycast)"), // RFC 7526
    v4([192, 88, 99, 2], 32, "6a44-relay anycast address"), // RFC 6751
    v4([192, 168, 0, 0], 16, "Private-Use"),           // RFC 1918
    v4([192, 175, 48, 0], 24, "Direct Delegation AS112 Service").global(), // RFC 7534
    v4([198, 18, 0, 0], 15, "Benchmarking"),           // RFC 2544
    v4([198, 51, 100, 0], 24, "Documentation (TEST-NET-2)"), // RFC 5737
    v4([203, 0, 113, 0], 24, "Documentation (TEST-NET-3)"), // RFC 5737
    v4([224, 0, 0, 0], 4, "Multicast"),                // RFC 5771, a registry of its own
    v4([240, 0, 0, 0], 4, "Reserved"),                 // RFC 1112 §4
    v4([255, 255, 255, 255], 32, "Limited Broadcast"), // RFC 919 §7
    v6(0, 3, "Reserved by IETF"),                      // RFC 4291 §4, as are those from 4000:: on
    v6(0, 96, "IPv4-Compatible IPv6 Address"),         // RFC 4291 §2.5.5.1
    v6(0, 128, "Unspecified Address"),                 // RFC 4291
    v6(1, 128, "Loopback Address"),                    // RFC 4291
    v6(0xffff << 32, 96, "IPv4-mapped Address"),       // RFC 4291
    v6(0x64_ff9b << 96, 96, "IPv4-IPv6 Translat.").global(), // RFC 6052
    v6(0x64_ff9b_0001 << 80, 48, "IPv4-IPv6 Translat."), // RFC 8215
    v6(0x100 << 112, 64, "Discard-Only Address Block"), // RFC 6666
    v6(0x100_0000_0000_0001 << 64, 64, "Dummy IPv6 Prefix"), // RFC 9780
    v6(0x2001 << 112, 23, "IETF Protocol Assignments"), // RFC 2928
    v6(0x2001 << 112, 32, "TEREDO"),                   // RFC 4380, RFC 8190
    v6(0x2001_0001 << 96 | 1, 128, "Port Control Protocol Anycast").global(), // RFC 7723
    v6(0x2001_0001 << 96 | 2, 128, "Traversal Using Relays around NAT Anycast").global(), // RFC 8155
    v6(0x2001_0001 << 96 | 3, 128, "DNS-SD Service Registration Protocol Anycast").global(), // RFC 9665
    v6(0x2001_0002 << 96, 48, "Benchmarking"), // RFC 5180
    v6(0x2001_0003 << 96, 32, "AMT").global(), // RFC 7450
    v6(0x2001_0004_0112 << 80, 48, "AS112-v6").global(), // RFC 7535
    v6(0x2001_0010 << 96, 28, "Deprecated (previously ORCHID)"), // RFC 4843
    v6(0x2001_0020 << 96, 28, "ORCHIDv2").global(), // RFC 7343
    v6(0x2001_0030 << 96, 28, "Drone Remote ID Protocol Entity Tags (DETs) Prefix").global(), // RFC 9374
    v6(0x2001_0db8 << 96, 32, "Documentation"), // RFC 3849
    v6(0x2002 << 112, 16, "6to4"),              // RFC 3056
    v6(0x2620_004f_8000 << 80, 48, "Direct Delegation AS112 Service").global(), // RFC 7534
    v6(0x3fff << 112, 20, "Documentation"),     // RFC 9637
    v6(0x4000 << 112, 2, "Reserved by IETF"),
    v6(0x5f00 << 112, 16, "Segment Routing (SRv6) SIDs"), // RFC 9602
    v6(0x8000 << 112, 1, "Reserved by IETF"),
    v6(0xfc00 << 112, 7, "Unique-Local"), // RFC 4193, RFC 8190
    v6(0xfe80 << 112, 10, "Link-Local Unicast"), // RFC 4291
    v6(0xfec0 << 112, 10, "Site-Local Unicast"), // RFC 3879, deprecated
    v6(0xff00 << 112, 8, "Multicast"),    // RFC 4291 §2.7
];

/// Whether `address` may be visited; `own` tells that it is one of this machine's.
///
/// An address that carries another one in it must be sound, or allowed, in both.
pub fn access(address: IpAddr, asked: &Asked, own: bool) -> Access {
    let mut purposes: Vec<(IpAddr, String)> = Vec::new();
    if let Some(name) = purpose(address) {
        purposes.push((address, name.to_owned()));
    }
    let inner = embedded(address).map(IpAddr::V4);
    if let Some((inner, name)) = inner.and_then(|inner| Some((inner, purpose(inner)?))) {
        purposes.push((inner, format!("{name} ({inner} inside)")));
    }
    let reserved = !purposes.is_empty();
    if own {
        purposes.push((address, "address of this machine".to_owned()));
    }
    let allowed = |of: &IpAddr| asked.allow_net.iter().any(|net| net.contains(of));
    let named = || purposes.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
    if !asked.allow_private && !purposes.iter().all(|(of, _)| allowed(of)) {
        return if reserved { Access::SpecialPurpose(named()) } else { Access::Own };
    }
    let visited = match asked.families {
        Families::Both => true,
        Families::V4 => address.is_ipv4(),
        Families::V6 => address.is_ipv6(),
    };
    match (visited, purposes.is_empty()) {
        (false, _) => Access::FamilyOff,
        (true, true) => Access::Open,
        (true, false) => Access::Allowed(named()),
    }
}

/// Whether `address` means something in its own network only, so that nobody else can see it.
pub fn is_local(address: IpAddr) -> bool {
    let local = [
        "Link Local",
        "Link-Local Unicast",
        "Loopback",
        "Loopback Address",
        "Private-Use",
        "Shared Address Space",
        "Site-Local Unicast",
        "Unique-Local",
    ];
    purpose(address).is_some_and(|name| local.contains(&name))
}

/// What `address` is reserved for, where that keeps it from being a host of the internet.
fn purpose(address: IpAddr) -> Option<&'static str> {
    let holding = BLOCKS.iter().filter(|block| block.net.contains(&address));
    let narrowest = holding.max_by_key(|block| block.net.prefix_len())?;
    (!narrowest.global).then_some(narrowest.name)
}

/// The IPv4 address that packets for an IPv6 address end up at.
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let octets = address.octets();
    let four =
        |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match address.segments() {
        // "::" and "::1" are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Compatible and mapped addresses, and NAT64: RFC 4291 §2.5.5, RFC 6052 §2.2.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [0x64, 0xff9b, 1, ..] => Some(four(12)),
        // Teredo turns the client's bits over. RFC 4380 §4.
        [0x2001, 0, ..] => Some(Ipv4Addr::from_bits(!four(12).to_bits())),
        // 6to4 has it behind the first 16 bits. RFC 3056 §2.
        [0x2002, ..] => Some(four(2)),
        _ => None,
    }
}

const fn v4(octets: [u8; 4], prefix: u8, name: &'static str) -> Block {
    let [a, b, c, d] = octets;
    let net = IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix);
    Block { net, name, global: false }
}

const fn v6(bits: u128, prefix: u8, name: &'static str) -> Block {
    let net = IpNet::new_assert(IpAddr::V6(Ipv6Addr::from_bits(bits)), prefix);
    Block { net, name, global: false }
}

impl Block {
    const fn global(self) -> Self {
        Self { global: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::stand_in::asked;

    fn address(word: &str) -> IpAddr {
        word.parse().unwrap()
    }

    #[test]
    fn the_narrowest_block_speaks_for_an_address() {
        for (word, want) in [
            ("0.0.0.0", Some("This host on this network")),
            ("0.1.2.3", Some("This network")),
            ("10.255.255.255", Some("Private-Use")),
            ("11.0.0.0", None),
            ("100.127.255.255", Some("Shared Address Space")),
            ("100.128.0.0", None),
            ("127.0.0.53", Some("Loopback")),
            ("172.15.255.255", None),
            ("172.31.255.255", Some("Private-Use")),
            ("172.32.0.0", None),
            ("192.0.0.7", Some("IPv4 Service Continuity Prefix")),
            ("192.0.0.9", None),
            ("192.0.0.11", Some("IETF Protocol Assignments")),
            ("192.0.0.171", Some("NAT64/DNS64 Discovery")),
            ("192.0.2.255", Some("Documentation (TEST-NET-1)")),
            ("192.88.99.1", Some("Deprecated (6to4 Relay Anycast)")),
            ("192.88.99.2", Some("6a44-relay anycast address")),
            ("192.175.48.1", None),
            ("198.19.255.255", Some("Benchmarking")),
            ("203.0.113.1", Some("Documentation (TEST-NET-3)")),
            ("239.1.1.1", Some("Multicast")),
            ("250.0.0.1", Some("Reserved")),
            ("255.255.255.255", Some("Limited Broadcast")),
            ("::", Some("Unspecified Address")),
            ("::1", Some("Loopback Address")),
            // The translated addresses of RFC 2765, which no registry has any more.
            ("::ffff:0:10.0.0.1", Some("Reserved by IETF")),
            ("64:ff9b::102:304", None),
            ("64:ff9b:1::1", Some("IPv4-IPv6 Translat.")),
            ("100:0:0:1::1", Some("Dummy IPv6 Prefix")),
            ("2001::1", Some("TEREDO")),
            ("2001:1::3", None),
            ("2001:1::4", Some("IETF Protocol Assignments")),
            ("2001:1ff::1", Some("IETF Protocol Assignments")),
            ("2001:200::1", None),
            ("2001:2f::1", None),
            ("2001:db8::1", Some("Documentation")),
            ("2002:102:304::1", Some("6to4")),
            ("2600::1", None),
            ("3fff:fff::1", Some("Documentation")),
            ("3fff:1000::1", None),
            ("1fff::1", Some("Reserved by IETF")),
            ("4000::1", Some("Reserved by IETF")),
            ("e000::1", Some("Reserved by IETF")),
            ("5f00::1", Some("Segment Routing (SRv6) SIDs")),
            ("fdff::1", Some("Unique-Local")),
            ("fe80::1", Some("Link-Local Unicast")),
            ("fec0::1", Some("Site-Local Unicast")),
            ("ff02::1", Some("Multicast")),
        ] {
            assert_eq!(purpose(address(word)), want, "{word}");
        }
    }

    #[test]
    fn an_address_inside_another_counts_too() {
        for (word, want) in [
            ("64:ff9b::a01:203", "Private-Use (10.1.2.3 inside)"),
            ("64:ff9b:1::7f00:1", "IPv4-IPv6 Translat., Loopback (127.0.0.1 inside)"),
            ("::ffff:192.168.1.1", "IPv4-mapped Address, Private-Use (192.168.1.1 inside)"),
            ("::10.0.0.1", "IPv4-Compatible IPv6 Address, Private-Use (10.0.0.1 inside)"),
            ("2002:a9fe:a9fe::1", "6to4, Link Local (169.254.169.254 inside)"),
            ("2001:0:102:304::f5ff:fffe", "TEREDO, Private-Use (10.0.0.1 inside)"),
            ("::ffff:1.2.3.4", "IPv4-mapped Address"),
        ] {
            let want = Access::SpecialPurpose(want.to_owned());
            assert_eq!(access(address(word), &asked(), false), want, "{word}");
        }
        assert_eq!(access(address("64:ff9b::102:304"), &asked(), false), Access::Open);
    }

    #[test]
    fn only_the_user_opens_a_special_address() {
        let nets = |words: &[&str]| Asked {
            allow_net: words.iter().map(|word| word.parse().unwrap()).collect(),
            ..asked()
        };
        let private = Asked { allow_private: true, ..asked() };
        let allowed = |name: &str| Access::Allowed(name.to_owned());
        let barred = |name: &str| Access::SpecialPurpose(name.to_owned());
        for (word, asked, own, want) in [
            ("10.0.0.1", &private, false, allowed("Private-Use")),
            ("10.0.0.1", &nets(&["10.0.0.0/24"]), false, allowed("Private-Use")),
            ("10.0.1.1", &nets(&["10.0.0.0/24"]), false, barred("Private-Use")),
            ("1.2.3.4", &nets(&["10.0.0.0/24"]), false, Access::Open),
            ("1.2.3.4", &asked(), true, Access::Own),
            ("10.0.0.1", &asked(), true, barred("Private-Use, address of this machine")),
            ("1.2.3.4", &nets(&["1.2.3.4/32"]), true, allowed("address of this machine")),
            // The way in may be allowed without what lies behind it.
            (
                "2002:a00:1::",
                &nets(&["2002::/16"]),
                false,
                barred("6to4, Private-Use (10.0.0.1 inside)"),
            ),
            ("2002:102:304::", &nets(&["2002::/16"]), false, allowed("6to4")),
        ] {
            assert_eq!(access(address(word), asked, own), want, "{word}");
        }
    }

    #[test]
    fn the_other_family_is_off_but_a_special_address_stays_special() {
        let v4 = Asked { families: Families::V4, ..asked() };
        let v6 = Asked { families: Families::V6, ..asked() };
        assert_eq!(access(address("2600::1"), &v4, false), Access::FamilyOff);
        assert_eq!(access(address("1.2.3.4"), &v6, false), Access::FamilyOff);
        assert_eq!(access(address("2600::1"), &v6, false), Access::Open);
        let barred = Access::SpecialPurpose("Loopback Address".to_owned());
        assert_eq!(access(address("::1"), &v4, false), barred);
    }

    #[test]
    fn a_local_address_is_nobody_elses_business() {
        for (word, want) in [
            ("10.0.0.1", true),
            ("100.64.0.1", true),
            ("127.0.0.1", true),
            ("169.254.1.1", true),
            ("192.0.2.1", false),
            ("192.31.196.1", false),
            ("::1", true),
            ("2001:db8::1", false),
            ("fd00::1", true),
            ("fe80::1", true),
        ] {
            assert_eq!(is_local(address(word)), want, "{word}");
        }
    }

    proptest! {
        #[test]
        fn no_spelling_hides_a_special_ipv4_address(
            place in 0..BLOCKS.iter().filter(|block| block.net.addr().is_ipv4()).count(),
            host in any::<u32>(),
        ) {
            let block = &BLOCKS[place];
            let IpNet::V4(net) = block.net else { panic!("IPv4 blocks come first") };
            let inside = Ipv4Addr::from_bits(net.network().to_bits() | host & net.hostmask().to_bits());
            let special = purpose(IpAddr::V4(inside)).is_some();
            let low = u128::from(inside.to_bits());
            let spellings = [
                0xffff_u128 << 32 | low,
                low,
                0x64_ff9b_u128 << 96 | low,
                0x64_ff9b_0001_u128 << 80 | low,
                0x2002_u128 << 112 | low << 80,
                0x2001_0000_u128 << 96 | (!low & u128::from(u32::MAX)),
            ];
            for bits in spellings {
                let spelt = IpAddr::V6(Ipv6Addr::from_bits(bits));
                prop_assert!(!special || !access(spelt, &asked(), false).may_visit(), "{spelt}");
            }
        }
    }
}
