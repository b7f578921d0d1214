//! Replies that servers really send, sorted by what they are about: the classifier against `fixtures/replies`.
//!
//! A file holds the replies of one cause, each behind a line that says who answers what.

use std::{collections::BTreeMap, fmt::Write as _, fs, net::IpAddr};

use mxparity::smtp::{
    HelloName, Mailbox, Reply, ReplyReader, ReversePath,
    cause::{Cause, Context, Diagnosis, Moment, asks_to_stop, diagnose, same_words},
};

use crate::support::golden::fixture;

const CAUSES: &[Cause] = &[
    Cause::Ambiguous,
    Cause::ByDesignDefer,
    Cause::ClosedToPublic,
    Cause::DomainNotServed,
    Cause::Greylist,
    Cause::HostTemporary,
    Cause::MailboxFull,
    Cause::NetworkFamily,
    Cause::NullSender,
    Cause::OneRecipient,
    Cause::Prober,
    Cause::Rate,
    Cause::RecipientUnverified,
    Cause::Smtputf8,
    Cause::TakesNoMail,
    Cause::TlsPolicy,
    Cause::TlsUnavailable,
    Cause::UserUnknown,
];

/// Who we are in every fixture.
struct Prober {
    recipient: Mailbox,
    sender: ReversePath,
    helo: HelloName,
    ours: [IpAddr; 2],
}

/// One reply of a fixture.
struct Sample {
    cause: Cause,
    heading: String,
    moment: Moment,
    reply: Reply,
}

impl Prober {
    fn new() -> Self {
        Self {
            recipient: "info@domain.example".parse().unwrap(),
            sender: "check@sender.example".parse().unwrap(),
            helo: "probe.example".parse().unwrap(),
            ours: ["203.0.113.7", "2001:db8::7"].map(|address| address.parse().unwrap()),
        }
    }

    fn context(&self, moment: Moment) -> Context<'_> {
        let recipient = (moment == Moment::Recipient).then_some(&self.recipient);
        Context {
            moment,
            recipient,
            sender: &self.sender,
            helo: &self.helo,
            ours: &self.ours,
            theirs: &[],
        }
    }

    fn diagnose(&self, sample: &Sample) -> Diagnosis {
        diagnose(&sample.reply, &self.context(sample.moment))
    }
}

fn read(wire: &str) -> Reply {
    let wire = wire.replace('\n', "\r\n") + "\r\n";
    let reply = ReplyReader::default().push(wire.as_bytes());
    reply.expect("a reply").unwrap_or_else(|| panic!("half a reply: {wire}"))
}

/// What was asked, from `# who, what; remark`.
fn moment(heading: &str) -> Moment {
    let what =
        heading.split(", ").skip(1).find_map(|part| match part.split([' ', ';']).next()? {
            "greeting" => Some(Moment::Greeting),
            "hello" => Some(Moment::Hello),
            "starttls" => Some(Moment::StartTls),
            "mail" => Some(Moment::Sender),
            "rcpt" | "any" => Some(Moment::Recipient),
            _ => None,
        });
    what.unwrap_or_else(|| panic!("no word for what was asked: {heading}"))
}

fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for cause in CAUSES {
        let file = fixture(&format!("replies/{cause}.txt"));
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for paragraph in text.split("\n\n") {
            let (heading, wire) = paragraph.trim().split_once('\n').expect("heading and reply");
            let heading = heading.strip_prefix("# ").expect("a heading").to_owned();
            let moment = moment(&heading);
            samples.push(Sample { cause: *cause, moment, reply: read(wire), heading });
        }
    }
    samples
}

/// Whether a rule about the host could rest on this cause.
fn accuses_host(cause: Cause) -> bool {
    cause.is_about_host() || cause == Cause::NullSender
}

#[test]
fn every_reply_is_put_where_it_belongs() {
    let (prober, samples) = (Prober::new(), samples());
    assert!(samples.len() >= 300, "{} replies", samples.len());
    let mut confusion: BTreeMap<(Cause, Cause), usize> = BTreeMap::new();
    let mut wrong = String::new();
    for sample in &samples {
        let found = prober.diagnose(sample);
        *confusion.entry((sample.cause, found.cause)).or_default() += 1;
        if found.cause != sample.cause {
            let words = found.pattern.map(|pattern| pattern.words);
            writeln!(wrong, "{}: {}: {} by {words:?}", sample.heading, sample.reply, found.cause)
                .unwrap();
        }
    }
    println!("{:<22}{:<22}replies", "is about", "taken to be about");
    for ((is, taken), count) in confusion {
        println!("{:<22}{:<22}{count}", is.to_string(), taken.to_string());
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_about_the_prober_never_accuses_the_host() {
    let prober = Prober::new();
    for sample in samples().iter().filter(|sample| sample.cause.is_prober()) {
        for moment in [Moment::Greeting, Moment::Hello, Moment::Sender, Moment::Recipient] {
            let found = diagnose(&sample.reply, &prober.context(moment)).cause;
            assert!(!accuses_host(found), "{}: {} as {found}", sample.heading, sample.reply);
        }
    }
}

/// The words of a host-class reply prove nothing once our own address stands among them, but for
/// the few wordings that always repeat it.
#[test]
fn our_name_in_a_reply_takes_the_blame() {
    let prober = Prober::new();
    for sample in samples().iter().filter(|sample| accuses_host(sample.cause)) {
        for ours in [
            "[203.0.113.7]",
            "203.0.113.7:42314",
            "::ffff:203.0.113.7.",
            "[IPv6:2001:db8::7]",
            "PROBE.example:",
            "<check@sender.example>",
        ] {
            let mut reply = sample.reply.clone();
            let last = reply.lines.last_mut().unwrap();
            *last = format!("{last} {ours}").as_str().into();
            let found = diagnose(&reply, &prober.context(sample.moment));
            let echoes =
                found.pattern.is_some_and(|row| row.grip == mxparity::smtp::causes::Grip::Echo);
            let blamed = accuses_host(found.cause) && found.cause != Cause::NullSender;
            assert!(!blamed || echoes, "{reply} as {}", found.cause);
        }
    }
}

#[test]
fn nothing_said_before_rcpt_is_about_a_recipient() {
    let prober = Prober::new();
    for sample in &samples() {
        for moment in [Moment::Greeting, Moment::Hello, Moment::Sender] {
            let cause = diagnose(&sample.reply, &prober.context(moment)).cause;
            assert!(
                !matches!(cause, Cause::DomainNotServed | Cause::UserUnknown | Cause::MailboxFull),
                "{} at {moment:?} as {cause}",
                sample.reply
            );
        }
    }
}

#[test]
fn a_server_that_wants_less_of_us_is_heard() {
    for sample in &samples() {
        let stop = asks_to_stop(&sample.reply);
        let want = sample.cause == Cause::Rate || sample.reply.code == 421;
        assert_eq!(stop, want, "{}: {}", sample.heading, sample.reply);
    }
}

/// Who probes the domain of the probe's own name hears that name for the recipient's sake.
#[test]
fn a_name_shared_with_the_recipient_takes_no_blame() {
    let prober = Prober::new();
    let helo = "domain.example".parse().unwrap();
    for (moment, want) in
        [(Moment::Recipient, Cause::DomainNotServed), (Moment::Sender, Cause::Prober)]
    {
        let context = Context { helo: &helo, ..prober.context(moment) };
        let reply = read("550 5.7.1 Relaying denied for domain.example");
        assert_eq!(diagnose(&reply, &context).cause, want, "{moment:?}");
    }
}

/// Greylisting looks at sender and recipient; some servers do it by the address alone, and say so.
#[test]
fn weak_words_before_rcpt_are_no_greylisting() {
    let prober = Prober::new();
    for (moment, wire, greylisting) in [
        (Moment::Greeting, "421 4.7.0 Try again later", false),
        (Moment::Sender, "451 Try again later", false),
        (Moment::Recipient, "451 Try again later", true),
        (Moment::Greeting, "450 You are greylisted", true),
    ] {
        let cause = diagnose(&read(wire), &prober.context(moment)).cause;
        assert_eq!(cause == Cause::Greylist, greylisting, "{wire} at {moment:?} as {cause}");
    }
}

/// A machine behind an address translator does not know under which address it is seen.
#[test]
fn an_address_that_can_only_be_ours_takes_the_blame() {
    let prober = Prober::new();
    let reply = read("550 Requested action not taken: mailbox unavailable, ip=198.51.100.77");
    for (ours, theirs, want) in [
        ("203.0.113.7", "192.0.2.1", Cause::UserUnknown),
        ("10.0.0.7", "192.0.2.1", Cause::Prober),
        ("2001:db8::7", "192.0.2.1", Cause::Prober),
        ("100.64.0.7", "192.0.2.1", Cause::Prober),
        ("10.0.0.7", "198.51.100.77", Cause::UserUnknown),
    ] {
        let (ours, theirs) = ([ours.parse().unwrap()], [theirs.parse().unwrap()]);
        let context = Context { ours: &ours, theirs: &theirs, ..prober.context(Moment::Recipient) };
        assert_eq!(diagnose(&reply, &context).cause, want, "{ours:?}");
    }
}

#[test]
fn one_text_for_two_recipients_is_recognised() {
    let (prober, other) = (Prober::new(), "mxparity-7f3a@domain.example".parse().unwrap());
    let info = prober.context(Moment::Recipient);
    let nonsense = Context { recipient: Some(&other), ..info };
    for (one, two, same) in [
        (
            "550 5.1.1 <info@domain.example>: User unknown",
            "550 5.1.1 <mxparity-7f3a@domain.example>: User unknown",
            true,
        ),
        ("550 no info here", "550 no mxparity-7f3a here", true),
        ("550 5.1.1 gone 1a2b3c - gsmtp", "550 5.1.1 gone 9z8y7x - gsmtp", true),
        ("550 5.1.1 User unknown", "550 5.1.1 Mailbox disabled", false),
        ("550 5.1.1 User unknown", "550 5.2.1 User unknown", false),
        ("550 User unknown", "450 User unknown", false),
    ] {
        assert_eq!(same_words((&read(one), &info), (&read(two), &nonsense)), same, "{one}");
    }
}
