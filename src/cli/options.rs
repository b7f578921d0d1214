//! The command line as a type: what each word means and what it may be.
//!
//! Longer than most, because it is the whole command line in one place. Names are stable. Turns words
//! into values, never values into actions.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{
    ArgAction, Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    value_parser,
};
use ipnet::IpNet;

use crate::{
    config::{Limits, duration, name_server},
    forecast::Supposed,
    report::{
        Format, Plain,
        examples::{EXAMPLES, Example},
    },
    rules::{Profile, Severity},
    smtp::{DomainName, HelloName, Mailbox, ReversePath},
    survey::{Depth, asked::HandHost},
};

/// Visits every mail exchanger of a domain as a sender would, stops before any message data, and
/// says whether failover works and whether every backup is as safe and strict as the primary.
///
/// Run it on domains you are responsible for.
#[derive(Debug, Parser)]
#[command(name = "mxparity", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Words {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Probe every MX host of each domain, compare, and report
    Check(Box<Check>),
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
    /// Do the main job on a built-in fleet: no network, no set-up
    Demo(Demo),
    /// Say what changed between two stored reports; 0 nothing, 1 something, 3 cannot tell
    Diff(Diff),
    /// Print a file to begin with: alert rules for Prometheus, a dashboard for Grafana
    Example {
        #[arg(value_name = "NAME", value_parser = example())]
        example: &'static Example,
    },
    /// Say why a rule exists and how to fix what it found
    Explain {
        /// A rule's name or code, such as backup-accepts-anyone or RCPT05
        rule: String,
        #[command(flatten)]
        form: Form,
    },
    /// Judge a stored report again, by the rules of this version
    Judge(Judge),
    /// Print the manual page
    Man,
    /// List every rule
    Rules {
        #[command(flatten)]
        form: Form,
    },
    /// Print the JSON Schema of a report
    Schema,
    /// Print a systemd service and timer, and a cron line, for a check every hour
    Units(Units),
}

#[derive(Args, Debug)]
pub struct Check {
    /// Domains whose mail exchangers are probed; U-labels are understood
    #[arg(required = true, value_name = "DOMAIN")]
    pub domains: Vec<DomainName>,
    #[command(flatten)]
    pub questions: Questions,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub manners: Manners,
    /// Read settings from this file [default: mxparity.toml in the working directory, if there]
    #[arg(long, value_name = "FILE", help_heading = "What is asked")]
    pub config: Option<PathBuf>,
    /// Remember here who deferred us or wants rest, and resume from it
    #[arg(long, value_name = "FILE", help_heading = "What is asked")]
    pub state: Option<PathBuf>,
    /// While a host really is down: hold the forecast of this earlier report against what is seen now
    #[arg(
        long,
        value_name = "BEFORE.json",
        conflicts_with = "plan",
        help_heading = "What is asked"
    )]
    pub drill: Option<PathBuf>,
    /// Print the visits and commands a run would make, and make none
    #[arg(long, help_heading = "What is asked")]
    pub plan: bool,
    #[command(flatten)]
    pub stored: Stored,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "What is asked")]
pub struct Questions {
    /// A recipient the domain should take; repeatable [default: postmaster@DOMAIN]
    #[arg(long, value_name = "ADDRESS")]
    pub rcpt: Vec<Mailbox>,
    /// Ask for no recipient at all: greeting and TLS only
    #[arg(long, conflicts_with = "rcpt")]
    pub no_rcpt: bool,
    /// Do not ask for a recipient that does not exist
    #[arg(long)]
    pub no_nonsense: bool,
    /// Who the probe says it is from; <> for the null sender [default: postmaster@ the EHLO name]
    #[arg(long, value_name = "ADDRESS|<>")]
    pub mail_from: Option<ReversePath>,
    /// A host by hand, in place of the MX records; repeatable
    #[arg(long, value_name = "PREF:HOST[:PORT][@ADDRESS]")]
    pub mx: Vec<HandHost>,
    /// A host that should no longer take the domain's mail; repeatable
    #[arg(long, value_name = "HOST")]
    pub also: Vec<DomainName>,
    /// Also test whether hosts relay to this address, at a domain that is not theirs
    #[arg(long, value_name = "ADDRESS")]
    pub relay_test: Option<Mailbox>,
    /// How much is asked of each address: one session, also the oldest and weakest TLS it takes, or
    /// every version, suite and group
    #[arg(long, value_enum, default_value_t = DepthWord::Floor)]
    pub depth: DepthWord,
}

/// A report in place of visits.
#[derive(Args, Debug)]
#[command(next_help_heading = "What is asked")]
pub struct Stored {
    /// Visit nobody: judge what an earlier run stored here with --format json or jsonl
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "state"])]
    pub from_state: Option<PathBuf>,
    /// How old that may be [default: 26h]
    #[arg(long, value_name = "TIME", value_parser = patience, requires = "from_state")]
    pub max_age: Option<Duration>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Where we stand")]
pub struct Place {
    /// The name EHLO gives [default: the name our address maps to and back, else the host's]
    #[arg(long, value_name = "NAME")]
    pub helo: Option<HelloName>,
    /// The port of mail hosts [default: 25]
    #[arg(long, value_parser = value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Visit IPv4 addresses only
    #[arg(short = '4', conflicts_with = "only_v6")]
    pub only_v4: bool,
    /// Visit IPv6 addresses only
    #[arg(short = '6')]
    pub only_v6: bool,
    /// Connect from this address of ours; once for each family
    #[arg(long, value_name = "ADDRESS")]
    pub source: Vec<IpAddr>,
    /// Connect through a SOCKS5 proxy
    #[arg(long, value_name = "[USER:PASS@]HOST:PORT")]
    pub socks5: Option<String>,
    /// Ask this name server instead of the system's
    #[arg(long, value_name = "IP[:PORT]", value_parser = name_server)]
    pub resolver: Option<SocketAddr>,
    #[command(flatten)]
    pub dnssec: Dnssec,
    /// Trust the certificates in this file as well as the built-in roots
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Visit private and other special-purpose addresses too
    #[arg(long)]
    pub allow_private: bool,
    /// Visit special-purpose addresses of this network; repeatable
    #[arg(long, value_name = "CIDR")]
    pub allow_net: Vec<IpNet>,
    /// A known-good mail host: if it answers, our port 25 is open
    #[arg(long, value_name = "HOST")]
    pub control: Option<DomainName>,
}

/// By what answers of DNS are held to be genuine.
#[derive(Args, Debug)]
pub struct Dnssec {
    /// Validate DNSSEC by the DNSKEY records in this file instead of the root zone's
    #[arg(long, value_name = "FILE", conflicts_with = "trust_ad")]
    pub trust_anchor: Option<PathBuf>,
    /// Validate nothing; believe the DNSSEC verdicts of a resolver on this machine
    #[arg(long)]
    pub trust_ad: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Time (seconds, or 12s, 2m)")]
pub struct Manners {
    /// For a connection to stand [default: 30]
    #[arg(long, value_name = "TIME", value_parser = patience)]
    pub connect_timeout: Option<Duration>,
    /// For the whole greeting [default: 60]
    #[arg(long, value_name = "TIME", value_parser = patience)]
    pub greeting_timeout: Option<Duration>,
    /// For the answer to a command; RCPT gets half as much again [default: 60]
    #[arg(long, value_name = "TIME", value_parser = patience)]
    pub command_timeout: Option<Duration>,
    /// For a whole visit [default: 180]
    #[arg(long, value_name = "TIME", value_parser = patience)]
    pub total_timeout: Option<Duration>,
    /// For the whole run; what was seen until then is reported [default: none, with --format nagios 55]
    #[arg(short, long, value_name = "TIME", value_parser = patience)]
    pub timeout: Option<Duration>,
    /// How long a preference may keep the next one waiting [default: 5]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub head_start: Option<Duration>,
    /// Between two visits to one address [default: 1]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub pause: Option<Duration>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct Output {
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write the report here instead of to standard output
    #[arg(long = "output", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Hold TLS against a dated guideline as well, and grade every host under it
    #[arg(long, value_name = "NAME", value_parser = profile())]
    pub profile: Option<&'static Profile>,
    /// Show what was said, line by line
    #[arg(long)]
    pub transcript: bool,
    /// The least severity that makes the exit status non-zero [default: medium; where metrics are
    /// written to a file, no severity does]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<SeverityWord>,
    /// Also foresee this: one host down, or its TLS broken; several happen at once
    #[arg(long, value_name = "down=HOST|tls-broken=HOST")]
    pub what_if: Vec<Supposed>,
    #[command(flatten)]
    pub printing: Printing,
    /// No progress line, and nothing printed when all is well; files and monitors get their report
    #[arg(long)]
    pub quiet: bool,
}

/// The form of an answer about the program itself.
#[derive(Args, Clone, Copy, Debug)]
pub struct Form {
    #[arg(long, value_enum, default_value_t = Plain::Text)]
    pub format: Plain,
    #[command(flatten)]
    pub printing: Printing,
}

/// How words reach a terminal.
#[derive(Args, Clone, Copy, Debug)]
pub struct Printing {
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
}

#[derive(Args, Debug)]
pub struct Demo {
    /// Which built-in world; see --list
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,
    /// List the built-in worlds
    #[arg(long, action = ArgAction::SetTrue)]
    pub list: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
pub struct Judge {
    /// A report written with --format json or jsonl; - for standard input
    #[arg(value_name = "REPORT.json")]
    pub report: PathBuf,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Args, Debug)]
pub struct Diff {
    /// The earlier report, written with --format json or jsonl
    #[arg(value_name = "A.json")]
    pub before: PathBuf,
    /// The later one
    #[arg(value_name = "B.json")]
    pub after: PathBuf,
    /// Also what may differ from run to run: greetings, ciphers, serial numbers, findings
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub form: Form,
}

#[derive(Args, Debug)]
pub struct Units {
    /// The domains to check
    #[arg(value_name = "DOMAIN", default_value = "example.org")]
    pub domains: Vec<DomainName>,
    /// One of the files alone, to be redirected to where it belongs
    #[arg(long, value_enum, value_name = "FILE")]
    pub only: Option<Unit>,
}

/// The files of a schedule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Unit {
    Service,
    Timer,
    Cron,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum DepthWord {
    Session,
    Floor,
    Full,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SeverityWord {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<DepthWord> for Depth {
    fn from(word: DepthWord) -> Self {
        match word {
            DepthWord::Session => Self::Session,
            DepthWord::Floor => Self::Floor,
            DepthWord::Full => Self::Full,
        }
    }
}

impl From<SeverityWord> for Severity {
    fn from(word: SeverityWord) -> Self {
        match word {
            SeverityWord::Info => Self::Info,
            SeverityWord::Low => Self::Low,
            SeverityWord::Medium => Self::Medium,
            SeverityWord::High => Self::High,
            SeverityWord::Critical => Self::Critical,
        }
    }
}

impl Output {
    /// The least severity that counts.
    pub fn bar(&self) -> Severity {
        self.fail_on.unwrap_or(SeverityWord::Medium).into()
    }
}

impl Manners {
    /// What was said, and the usual where nothing was.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            connect: self.connect_timeout.unwrap_or(usual.connect),
            greeting: self.greeting_timeout.unwrap_or(usual.greeting),
            command: self.command_timeout.unwrap_or(usual.command),
            visit: self.total_timeout.unwrap_or(usual.visit),
            head_start: self.head_start.unwrap_or(usual.head_start),
            pause: self.pause.unwrap_or(usual.pause),
        }
    }
}

/// One of the guidelines by its name.
fn profile() -> impl TypedValueParser<Value = &'static Profile> {
    let known = |name: String| Profile::find(&name).ok_or("no such guideline");
    PossibleValuesParser::new(Profile::names()).try_map(known)
}

/// One of the example files by its name.
fn example() -> impl TypedValueParser<Value = &'static Example> {
    let known =
        EXAMPLES.iter().map(|example| PossibleValue::new(example.name).help(example.summary));
    let find =
        |name: String| EXAMPLES.iter().find(|example| example.name == name).ok_or("no such file");
    PossibleValuesParser::new(known).try_map(find)
}

/// A time to wait for something; in none, nothing would ever come.
fn patience(word: &str) -> Result<Duration, String> {
    let patience = duration(word)?;
    if patience.is_zero() { Err("give more than no time".to_owned()) } else { Ok(patience) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config;

    #[test]
    fn the_definition_is_sound() {
        Words::command().debug_assert();
    }

    #[test]
    fn the_help_names_the_defaults_of_the_settings() {
        let usual = Limits::default();
        let mut command = Words::command();
        let check = command.find_subcommand_mut("check").unwrap();
        for (option, default) in [
            ("connect_timeout", usual.connect.as_secs()),
            ("greeting_timeout", usual.greeting.as_secs()),
            ("command_timeout", usual.command.as_secs()),
            ("total_timeout", usual.visit.as_secs()),
            ("head_start", usual.head_start.as_secs()),
            ("pause", usual.pause.as_secs()),
            ("port", config::PORT.into()),
        ] {
            let option = check.get_arguments().find(|found| found.get_id() == option).unwrap();
            let help = option.get_help().unwrap().to_string();
            assert!(help.ends_with(&format!("[default: {default}]")), "{help}");
        }
    }
}
