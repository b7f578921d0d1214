//! The scenes: what each domain's hosts are like as a rule, what befalls them, and whose word in the
//! forecast that is to bear out.
//!
//! Knows nothing of senders.

/// What a host does, beside what a sound one does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// Swallows every packet.
    Absent,
    /// Replies by command word, for `sink`.
    Plays(&'static [(&'static str, &'static str)]),
    /// Has nobody at its port.
    Refuses,
}

use Part::{Absent, Plays, Refuses};

pub const SOUND: Part = Plays(&[]);
const CLEAR: Part = Plays(&[("EHLO", "250-sink.example\r\n250 8BITMIME")]);
const DEFERS: Part = Plays(&[("RCPT", "451 4.3.0 Temporary lookup failure")]);
const UNKNOWN: Part = Plays(&[("RCPT", "550 5.1.1 User unknown")]);
const NO_RELAY: Part = Plays(&[("RCPT", "554 5.7.1 Relay access denied")]);
const GREETS_451: Part = Plays(&[("greeting", "451 4.3.0 Temporary system failure")]);
const GREETS_554: Part = Plays(&[("greeting", "554 No SMTP service here")]);
const NO_HELLO: Part = Plays(&[
    ("EHLO", "521 5.3.2 does not accept mail"),
    ("HELO", "521 5.3.2 does not accept mail"),
]);
const TLS_LATER: Part = Plays(&[("STARTTLS", "454 4.7.0 not now")]);
const NO_TLS: Part = Plays(&[("STARTTLS", "554 5.7.0 no")]);
const TLS_CLOSES: Part = Plays(&[("STARTTLS", "close")]);
const EXPIRED: Part = Plays(&[("tls", "expired")]);
const SELF_SIGNED: Part = Plays(&[("tls", "self-signed")]);
const WRONG_NAME: Part = Plays(&[("tls", "wrong-name")]);
/// For the name of this host alone.
const OWN_NAME: Part = Plays(&[("tls", "own-name")]);
const ALERT: Part = Plays(&[("tls", "alert")]);
const JUNK: Part = Plays(&[("tls", "junk")]);
const NOTHING: Part = Plays(&[("tls", "nothing")]);

/// What a host has in DNS about its certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tlsa {
    None,
    /// That of the certificate of sound hosts.
    Own,
    /// That of another.
    Other,
    /// One that cannot be used for mail: usage 1.
    Unusable,
    /// In a zone whose signatures have expired.
    Bogus,
    /// In a zone that no server can load.
    Failing,
}

/// A host.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    pub preference: u16,
    pub usually: Part,
    pub then: Part,
    pub tlsa: Tlsa,
    pub ipv4: usize,
    pub ipv6: usize,
}

/// What DNS says of the domain itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dns {
    /// Its hosts.
    Mx,
    /// No host, and the address of one at its own name.
    Implicit,
    /// Neither.
    Nothing,
    /// There is no such name.
    NoName,
    /// Signatures that have expired.
    Bogus,
    /// No server can load the zone.
    Failing,
    /// A null MX with this preference, beside the hosts.
    Null(u16),
    /// A host of this preference without an address, beside the others.
    Lost(u16),
    /// Its hosts, in a zone that is not signed.
    Unsigned,
}

/// Which rows of the forecast are to be borne out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// `today` of the hosts as they are then.
    Today,
    /// This scenario of the hosts as they usually are.
    Before(&'static str),
    /// What an operator supposes (`down`, `tls-broken`) of hosts by their number, likewise.
    Supposing(&'static [(&'static str, usize)]),
}

/// A domain of its own.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    pub name: &'static str,
    pub told: Told,
    pub dns: Dns,
    pub hosts: &'static [Host],
    /// The hosts that an MTA-STS policy names, where there is one, by number.
    pub policy: &'static [usize],
}

/// One that is like this all the time.
const fn mx(preference: u16, part: Part) -> Host {
    Host { preference, usually: part, then: part, tlsa: Tlsa::None, ipv4: 1, ipv6: 0 }
}

impl Host {
    /// One that usually is sound.
    const fn falls(self) -> Self {
        Self { usually: SOUND, ..self }
    }

    const fn tlsa(self, tlsa: Tlsa) -> Self {
        Self { tlsa, ..self }
    }

    /// At so many addresses of each family.
    const fn at(self, ipv4: usize, ipv6: usize) -> Self {
        Self { ipv4, ipv6, ..self }
    }
}

const fn scene(name: &'static str, told: Told, hosts: &'static [Host]) -> Scene {
    Scene { name, told, dns: Dns::Mx, hosts, policy: &[] }
}

impl Scene {
    pub fn domain(&self) -> String {
        format!("{}.example", self.name)
    }

    /// The domain and its MTA-STS policy.
    pub fn mta_sts(&self) -> Option<(String, String)> {
        let hosts = self.policy.iter().map(|number| format!("mx: {}\r\n", self.host(*number)));
        let hosts: String = hosts.collect();
        let policy = format!("version: STSv1\r\nmode: enforce\r\n{hosts}max_age: 604800\r\n");
        (!hosts.is_empty()).then(|| (self.domain(), policy))
    }

    pub fn host(&self, number: usize) -> String {
        format!("{}-{number}.hosts.example", self.name)
    }

    /// The scenario of the forecast that it is about, besides what is today.
    pub fn scenario(&self) -> Option<String> {
        match self.told {
            Told::Today => None,
            Told::Before(scenario) => Some(scenario.to_owned()),
            Told::Supposing(_) => Some(self.supposed().join("+")),
        }
    }

    /// What is supposed, as the command line and the forecast say it.
    pub fn supposed(&self) -> Vec<String> {
        let Told::Supposing(all) = self.told else { return Vec::new() };
        all.iter().map(|(what, number)| format!("{what}={}", self.host(*number))).collect()
    }

    const fn with(self, dns: Dns) -> Self {
        Self { dns, ..self }
    }

    /// Under a policy that is enforced.
    const fn sts(self, policy: &'static [usize]) -> Self {
        Self { policy, ..self }
    }
}

const A: Host = mx(10, SOUND);
const B: Host = mx(20, SOUND);
const BREAKS: Host = mx(10, ALERT).falls();
const GONE: Host = mx(10, Refuses).falls();
const PUT_OFF: Host = mx(10, DEFERS).falls();
const DOWN: Told = Told::Before("primary-down");
const REFUSED: Told = Told::Before("primary-refuses-connection");
const DEFERRED: Told = Told::Before("primary-defers");
const BROKEN: Told = Told::Before("primary-tls-broken");
const TODAY: Told = Told::Today;

use Tlsa::{Bogus, Failing, Other, Own, Unusable};

/// Everything that is put to the senders.
pub const SCENES: &[Scene] = &[
    scene("sound", TODAY, &[A, B]),
    // A primary that is lost, and what its backup is like.
    scene("absent", DOWN, &[mx(10, Absent).falls(), B]),
    scene("refused", REFUSED, &[GONE, B]),
    scene("down-relay", DOWN, &[mx(10, Absent).falls(), mx(20, NO_RELAY)]),
    scene("refused-relay", REFUSED, &[GONE, mx(20, NO_RELAY)]),
    scene("refused-defers", REFUSED, &[GONE, mx(20, DEFERS)]),
    scene("refused-clear", REFUSED, &[GONE, mx(20, CLEAR)]),
    scene("refused-expired", REFUSED, &[GONE, mx(20, EXPIRED)]),
    scene("refused-self", REFUSED, &[GONE, mx(20, SELF_SIGNED)]),
    scene("refused-name", REFUSED, &[GONE, mx(20, WRONG_NAME)]),
    scene("refused-alert", REFUSED, &[GONE, mx(20, ALERT)]),
    scene("refused-alone", REFUSED, &[GONE]),
    scene("refused-twice", REFUSED, &[GONE, GONE, B]),
    scene(
        "middle",
        Told::Supposing(&[("down", 2)]),
        &[mx(10, DEFERS), mx(20, Refuses).falls(), mx(30, SOUND)],
    ),
    scene("four-ahead", REFUSED, &[GONE.at(4, 0), B]),
    scene("five-ahead", REFUSED, &[GONE.at(5, 0), B]),
    scene("six-ahead", REFUSED, &[GONE.at(6, 0), B]),
    scene("families", TODAY, &[A.at(1, 1), B.at(1, 1)]),
    scene("families-refused", REFUSED, &[GONE.at(1, 1), B.at(1, 1)]),
    scene("families-four", REFUSED, &[GONE.at(2, 2), B]),
    scene("families-six", REFUSED, &[GONE.at(3, 3), B]),
    scene("families-uneven", REFUSED, &[GONE.at(1, 4), B]),
    scene("six-hosts", REFUSED, &[GONE, GONE, GONE, GONE, GONE, GONE, B]),
    scene(
        "six-preferences",
        TODAY,
        &[
            mx(1, Refuses),
            mx(2, Refuses),
            mx(3, Refuses),
            mx(4, Refuses),
            mx(5, Refuses),
            mx(6, Refuses),
            B,
        ],
    ),
    scene("refused-dane", REFUSED, &[GONE.tlsa(Own), B.tlsa(Own)]),
    scene("refused-mismatch", REFUSED, &[GONE.tlsa(Own), B.tlsa(Other)]),
    scene("refused-undane", REFUSED, &[GONE.tlsa(Own), B]),
    scene("refused-undane-clear", REFUSED, &[GONE.tlsa(Own), mx(20, CLEAR)]),
    scene("refused-dane-clear", REFUSED, &[GONE.tlsa(Own), mx(20, CLEAR).tlsa(Own)]),
    // A primary that takes nothing now.
    scene("defers", DEFERRED, &[PUT_OFF, B]),
    scene("defer-both", DEFERRED, &[PUT_OFF, mx(20, DEFERS)]),
    scene("two-sessions", DEFERRED, &[PUT_OFF, PUT_OFF, B]),
    scene("three-sessions", DEFERRED, &[PUT_OFF, PUT_OFF, PUT_OFF, B]),
    // A primary whose handshake breaks.
    scene("alert", BROKEN, &[BREAKS, B]),
    scene("junk", BROKEN, &[mx(10, JUNK).falls(), B]),
    scene("cut", BROKEN, &[mx(10, NOTHING).falls(), B]),
    scene("alert-alone", BROKEN, &[BREAKS]),
    scene("alert-twice", BROKEN, &[BREAKS, BREAKS, B]),
    scene("alert-defers", BROKEN, &[BREAKS, mx(20, DEFERS)]),
    scene("alert-relay", BROKEN, &[BREAKS, mx(20, NO_RELAY)]),
    scene("alert-dane", BROKEN, &[BREAKS.tlsa(Own), B.tlsa(Own)]),
    scene("alert-mismatch", BROKEN, &[BREAKS.tlsa(Own), B.tlsa(Other)]),
    // Peers.
    scene("peers", TODAY, &[A, A]),
    scene("peer-down", Told::Supposing(&[("down", 1)]), &[GONE, A]),
    scene("peer-unknown", TODAY, &[mx(10, UNKNOWN), A]),
    scene("peer-clear", TODAY, &[mx(10, CLEAR), A]),
    scene("peer-alert", Told::Supposing(&[("tls-broken", 1)]), &[BREAKS, A]),
    scene(
        "down-then-alert",
        Told::Supposing(&[("down", 1), ("tls-broken", 2)]),
        &[GONE, mx(20, ALERT).falls(), mx(30, SOUND)],
    ),
    // What a primary can answer otherwise.
    scene("greets-451", TODAY, &[mx(10, GREETS_451), B]),
    scene(
        "greets-421",
        TODAY,
        &[mx(10, Plays(&[("greeting", "421 4.3.2 All server ports are busy")])), B],
    ),
    scene("greets-554", TODAY, &[mx(10, GREETS_554), B]),
    scene("greets-554-refused", TODAY, &[mx(10, GREETS_554), mx(20, Refuses)]),
    scene("refused-greets-554", TODAY, &[mx(10, Refuses), mx(20, GREETS_554)]),
    scene(
        "greets-451-defers",
        TODAY,
        &[mx(10, GREETS_451), mx(10, GREETS_451), mx(20, DEFERS), mx(30, SOUND)],
    ),
    scene("alert-two-defer", TODAY, &[mx(10, ALERT), mx(20, DEFERS), mx(30, SOUND)]),
    scene("greets-554-both", TODAY, &[mx(10, GREETS_554), mx(20, GREETS_554)]),
    scene("closes", TODAY, &[mx(10, Plays(&[("greeting", "close")])), B]),
    scene("closes-later", TODAY, &[mx(10, Plays(&[("EHLO", "close")])), B]),
    scene(
        "ehlo-4",
        TODAY,
        &[
            mx(
                10,
                Plays(&[
                    ("EHLO", "451 4.3.0 Temporary system failure"),
                    ("HELO", "451 4.3.0 Temporary system failure"),
                ]),
            ),
            B,
        ],
    ),
    scene(
        "ehlo-421",
        TODAY,
        &[
            mx(
                10,
                Plays(&[
                    ("EHLO", "421 Service not available"),
                    ("HELO", "421 Service not available"),
                ]),
            ),
            B,
        ],
    ),
    scene("ehlo-5", TODAY, &[mx(10, NO_HELLO), B]),
    scene("ehlo-5-both", TODAY, &[mx(10, NO_HELLO), mx(20, NO_HELLO)]),
    scene("helo-only", TODAY, &[mx(10, Plays(&[("EHLO", "502 5.5.1 what")])), B]),
    scene(
        "mail-4",
        TODAY,
        &[mx(10, Plays(&[("MAIL", "452 4.4.5 Insufficient disk space; try again later")])), B],
    ),
    scene("mail-5", TODAY, &[mx(10, Plays(&[("MAIL", "550 5.1.8 no")])), B]),
    scene("mail-556", TODAY, &[mx(10, Plays(&[("MAIL", "556 5.3.2 does not accept mail")])), B]),
    scene("unknown", TODAY, &[mx(10, UNKNOWN), B]),
    scene("no-relay", TODAY, &[mx(10, NO_RELAY), B]),
    scene("rcpt-552", TODAY, &[mx(10, Plays(&[("RCPT", "552 5.2.2 mailbox full")])), B]),
    scene("rcpt-421", TODAY, &[mx(10, Plays(&[("RCPT", "421 Temporary failure")])), B]),
    scene("clear", TODAY, &[mx(10, CLEAR), B]),
    scene("starttls-4", TODAY, &[mx(10, TLS_LATER), B]),
    scene("starttls-5", TODAY, &[mx(10, NO_TLS), B]),
    scene("starttls-4-alone", TODAY, &[mx(10, TLS_LATER)]),
    scene("starttls-5-alone", TODAY, &[mx(10, NO_TLS)]),
    scene("starttls-close", TODAY, &[mx(10, TLS_CLOSES), B]),
    scene("starttls-close-alone", TODAY, &[mx(10, TLS_CLOSES)]),
    scene("alert-both", TODAY, &[mx(10, ALERT), mx(20, ALERT)]),
    scene("expired", TODAY, &[mx(10, EXPIRED), B]),
    scene("self-signed", TODAY, &[mx(10, SELF_SIGNED), B]),
    scene("wrong-name", TODAY, &[mx(10, WRONG_NAME), B]),
    // DANE.
    scene("dane", TODAY, &[A.tlsa(Own), B.tlsa(Own)]),
    scene("mismatch", TODAY, &[A.tlsa(Other), B.tlsa(Own)]),
    scene("mismatch-undane", TODAY, &[A.tlsa(Other), B]),
    scene("mismatch-both", TODAY, &[A.tlsa(Other), B.tlsa(Other)]),
    scene("dane-expired", TODAY, &[mx(10, EXPIRED).tlsa(Own), B]),
    scene("dane-clear", TODAY, &[mx(10, CLEAR).tlsa(Own), B.tlsa(Own)]),
    scene("dane-starttls-4", TODAY, &[mx(10, TLS_LATER).tlsa(Own), B]),
    scene("dane-starttls-5", TODAY, &[mx(10, NO_TLS).tlsa(Own), B]),
    scene("unusable", TODAY, &[A.tlsa(Unusable), B]),
    scene("unusable-clear", TODAY, &[mx(10, CLEAR).tlsa(Unusable), B]),
    scene("tlsa-bogus", TODAY, &[A.tlsa(Bogus), B]),
    scene("tlsa-bogus-both", TODAY, &[A.tlsa(Bogus), B.tlsa(Bogus)]),
    scene("tlsa-failing", TODAY, &[A.tlsa(Failing), B]),
    scene("unsigned", TODAY, &[A.tlsa(Own), B.tlsa(Own)]).with(Dns::Unsigned),
    scene("unsigned-mismatch", TODAY, &[A.tlsa(Other), B.tlsa(Own)]).with(Dns::Unsigned),
    // MTA-STS.
    scene("sts", TODAY, &[A, B]).sts(&[1, 2]),
    scene("sts-refused", REFUSED, &[GONE, B]).sts(&[1, 2]),
    scene("sts-refused-expired", REFUSED, &[GONE, mx(20, EXPIRED)]).sts(&[1, 2]),
    scene("sts-refused-clear", REFUSED, &[GONE, mx(20, CLEAR)]).sts(&[1, 2]),
    scene("sts-refused-foreign", REFUSED, &[GONE, mx(20, OWN_NAME)]).sts(&[1]),
    scene("sts-defers", DEFERRED, &[PUT_OFF, B]).sts(&[1, 2]),
    scene("sts-alert", BROKEN, &[BREAKS, B]).sts(&[1, 2]),
    scene("sts-alert-alone", BROKEN, &[BREAKS]).sts(&[1]),
    scene("sts-self-signed", TODAY, &[mx(10, SELF_SIGNED), B]).sts(&[1, 2]),
    scene("sts-clear", TODAY, &[mx(10, CLEAR), B]).sts(&[1, 2]),
    scene("sts-starttls-4", TODAY, &[mx(10, TLS_LATER), B]).sts(&[1, 2]),
    scene("sts-foreign", TODAY, &[mx(10, OWN_NAME), B]).sts(&[2]),
    // What DNS can say.
    scene("null-first", TODAY, &[A]).with(Dns::Null(0)),
    scene("null-last", TODAY, &[A]).with(Dns::Null(20)),
    scene("null-alone", TODAY, &[]).with(Dns::Null(0)),
    scene("null-alone-ten", TODAY, &[]).with(Dns::Null(10)),
    scene("mx-bogus", TODAY, &[A]).with(Dns::Bogus),
    scene("mx-failing", TODAY, &[A]).with(Dns::Failing),
    scene("implicit", TODAY, &[mx(0, SOUND)]).with(Dns::Implicit),
    scene("nothing", TODAY, &[]).with(Dns::Nothing),
    scene("no-name", TODAY, &[]).with(Dns::NoName),
    scene("lost", TODAY, &[B]).with(Dns::Lost(10)),
    scene("lost-alone", TODAY, &[]).with(Dns::Lost(10)),
];
