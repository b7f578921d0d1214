//! Where mxparity stands: its source address, one address family alone, a SOCKS5 proxy in between.

use crate::{host::Server, world::World};

#[test]
fn servers_see_the_family_and_the_source_address_asked_for() {
    let mut world = World::open_with_ipv6([Server::postfix(), Server::postfix()]);
    world.stand_also_at("198.51.100.8/32");
    world.stand_also_at("2001:db8:7::8/128");
    let mut before = 0;
    for (options, clients) in [
        (&["-4"][..], &["[198.51.100.7]"][..]),
        (&["-6"], &["[2001:db8:7::7]"]),
        (&["-4", "--source", "198.51.100.8"], &["[198.51.100.8]"]),
        (
            &["--source", "198.51.100.8", "--source", "2001:db8:7::8"],
            &["[198.51.100.8]", "[2001:db8:7::8]"],
        ),
    ] {
        let report = world.check(&[&["--helo", "probe.example"], options].concat());
        report.verdict("works", "even", "info", 0);
        assert_eq!(report.json["coverage"]["observed"], 2 * clients.len(), "{options:?}");
        for host in ["mx1", "mx2"] {
            let lines = world.logged(host, "]: connect from ", before + clients.len());
            let mut seen: Vec<_> = lines[before..]
                .iter()
                .filter_map(|line| line.rfind('[').map(|at| &line[at..]))
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, clients, "{host} {options:?}");
        }
        before += clients.len();
    }
    let report = world.check(&["-4", "--helo", "probe.example", "--source", "198.51.100.99"]);
    report.verdict("unproven", "unproven", "info", 3);
    assert_eq!(report.unseen("mx1"), ("no route from here at connect", "us"));
    world.close(&[]);
}

#[test]
fn a_proxy_carries_the_visits_and_its_refusals_are_never_the_hosts() {
    let mut world = World::open([Server::postfix(), Server::postfix()]);
    world.start_proxy("user", "secret");
    let through = "user:secret@127.0.0.1:1080";
    let report = world.check(&["--helo", "probe.example", "--socks5", through]);
    report.verdict("works", "even", "info", 0);
    // One host behind a closed port: that the proxy says so makes it no more certain.
    let closed = &["--mx", "10:mx1.even.example:2525", "--mx", "20:mx2.even.example"][..];
    for (proxy, hosts, failover, words) in [
        ("user:wrong@127.0.0.1:1080", &[][..], "unproven", "proxy: Password auth failure"),
        ("127.0.0.1:1080", &[], "unproven", "proxy: "),
        ("127.0.0.1:1081", &[], "unproven", "proxy: Connection refused"),
        (through, closed, "works", "proxy: "),
    ] {
        let report =
            world.check(&[&["--helo", "probe.example", "--socks5", proxy], hosts].concat());
        let (why, blame) = report.unseen("mx1");
        assert!(why.starts_with(words), "{proxy}: {why}");
        assert_eq!((blame, report.status), ("path", 3), "{proxy}");
        assert_eq!(report.json["verdict"]["failover"], failover, "{proxy}");
        assert_eq!(report.rules_from("low"), [""; 0], "{proxy}");
    }
    world.close(&[]);
}
