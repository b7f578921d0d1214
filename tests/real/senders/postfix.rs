//! Postfix as a sender: Debian's, with its defaults for every limit, at several levels of security.
//!
//! Each level sends from a transport of its own, and each once more for messages that have waited: there
//! a message counts as old, which matters to Postfix, after a second and not after minutes.

use std::{collections::BTreeMap, fmt::Write, fs, net::IpAddr, path::Path, time::Instant};

use super::{Attempt, Deed, Outcome, Privacy, SCENES, Scene, Truth, bracketed};
use crate::{
    host::Place,
    postfix::MASTER,
    world::{
        World,
        mailing::{LIMIT, Shell},
        nap,
    },
};

pub struct Sender {
    place: Place,
    shell: Shell,
}

/// The models that it stands for, each with the settings of its transport. To the last one policies are
/// given as a resolver of MTA-STS would give them.
const LEVELS: [(&str, &str); 3] = [
    ("postfix", "-o smtp_tls_security_level=may"),
    ("postfix-dane", "-o smtp_tls_security_level=dane -o smtp_dns_support_level=dnssec"),
    (STS, "-o smtp_tls_security_level=may -o smtp_tls_policy_maps=texthash:/etc/postfix/policies"),
];

const STS: &str = "sts-sender";

const MAIN: &str = "\
compatibility_level = 3.6
maillog_file = /var/log/mail.log
myhostname = sender.example
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
smtp_tls_CAfile = /etc/anchor.pem
smtp_tls_loglevel = 1
smtp_connect_timeout = 5s
queue_run_delay = 1h
transport_maps = regexp:/etc/postfix/transport
";

impl Sender {
    pub fn start(world: &World, anchor: &Path) -> Self {
        let place = world.sender("postfix.example");
        let mut policies = String::new();
        for scene in scenes(STS) {
            let hosts: Vec<String> = scene.policy.iter().map(|one| scene.host(*one)).collect();
            writeln!(policies, "{} secure match={}", scene.domain(), hosts.join(":")).unwrap();
        }
        let mut transports = String::new();
        let mut master = format!("pickup unix n - n 60 1 pickup\n{MASTER}");
        for (sender, settings) in LEVELS {
            for (later, age) in [(false, ""), (true, " -o minimal_backoff_time=1s")] {
                let name = name(sender, later);
                writeln!(transports, "/^{name}@/ {name}:").unwrap();
                writeln!(master, "{name} unix - - n - - smtp {settings}{age}").unwrap();
            }
        }
        place.write("/etc/anchor.pem", &fs::read_to_string(anchor).unwrap());
        place.write("/etc/postfix/main.cf", MAIN);
        place.write("/etc/postfix/master.cf", &master);
        place.write("/etc/postfix/policies", &policies);
        place.write("/etc/postfix/transport", &transports);
        let mut shell = world.open_shell(&place);
        shell.run("chown postfix /var/lib/postfix && postfix start >/dev/null 2>&1");
        Self { place, shell }
    }

    /// Hands over, at each level, a message to the domain of every scene.
    pub fn send(&mut self, later: bool) {
        let mut words = String::new();
        for (sender, _) in LEVELS {
            let to = scenes(sender).map(|scene| recipient(sender, later, scene) + " ");
            let to: String = to.collect();
            let message = "printf 'Subject: test\\n\\ntest\\n'";
            writeln!(words, "{message} | sendmail -i -f '' {to}").unwrap();
        }
        self.shell.run(&words);
    }

    /// Has it send again what was put off.
    pub fn again(&mut self) {
        self.shell.run("postqueue -f");
    }

    /// Waits until every message had this many attempts, or needs no more.
    #[track_caller]
    pub fn wait(&self, later: bool, attempts: usize) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let log = self.place.logged("mail.log");
            let ends = Ends::of(&log);
            let waits = |sender: &str, scene: &Scene| {
                let to = recipient(sender, later, scene);
                let ends = ends.0.get(&to).map_or(&[][..], Vec::as_slice);
                let over = ends.last().is_some_and(|(_, end)| !end.contains(" status=deferred "));
                !over && ends.len() < attempts
            };
            let all =
                LEVELS.iter().flat_map(|(sender, _)| scenes(sender).map(|one| (*sender, one)));
            let Some((sender, scene)) = all.into_iter().find(|(sender, one)| waits(sender, one))
            else {
                return;
            };
            assert!(Instant::now() < deadline, "{sender} waits at {}: {log}", scene.name);
            nap();
        }
    }

    /// What it did at the last attempts, by scene.
    pub fn truth(&self) -> Truth {
        let log = self.place.logged("mail.log");
        let lines: Vec<&str> = log.lines().collect();
        let ends = Ends::of(&log);
        let mut truth = Truth::new();
        for (sender, _) in LEVELS {
            for scene in scenes(sender) {
                let [first, later] = [false, true].map(|later| {
                    let ends = &ends.0[&recipient(sender, later, scene)];
                    attempt(&lines, ends.last().expect("an end").0)
                });
                truth.entry(scene.name).or_default().push(Deed { sender, first, later });
            }
        }
        truth
    }
}

/// The scenes that are for this model.
fn scenes(sender: &str) -> impl Iterator<Item = &'static Scene> {
    SCENES.iter().filter(move |scene| sender != STS || !scene.policy.is_empty())
}

/// The name of the transport, and of the recipients that are sent to by it.
fn name(sender: &str, later: bool) -> String {
    format!("{}-{sender}", if later { "later" } else { "first" })
}

fn recipient(sender: &str, later: bool, scene: &Scene) -> String {
    format!("{}@{}", name(sender, later), scene.domain())
}

/// The lines that end attempts, and where they are in the log, by recipient.
struct Ends<'a>(BTreeMap<String, Vec<(usize, &'a str)>>);

impl<'a> Ends<'a> {
    fn of(log: &'a str) -> Self {
        let mut ends = BTreeMap::<String, Vec<_>>::new();
        for (at, line) in log.lines().enumerate().filter(|(_, line)| line.contains(" status=")) {
            let to = line.split_once(" to=<").and_then(|(_, rest)| rest.split_once('>'));
            ends.entry(to.expect("a recipient").0.to_owned()).or_default().push((at, line));
        }
        Self(ends)
    }
}

/// `Nov 28 02:00:00 sender postfix/smtp[123]: words`: who says it, and what.
fn said(line: &str) -> (&str, &str) {
    line.split_once("]: ").unwrap_or_default()
}

fn process(line: &str) -> &str {
    said(line).0.rsplit(' ').next().unwrap_or_default()
}

/// The attempt that ends in line `end`: a process has one at a time.
fn attempt(lines: &[&str], end: usize) -> Attempt {
    let same = |line: &&&str| process(line) == process(lines[end]);
    let before = lines[..end].iter().rev().filter(same).map(|line| said(line).1);
    let mut words: Vec<&str> = before.take_while(|words| !words.contains(" status=")).collect();
    words.reverse();
    words.push(said(lines[end]).1);
    let last = words[words.len() - 1];
    let (_, status) = last.split_once(" status=").expect("a status");
    let outcome = match status.split(' ').next() {
        Some("sent") => Outcome::Delivered,
        Some("bounced") => Outcome::Bounced,
        Some("deferred") => Outcome::Deferred,
        other => panic!("{other:?}: {last}"),
    };
    let mut tried: Vec<IpAddr> = words.iter().filter_map(|words| bracketed(words)).collect();
    tried.dedup();
    // `Verified TLS connection established to host[address]:25: ...`
    let tls = words.iter().rev().find_map(|words| {
        let (level, to) = words.split_once(" TLS connection established to ")?;
        (bracketed(to) == tried.last().copied()).then_some(level)
    });
    let privacy = match tls {
        None => Privacy::Clear,
        Some("Verified") => Privacy::Verified,
        Some(_) => Privacy::Encrypted,
    };
    Attempt { outcome, privacy, tried, words: words.join(" | ") }
}
