//! DNSSEC against a real name server (NSD) with zones that ldnsutils signed, and beside a real resolver
//! (unbound) that validates as well: both must come to the same verdict.

use serde_json::{Value, json};

use crate::{host::Server, report::Report, signing::Signed, world::World, zone::Zone};

/// Nothing of it matters to the hosts, which are nowhere: only what DNS says is asked.
const QUICK: [&str; 6] = ["--allow-net", "127.0.0.0/8", "--pause", "0", "--helo", "probe.example"];

/// Zones below `example`, each signed in a way of its own.
fn zones() -> Vec<Zone> {
    let below = [
        ("nsec.example", Signed::Nsec),
        ("nsec3.example", Signed::Nsec3),
        ("unsigned.example", Signed::Not),
        ("expired.example", Signed::Expired),
        ("wrong.example", Signed::WrongKey),
    ];
    let records = |zone: &str| {
        format!(
            "{zone}. MX 10 mx.{zone}.\nmx.{zone}. A 127.0.0.2\n\
             {zone}. MX 20 alias.{zone}.\nalias.{zone}. CNAME mx.unsigned.example.\n\
             {zone}. MX 30 wild.{zone}.\nwild.{zone}. A 127.0.0.3\n\
             *._tcp.wild.{zone}. TLSA 3 1 1 {:064}\n\
             {zone}. MX 40 mx.led.{zone}.\nled.{zone}. DNAME {zone}.\n\
             {zone}. TXT \"v=spf1 -all\"\n",
            1
        )
    };
    let zone = |(name, signed): (&str, Signed)| Zone::new(name, &records(name), signed);
    let mut zones: Vec<Zone> = below.map(zone).into();
    zones.push(Zone::new("example", "ns.example. A 127.0.0.1\n", Signed::OptOut));
    zones
}

fn check(world: &World, zone: &str, options: &[String]) -> Report {
    let mut words: Vec<&str> = options.iter().map(String::as_str).collect();
    words.extend(QUICK);
    world.check_domain(zone, &words)
}

/// How far the exchangers, an SPF record that is there, and a DMARC record that is not, are vouched for.
fn worths(report: &Report) -> [Value; 3] {
    let policies = &report.json["survey"]["policies"];
    let of = |answer: &Value| match answer {
        Value::Object(fields) if fields.contains_key("failed") => answer["failed"].clone(),
        answer => answer["found"]["security"].as_str().map_or_else(
            || answer["absent"]["security"].clone(),
            |security| Value::String(security.to_owned()),
        ),
    };
    [policies["mx"].clone(), of(&policies["spf"]), of(&policies["dmarc"])]
}

fn bogus(why: &str) -> Value {
    json!({ "bogus": why })
}

#[test]
fn zones_are_judged_as_they_are_signed() {
    let world = World::of_zones(zones());
    let anchored = world.anchored();
    let wrong = "no DNSKEY record of wrong.example is the one that its DS record names";
    let expired = "the signature of the DNSKEY record of expired.example expired on 2020-02-01";
    for (zone, want) in [
        ("nsec.example", ["secure"; 3].map(Value::from)),
        ("nsec3.example", ["secure"; 3].map(Value::from)),
        ("unsigned.example", ["insecure"; 3].map(Value::from)),
        ("wrong.example", [wrong; 3].map(bogus)),
        ("expired.example", [expired; 3].map(bogus)),
    ] {
        assert_eq!(worths(&check(&world, zone, &anchored)), want, "{zone}");
    }
}

#[test]
fn hosts_are_vouched_for_name_by_name() {
    let world = World::of_zones(zones());
    let anchored = world.anchored();
    for zone in ["nsec.example", "nsec3.example"] {
        let report = check(&world, zone, &anchored);
        let hosts = ["mx", "alias", "wild"].map(|name| report.host(&format!("{name}.{zone}")));
        let worths = hosts.map(|host| host["security"].as_str().unwrap_or_default());
        assert_eq!(worths, ["secure", "insecure", "secure"], "{zone}");
        let [mx, alias, wild] = hosts.map(|host| &host["tlsa"][0]["answer"]);
        assert_eq!(mx["absent"]["security"], "secure", "{zone}");
        assert_eq!(alias["absent"]["security"], "secure", "{zone}");
        // From a wildcard.
        assert_eq!(wild["found"]["security"], "secure", "{zone}");
        let why = format!("led on by a DNAME record at led.{zone}");
        assert_eq!(report.host("mx.led")["security"], json!({ "undetermined": why }));
    }
}

#[test]
fn a_resolver_that_validates_comes_to_the_same_verdicts() {
    let mut world = World::of_zones(zones());
    let anchored = world.anchored();
    let resolver = world.start_resolver();
    for zone in
        ["nsec.example", "nsec3.example", "unsigned.example", "wrong.example", "expired.example"]
    {
        let direct = worths(&check(&world, zone, &anchored));
        let behind = worths(&check(&world, zone, &[&anchored[..], &resolver].concat()));
        assert_eq!(direct, behind, "{zone} with its signatures from the resolver");
        let believing = [&["--trust-ad".to_owned()][..], &resolver].concat();
        let believed = worths(&check(&world, zone, &believing));
        let kind = |worths: &[Value; 3]| {
            worths.each_ref().map(|worth| {
                worth.as_str().map_or_else(
                    || worth.as_object().and_then(|worth| worth.keys().next()).cloned(),
                    |word| Some(word.to_owned()),
                )
            })
        };
        assert_eq!(kind(&direct), kind(&believed), "{zone} at the resolver's word: {believed:?}");
    }
}

#[test]
fn the_built_in_root_does_not_vouch_for_another_one() {
    let world = World::of_zones(zones());
    let [mx, ..] = worths(&check(&world, "nsec.example", &[]));
    assert_eq!(mx, json!({ "undetermined": "no key of the root zone is a trust anchor" }));
}

#[test]
fn tlsa_records_of_a_mail_host_are_found_and_vouched_for() {
    let record = format!("_25._tcp.mx1.even.example. TLSA 3 1 1 {:064}\n", 1);
    let mut world = World::open_signed([Server::postfix()], &record);
    let anchored = world.anchored();
    let report = world.check(&anchored.each_ref().map(String::as_str));
    let host = report.host("mx1");
    assert_eq!(host["security"], "secure");
    let found = &host["tlsa"][0]["answer"]["found"];
    assert_eq!(found["security"], "secure");
    assert_eq!(found["records"].as_array().map(Vec::len), Some(1), "{found}");
    world.close(&[]);
}
