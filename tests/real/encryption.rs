//! STARTTLS, versions and certificates.

use serde_json::Value;

use crate::{certificate::Certificate, host::Server, report::Report, world::World};

/// What mxparity says of a healthy Postfix with `backup` behind it, which breaks off this many
/// handshakes.
fn behind_postfix(backup: Server, broken: usize) -> Report {
    let mut world = World::open([Server::postfix(), backup]);
    let report = world.check(&[]);
    world.close(&[("mx2", broken)]);
    report
}

/// Every old version and suite that OpenSSL still has, for the hosts that show them.
const ANY_STRENGTH: &str = "tls_medium_cipherlist = ALL:@SECLEVEL=0";

#[test]
fn a_backup_without_starttls_is_found_on_two_visits() {
    let report = behind_postfix(Server::postfix().in_clear(), 0);
    report.found("backup-without-starttls", "mx2").against("mx1");
    report.verdict("works", "uneven", "high", 2);
    assert_eq!(report.visit("mx2", 2)["purpose"], "confirm");
}

#[test]
fn a_backup_that_stops_at_an_older_version_is_weaker() {
    let report = behind_postfix(Server::postfix().with("smtpd_tls_protocols = TLSv1.2"), 0);
    report.found("backup-lower-tls-version", "mx2").saw("TLSv1.2").against("mx1");
    report.verdict("works", "uneven", "medium", 1);
}

#[test]
fn a_host_that_speaks_only_obsolete_tls_is_still_asked_whom_it_takes() {
    let old = Server::postfix().with("smtpd_tls_protocols = TLSv1").with(ANY_STRENGTH);
    let report = behind_postfix(old, 2);
    report.found("only-obsolete-tls", "mx2");
    report.verdict("works", "uneven", "high", 2);
    assert_eq!(report.visit("mx2", 3)["purpose"], "clear");
}

/// Debian 12's `OpenSMTPD` offers STARTTLS and loses its key with OpenSSL 3: nobody gets in by TLS.
#[test]
fn a_server_that_breaks_every_handshake_is_still_asked_whom_it_takes() {
    let report = behind_postfix(Server::opensmtpd().showing(Certificate::GoodRsa), 2);
    report.found("starttls-broken", "mx2").saw("TLS alert 80");
    report.verdict("works", "uneven", "high", 2);
    assert_eq!(report.visit("mx2", 3)["purpose"], "clear");
}

#[test]
fn a_flawed_certificate_is_a_fact_and_the_session_goes_on() {
    for (certificate, words) in [
        (Certificate::Expired, "expired on 2021-01-01"),
        (Certificate::SelfSigned, "self-signed"),
        (Certificate::WrongName, "www.other.example"),
    ] {
        let report = behind_postfix(Server::postfix().showing(certificate), 0);
        report.found("backup-certificate-weaker", "mx2").saw(words).against("mx1");
        report.verdict("works", "uneven", "medium", 1);
    }
}

#[test]
fn a_short_key_and_an_old_signature_are_observed_and_not_failed() {
    let old = Server::postfix().showing(Certificate::Outdated).with(ANY_STRENGTH);
    let report = behind_postfix(old, 0);
    report.found("certificate-key-short", "mx2").saw("1024");
    report.found("certificate-signature-weak", "mx2").saw("SHA1");
    report.verdict("works", "uneven", "high", 2);
}

#[test]
fn exim_over_gnutls_is_as_safe_as_postfix_over_openssl() {
    for certificate in [Certificate::Good, Certificate::GoodRsa] {
        let report = behind_postfix(Server::exim().showing(certificate), 0);
        // Exim has no SMTPUTF8 by default; of TLS there is nothing to say.
        assert_eq!(report.rules_from("medium"), ["extension-missing-on-backup mx2"]);
        report.verdict("works", "uneven", "medium", 1);
    }
}

/// Exim offers STARTTLS whether or not it can read its key, and then says 454.
#[test]
fn an_exim_without_its_key_refuses_starttls_twice() {
    let keyless = Server::exim().with("MAIN_TLS_PRIVATEKEY == /etc/real/absent.key");
    let report = behind_postfix(keyless, 0);
    report.found("starttls-broken", "mx2").saw("454 TLS currently unavailable");
    assert_eq!(report.visit("mx2", 2)["purpose"], "confirm");
    assert_eq!(report.json["verdict"]["failover"], "works");
}

#[test]
fn a_host_that_wants_tls_before_mail_is_asked_inside_it() {
    let report = behind_postfix(Server::postfix().with("smtpd_tls_security_level = encrypt"), 0);
    report.verdict("works", "even", "info", 0);
}

/// What each host would take at worst, from its own choices: no more than a hello is said in TLS.
#[test]
fn the_floor_of_each_server_is_what_it_was_set_to() {
    let wide = "smtpd_tls_protocols = >=TLSv1";
    let narrow = "smtpd_tls_protocols = >=TLSv1.2";
    let mut world = World::open([
        Server::postfix().with(narrow),
        Server::postfix().with(wide).with(ANY_STRENGTH),
        Server::exim(),
    ]);
    let report = world.check(&["--depth", "floor"]);
    let oldest = |host: &str| {
        let answers = report.visits(host).iter().map(|visit| &visit["floor"]["answer"]["reached"]);
        let chosen = answers.filter_map(|answer| answer["chose"]["version"].as_str());
        chosen.min().expect("a choice").to_owned()
    };
    assert_eq!(oldest("mx1"), "TLSv1.2");
    assert_eq!(oldest("mx2"), "TLSv1.0");
    assert_eq!(oldest("mx3"), "TLSv1.0"); // GnuTLS still speaks it, and Debian's Exim lets it.
    world.close(&[]);
}

/// What the visits of the greatest depth find that no other has, at servers that are sound.
#[test]
fn sound_servers_notice_a_downgrade_and_forget_what_they_heard_in_clear() {
    let mut world = World::open([Server::postfix(), Server::unlimited_exim()]);
    let report = world.check(&["--depth", "full", "--pause", "0"]);
    for host in ["mx1", "mx2"] {
        let visits = report.visits(host).iter();
        let with = |purpose: &str| {
            let made: Vec<_> = visits.clone().filter(|visit| visit["purpose"] == purpose).collect();
            made
        };
        let injection = with("injection");
        assert_eq!(injection.len(), 1, "{host}");
        assert_eq!(injection[0]["injection"]["reached"], "dropped", "{host}");
        let asked = with("floor").into_iter().map(|visit| &visit["floor"]);
        let again: Vec<_> = asked.filter(|floor| floor["question"]["fallback"] == true).collect();
        assert_eq!(again.len(), 1, "{host}");
        // RFC 7507 §2: inappropriate_fallback.
        assert_eq!(again[0]["answer"]["reached"]["refused"]["alert"], 86, "{host}");
    }
    // By Postfix's own count: what came in clear behind STARTTLS never became a command.
    assert_eq!(world.logged("mx1", " ehlo=2 starttls=1 quit=1 commands=4", 1).len(), 1);
    world.close(&[]);
}

/// Where answers in clear tell of one certificate only, nobody is asked for another.
#[test]
fn both_certificates_of_a_host_are_seen_and_judged() {
    let both = |second| {
        Server::postfix()
            .showing(Certificate::GoodRsa)
            .also_showing(second)
            .with("smtpd_tls_eccert_file = /etc/real/second.pem")
            .with("smtpd_tls_eckey_file = /etc/real/second.key")
    };
    let newest = "smtpd_tls_protocols = >=TLSv1.3";
    let mut world = World::open([
        both(Certificate::Good),
        both(Certificate::Expired).with(newest),
        Server::unlimited_exim(),
        Server::postfix().with(newest),
    ]);
    let report = world.check(&["--depth", "full", "--pause", "0"]);
    // The last one has a certificate for ECDSA alone, which it cannot show before it is asked.
    world.close(&[("mx4", 1)]);
    for (host, want) in [
        ("mx1", Some(["EC", "RSA"])),
        ("mx2", Some(["EC", "RSA"])),
        ("mx3", None),
        ("mx4", Some(["EC", "none"])),
    ] {
        let visits = report.visits(host).iter();
        let algorithm = |handshake: &Value| {
            handshake["chain"][0]["key"]["algorithm"].as_str().map(str::to_owned)
        };
        let mut asked = visits.filter(|visit| visit["purpose"] == "other-certificate");
        let seen = asked.next().map(|visit| {
            let first = algorithm(&report.visit(host, 1)["tls"]["reached"]);
            let other = algorithm(&visit["other_certificate"]["reached"]);
            let mut all = [first, other].map(|one| one.unwrap_or_else(|| "none".to_owned()));
            all.sort_unstable();
            all
        });
        assert!(asked.next().is_none(), "{host} is asked twice");
        let want = want.map(|all| all.map(str::to_owned));
        assert_eq!(seen, want, "{host}");
    }
    report.found("backup-certificate-weaker", "mx2").saw("expired on 2021-01-01").against("mx1");
}

#[test]
fn the_oldest_and_weakest_tls_of_a_host_is_found_in_few_visits() {
    let strict = Server::postfix()
        .with("smtpd_tls_protocols = >=TLSv1.2")
        .with("tls_medium_cipherlist = ECDHE+AESGCM:ECDHE+CHACHA20");
    let lax = Server::postfix()
        .with("smtpd_tls_protocols = >=TLSv1")
        .with(ANY_STRENGTH)
        .with("tls_preempt_cipherlist = yes");
    let mut world = World::open([strict, lax]);
    let report = world.check(&["--depth", "floor"]);
    world.close(&[]);
    for (host, most) in [("mx1", 3), ("mx2", 6)] {
        let asked = report.visits(host).iter().filter(|visit| visit["purpose"] == "floor");
        assert_eq!(asked.count(), most, "{host}");
    }
    report.found("backup-lower-tls-floor", "mx2").saw("TLSv1.0").against("mx1");
    report.found("backup-weaker-ciphers", "mx2").against("mx1");
    report.found("obsolete-tls-accepted", "mx2");
    report.found("weak-cipher-accepted", "mx2");
}
