//! `--depth full` against two scanners with TLS stacks of their own: at every server, `sslscan` and
//! `sslyze` must find the same suites in the same versions, in the same run.
//!
//! Where they do not, [`DISAGREEMENTS`] says who is right; one that is not listed fails as well as one
//! that is listed and did not occur. And no server may have counted more connections than `--plan` said.
//! None of these servers has SSL 3.0, whose suites sslscan would not list. The scanners' manners are not
//! ours: what the servers say of them is not looked at.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use TlsVersion::{Ssl3, Tls10, Tls11, Tls12, Tls13};
use mxparity::tls::{Suite, TlsVersion};
use serde_json::Value;

use crate::{
    certificate::Certificate,
    ground,
    host::{DOMAIN, Server},
    report::Report,
    world::World,
};

/// What a server was seen to take.
type Taken = BTreeSet<(TlsVersion, Suite)>;

/// Suites that we find and a scanner does not. That we are right is asked of a third: `openssl
/// s_client` must finish a handshake with each of them.
struct Disagreement {
    server: &'static str,
    scanner: &'static str,
    /// What the scanner does wrong.
    why: &'static str,
    missed: &'static [(TlsVersion, &'static [&'static str])],
}

const DISAGREEMENTS: &[Disagreement] = &[
    Disagreement {
        server: "Exim with everything",
        scanner: "sslscan",
        why: "leaves out what the server chose and asks again, suites without a certificate among \
              the rest; once it comes to those, this server turns down the whole hello",
        missed: &[
            (Tls10, MISSED_BY_SSLSCAN),
            (Tls11, MISSED_BY_SSLSCAN),
            (Tls12, MISSED_BY_SSLSCAN),
            (
                Tls12,
                &[
                    "TLS_RSA_WITH_AES_128_GCM_SHA256",
                    "TLS_RSA_WITH_AES_256_GCM_SHA384",
                    "TLS_RSA_WITH_AES_128_CCM",
                    "TLS_RSA_WITH_AES_256_CCM",
                ],
            ),
        ],
    },
    Disagreement {
        server: "OpenSSL with everything",
        scanner: "sslyze",
        why: NEVER_TRIED,
        missed: &[(Tls12, MISSED_BY_SSLYZE)],
    },
    Disagreement {
        server: "Postfix with everything",
        scanner: "sslyze",
        why: NEVER_TRIED,
        missed: &[(Tls12, MISSED_BY_SSLYZE)],
    },
];

const MISSED_BY_SSLSCAN: &[&str] = &[
    "TLS_RSA_WITH_NULL_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_NULL_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
];

const MISSED_BY_SSLYZE: &[&str] =
    &["TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256", "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA256"];

const NEVER_TRIED: &str = "only the newer of its OpenSSLs has them, whose level of security allows \
                           no suite without a certificate; says of such suites nothing at all";

/// Whatever OpenSSL's library was built with, and no level of security to hold it back. Debian's has
/// neither 3DES nor RC4; `GnuTLS` has.
const EVERYTHING: &str = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";

fn postfix_with(protocols: &str, ciphers: &str) -> Server {
    Server::postfix()
        .with(&format!("smtpd_tls_protocols = {protocols}"))
        .with(&format!("tls_medium_cipherlist = {ciphers}"))
}

#[test]
fn postfix_takes_what_two_scanners_say_it_takes() {
    compare([
        ("Postfix with TLS 1.0", postfix_with("TLSv1", "DEFAULT:@SECLEVEL=0")),
        ("Postfix with TLS 1.0 to 1.3", postfix_with(">=TLSv1", "DEFAULT:@SECLEVEL=0")),
        ("Postfix with TLS 1.2", postfix_with("TLSv1.2", "DEFAULT").showing(Certificate::GoodRsa)),
        ("Postfix with TLS 1.3", postfix_with("TLSv1.3", "DEFAULT")),
        (
            "Postfix with everything",
            postfix_with(">=TLSv1", EVERYTHING).showing(Certificate::GoodRsa),
        ),
    ]);
}

#[test]
fn exim_takes_what_two_scanners_say_it_takes() {
    let exim = Server::unlimited_exim;
    let weak = "NORMAL:+3DES-CBC:+ARCFOUR-128:+NULL:+ANON-ECDH:+ANON-DH:+VERS-ALL:%COMPAT";
    let weak = exim().showing(Certificate::GoodRsa).with(&format!("tls_require_ciphers = {weak}"));
    compare([("Exim", exim()), ("Exim with everything", weak)]);
}

#[test]
fn openssl_takes_what_two_scanners_say_it_takes() {
    let of = |server: Server, least: &str, most: &str, ciphers: &str| {
        let range = format!("MinProtocol = {least}\nMaxProtocol = {most}");
        let ciphers = format!("CipherString = {ciphers}");
        server.showing(Certificate::GoodRsa).with(&range).with(&ciphers)
    };
    let openssl = |least, most, ciphers| of(Server::openssl(), least, most, ciphers);
    let groups = ["X25519MLKEM768", "SecP256r1MLKEM768", "secp256r1", "secp384r1", "secp521r1"];
    let new = of(Server::openssl_new(), "TLSv1", "TLSv1.3", EVERYTHING);
    let full = compare([
        ("OpenSSL with TLS 1.0", openssl("TLSv1", "TLSv1", "DEFAULT:@SECLEVEL=0")),
        ("OpenSSL with TLS 1.0 to 1.3", openssl("TLSv1", "TLSv1.3", "DEFAULT:@SECLEVEL=0")),
        ("OpenSSL with TLS 1.2", openssl("TLSv1.2", "TLSv1.2", "DEFAULT")),
        ("OpenSSL with TLS 1.3", openssl("TLSv1.3", "TLSv1.3", "DEFAULT")),
        ("OpenSSL with everything", openssl("TLSv1", "TLSv1.3", EVERYTHING)),
        ("OpenSSL 3.5", new.with(&format!("Groups = {}", groups.join(":")))),
    ]);
    // sslscan knows no hybrid group, and sslyze neither. Up to TLS 1.2 the key exchange tells the group.
    let group = |one: &Value| {
        let named = one["group"].as_str().or(one["key_exchange"]["curve"]["group"].as_str());
        named.map(str::to_owned)
    };
    let found: BTreeSet<_> = choices(&full, "mx6").filter_map(group).collect();
    assert_eq!(found, BTreeSet::from(groups.map(str::to_owned)));
}

/// How long the three take over one Postfix. A measurement rather than a test of behaviour.
#[test]
#[ignore = "tests/bench/wall runs it, with a release build"]
fn wall() {
    const ROUNDS: usize = 7;
    let world = World::open([postfix_with(">=TLSv1", "DEFAULT:@SECLEVEL=0")]);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        // The scanners ask for no recipients either.
        let asked = ["--depth", "full", "--pause", "0", "--no-rcpt"];
        times[0].push(timed(|| drop(world.check_domain(DOMAIN, &asked))));
        times[1].push(timed(|| drop(sslscan(&world, "mx1", &[]))));
        let questions = ["--elliptic_curves", "--compression", "--fallback", "--reneg", "--ems"];
        times[2].push(timed(|| drop(sslyze(&world, "mx1", &questions))));
    }
    let [ours, sslscan, sslyze] = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    println!("mxparity --depth full {ours:?}, sslscan {sslscan:?}, sslyze {sslyze:?} (medians)");
    let share = ours.as_secs_f64() / sslscan.min(sslyze).as_secs_f64();
    println!("{share:.2} of the faster, at most 0.5");
    assert!(share <= 0.5, "{share}");
}

fn timed(act: impl FnOnce()) -> Duration {
    let began = Instant::now();
    act();
    began.elapsed()
}

/// Asks each server by all three, and holds the answers against each other. Hands over ours.
fn compare<const N: usize>(settings: [(&str, Server); N]) -> Report {
    let (names, servers): (Vec<_>, Vec<_>) = settings.into_iter().unzip();
    let mut world = World::open(servers);
    let plan = world.plan(&["--depth", "full"]);
    let floor = world.check(&["--depth", "floor", "--pause", "0"]);
    let full = world.check(&["--depth", "full", "--pause", "0"]);
    let mut differences = BTreeSet::new();
    for (number, name) in (1..).zip(&names) {
        let host = format!("mx{number}");
        let taken = taken(&full, &host);
        assert_connections(&world, &host, &plan, [&floor, &full], taken.len());
        let theirs = [
            (
                "sslscan",
                sslscan(&world, &host, &["--no-fallback", "--no-renegotiation", "--no-groups"]),
            ),
            ("sslyze", sslyze(&world, &host, &[])),
        ];
        for (scanner, theirs) in theirs {
            for (version, suite) in taken.symmetric_difference(&theirs) {
                let who = if theirs.contains(&(*version, *suite)) { scanner } else { "we" };
                differences.insert(format!("{name}: {scanner}: only {who} find {version} {suite}"));
            }
        }
    }
    for known in DISAGREEMENTS {
        let Some(at) = names.iter().position(|name| *name == known.server) else { continue };
        for (version, suites) in known.missed {
            for suite in *suites {
                let line =
                    format!("{}: {}: only we find {version} {suite}", known.server, known.scanner);
                assert!(differences.remove(&line), "no longer: {line} ({})", known.why);
                assert_spoken(&world, &format!("mx{}", at + 1), *version, suite);
            }
        }
    }
    assert!(differences.is_empty(), "not listed: {differences:#?}");
    full
}

/// As many connections as mxparity tells of, by the server's own count; no more questions about TLS
/// than the depths allow, and the plan foresees.
#[track_caller]
fn assert_connections(world: &World, host: &str, plan: &Value, runs: [&Report; 2], suites: usize) {
    let visits = runs.map(|report| report.visits(host));
    let [few, many] = visits.map(|visits| asking(visits.iter()).count());
    let planned = plan["visits"].as_array().expect("visits").iter();
    let planned = planned.filter(|visit| visit["host"].as_str().unwrap().starts_with(host));
    let times = asking(planned).map(|visit| match &visit["times"]["suites_and"] {
        Value::Null => 1,
        more => usize::try_from(more.as_u64().expect("a number")).unwrap(),
    });
    let beyond: usize = times.sum();
    assert_eq!(beyond, TlsVersion::ALL.len() + 6, "{host}: foreseen beside suites");
    let most = suites + beyond;
    println!("{host}: {few} questions of 6; {many} of {most}, {suites} suites");
    assert!(suites > 0, "{host} takes nothing");
    let told: usize = visits.iter().map(|visits| visits.len()).sum();
    assert_eq!(world.counted(host), told, "{host}: connections");
    assert!(few <= 6, "{host}: {few} questions");
    assert!(many <= most, "{host}: {many} questions for {suites} suites");
}

/// The visits that ask about TLS.
fn asking<'a>(visits: impl Iterator<Item = &'a Value>) -> impl Iterator<Item = &'a Value> {
    let purposes = ["floor", "other-certificate", "injection"];
    visits.filter(move |visit| purposes.iter().any(|purpose| visit["purpose"] == *purpose))
}

/// A handshake with this suite can be finished.
#[track_caller]
fn assert_spoken(world: &World, host: &str, version: TlsVersion, suite: &str) {
    let name = world.enter_tool("openssl", &["ciphers", "-convert", suite]).stdout;
    let name = String::from_utf8(name).unwrap();
    let name = name.trim().trim_start_matches("OpenSSL cipher name: ");
    let cipher = format!("{name}:@SECLEVEL=0");
    let address = format!("{}:25", world.address(host));
    let version = match version {
        Tls10 => "-tls1",
        Tls11 => "-tls1_1",
        _ => "-tls1_2",
    };
    let words =
        ["s_client", "-starttls", "smtp", "-connect", &address, version, "-cipher", &cipher];
    let said = world.enter_tool("openssl", &words);
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(text.contains(&format!("Cipher is {name}")), "{host}: {suite}: {said:?}");
}

fn taken(report: &Report, host: &str) -> Taken {
    choices(report, host).map(|choice| (read(&choice["version"]), read(&choice["suite"]))).collect()
}

/// What a host chose whenever it was asked.
fn choices<'a>(report: &'a Report, host: &str) -> impl Iterator<Item = &'a Value> {
    let answers = report.visits(host).iter().map(|visit| &visit["floor"]["answer"]["reached"]);
    answers.filter_map(|answer| answer.get("chose"))
}

/// Versions and suites; what else sslscan looks at may be added or left out.
fn sslscan(world: &World, host: &str, more: &[&str]) -> Taken {
    let address = format!("{}:25", world.address(host));
    let mut words = vec!["--starttls-smtp", "--xml=-", "--timeout=60", "--connect-timeout=60"];
    words.extend(["--no-heartbleed", "--no-cipher-details", "--no-check-certificate"]);
    words.extend(more);
    words.push(&address);
    let said = world.enter_tool("sslscan", &words);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.contains("</ssltest>"), "sslscan: {said:?}");
    let elements = text.split('<').filter(|element| element.starts_with("cipher "));
    let attribute = |element: &str, name: &str| {
        let (_, rest) = element.split_once(&format!(" {name}=\"")).expect("an attribute");
        rest.split('"').next().unwrap().to_owned()
    };
    let suite = |element: &str| {
        let number = attribute(element, "id");
        Suite(u16::from_str_radix(number.trim_start_matches("0x"), 16).expect("a number"))
    };
    elements.map(|one| (read(&Value::String(attribute(one, "sslversion"))), suite(one))).collect()
}

/// The same of sslyze, by way of Python: five seconds are all it gives a server.
fn sslyze(world: &World, host: &str, more: &[&str]) -> Taken {
    const PATIENT: &str = "from sslyze.connection_helpers import tls_connection as room\n\
         opened = room._open_socket\n\
         room._open_socket = lambda place, seconds: opened(place, 60)\n\
         from sslyze.__main__ import main\n\
         main()";
    let versions = [
        (Ssl3, "ssl_3_0", "--sslv3"),
        (Tls10, "tls_1_0", "--tlsv1"),
        (Tls11, "tls_1_1", "--tlsv1_1"),
        (Tls12, "tls_1_2", "--tlsv1_2"),
        (Tls13, "tls_1_3", "--tlsv1_3"),
    ];
    let address = format!("{}:25", world.address(host));
    let [python, unpacked] = ground::python();
    let file = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let json = format!("--json_out={}", file.path().display());
    let mut words = vec![&unpacked, "-c", PATIENT, "--starttls=smtp", &json, "--quiet", &address];
    words.push("--mozilla_config=disable");
    words.extend(more);
    words.extend(versions.map(|(.., word)| word));
    let said = world.enter_tool(&python, &words);
    let json: Value =
        serde_json::from_reader(file).unwrap_or_else(|error| panic!("sslyze: {error}: {said:?}"));
    let result = &json["server_scan_results"][0]["scan_result"];
    let mut taken = Taken::new();
    for (version, field, _) in versions {
        let of_version = &result[format!("{field}_cipher_suites")];
        let suites = of_version["result"]["accepted_cipher_suites"].as_array();
        let suites = suites.unwrap_or_else(|| {
            // The last line of what Python prints says what happened.
            let trace = of_version["error_trace"].as_str().unwrap_or_default();
            panic!("sslyze: {version}: {}", trace.lines().last().unwrap_or_default())
        });
        taken.extend(suites.iter().map(|suite| (version, read(&suite["cipher_suite"]["name"]))));
    }
    taken
}

/// A value by the name it has in a report.
fn read<T: serde::de::DeserializeOwned>(name: &Value) -> T {
    serde_json::from_value(name.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}
