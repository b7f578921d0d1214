//! The settings file: who we are, what a run does unless told otherwise, and what each domain's
//! owner expects of it.
//!
//! TOML, with the names of the command line's options as keys. A fault names the line and, for a
//! misspelt key, the nearest valid one. Opens no file and decides no precedence: `cli` does.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};
use toml::{Spanned, value::Datetime};

use crate::{
    smtp::{DomainName, HelloName, Mailbox, ReversePath},
    survey::asked::{Expectation, Expected, Waiver},
};

/// A whole settings file; everything in it may be left out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    pub identity: Identity,
    pub defaults: Defaults,
    /// What is said of single domains.
    pub domain: BTreeMap<DomainName, DomainSettings>,
}

/// Who the probe says it is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    pub helo: Option<HelloName>,
    pub mail_from: Option<ReversePath>,
    /// Makes the recipient that does not exist hard to guess for others; any text.
    pub secret: Option<String>,
}

/// Options of `check` for every domain.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Defaults {
    #[serde(deserialize_with = "address_of_server")]
    pub resolver: Option<SocketAddr>,
    pub control: Option<DomainName>,
    pub source: Vec<IpAddr>,
    pub socks5: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub trust_anchor: Option<PathBuf>,
    pub trust_ad: bool,
    pub state: Option<PathBuf>,
    pub port: Option<NonZeroU16>,
    pub allow_private: bool,
    pub allow_net: Vec<IpNet>,
    pub no_nonsense: bool,
    /// A TLS guideline by its name; whether there is one is for who knows them.
    pub profile: Option<Spanned<String>>,
    #[serde(deserialize_with = "time")]
    pub connect_timeout: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub greeting_timeout: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub command_timeout: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub total_timeout: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub head_start: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub pause: Option<Duration>,
}

/// What is asked of one domain and what its owner expects.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DomainSettings {
    /// Recipients that must be taken.
    pub rcpt: Vec<Mailbox>,
    pub no_nonsense: bool,
    pub profile: Option<Spanned<String>>,
    /// Hosts that should no longer take the domain's mail.
    pub also: Vec<DomainName>,
    /// All hosts the MX set should have; empty expects nothing.
    pub hosts: Vec<DomainName>,
    /// What single hosts should do with mail.
    pub expect: BTreeMap<DomainName, Expectation>,
    /// Findings that are known and borne for a while.
    pub waive: Vec<WaiverSettings>,
}

/// A waiver as written; whether there is such a rule is for who knows the catalogue.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct WaiverSettings {
    pub rule: Spanned<String>,
    pub host: Option<DomainName>,
    #[serde(deserialize_with = "words")]
    pub reason: String,
    #[serde(default, deserialize_with = "date")]
    pub until: Option<Date>,
}

/// Why a settings file cannot be used, with its line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingsFault {
    /// Counted from 1; `None` where the fault is not in one place.
    pub line: Option<usize>,
    pub what: String,
}

impl Settings {
    /// Reads a whole file.
    pub fn parse(text: &str) -> Result<Self, SettingsFault> {
        toml::from_str(text).map_err(|error| {
            let what = mended(error.message());
            match error.span() {
                Some(span) => SettingsFault::at(text, span.start, what),
                None => SettingsFault { line: None, what },
            }
        })
    }
}

impl DomainSettings {
    /// What a run is told to expect; `rule` gives the name in the catalogue of what a waiver names.
    pub fn expected(&self, rule: impl Fn(&str) -> String) -> Expected {
        let waiver = |written: &WaiverSettings| Waiver {
            rule: rule(written.rule.get_ref()),
            host: written.host.clone(),
            reason: written.reason.clone(),
            until: written.until,
        };
        Expected {
            hosts: self.hosts.clone(),
            states: self.expect.clone(),
            waivers: self.waive.iter().map(waiver).collect(),
        }
    }
}

impl SettingsFault {
    /// A fault in the line that holds the octet at `offset`.
    pub fn at(text: &str, offset: usize, what: String) -> Self {
        let breaks = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        Self { line: Some(1 + breaks), what }
    }
}

/// Words less alike than this are no misspelling of each other.
const ALIKE: f64 = 0.75;

/// A fault of the parser in one line; a misspelt word comes with the nearest valid one, a word that is
/// like none of them with all.
fn mended(message: &str) -> String {
    let line = message.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    // Serde puts the unknown word first and the valid ones behind it, each between backticks.
    let mut quoted = line.split('`').skip(1).step_by(2);
    let unknown = line.starts_with("unknown field") || line.starts_with("unknown variant");
    let (true, Some(word)) = (unknown, quoted.next()) else { return line };
    let kind = if line.starts_with("unknown field") { "key" } else { "word" };
    let known: Vec<&str> = quoted.collect();
    let closeness = |known: &str| strsim::jaro_winkler(word, known);
    let near = known.iter().max_by(|one, other| closeness(one).total_cmp(&closeness(other)));
    match near {
        None => format!("unknown {kind} `{word}`; none is valid here"),
        Some(near) if closeness(near) > ALIKE => {
            format!("unknown {kind} `{word}`; the nearest valid one is `{near}`")
        }
        Some(_) => format!("unknown {kind} `{word}`; valid here: {}", known.join(", ")),
    }
}

/// Seconds, or a text with a unit, as on the command line.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "give seconds, or a number with a unit: 12, 12s, 2m")]
    enum Time {
        Seconds(u32),
        Text(String),
    }

    match Option::<Time>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Time::Seconds(seconds)) => Ok(Some(Duration::from_secs(seconds.into()))),
        Some(Time::Text(text)) => super::duration(&text).map(Some).map_err(de::Error::custom),
    }
}

/// An address of a name server, as on the command line.
fn address_of_server<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let word = String::deserialize(deserializer)?;
    super::name_server(&word).map(Some).map_err(de::Error::custom)
}

/// A day, in quotes or as TOML writes it.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "give a day such as 2027-03-01")]
    enum Day {
        Toml(Datetime),
        Text(String),
    }

    let text = match Day::deserialize(deserializer)? {
        Day::Toml(day) => day.to_string(),
        Day::Text(text) => text,
    };
    let wrong = |_| de::Error::custom("give a day such as 2027-03-01");
    text.parse().map(Some).map_err(wrong)
}

/// A text that is not empty.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let empty = || de::Error::custom("say in a few words why the finding is borne");
    Some(text).filter(|text| !text.trim().is_empty()).ok_or_else(empty)
}

impl std::error::Error for SettingsFault {}

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_reads_into_its_parts() {
        let settings = Settings::parse(
            r#"
            [identity]
            helo = "probe.example"
            mail-from = "watch@probe.example"

            [defaults]
            control = "mx.control.example"
            connect-timeout = 10
            pause = "2m"

            [domain."shop.example"]
            rcpt = ["ann@shop.example"]
            hosts = ["mx1.shop.example", "mx2.shop.example"]
            expect = { "mx2.shop.example" = "defer" }

            [[domain."shop.example".waive]]
            rule = "backup-without-ipv6"
            host = "mx2.shop.example"
            reason = "provider has none until the move"
            until = 2027-03-01
            "#,
        )
        .unwrap();
        assert_eq!(settings.identity.helo, Some("probe.example".parse().unwrap()));
        assert_eq!(settings.defaults.connect_timeout, Some(Duration::from_secs(10)));
        assert_eq!(settings.defaults.pause, Some(Duration::from_secs(120)));
        let shop = &settings.domain[&DomainName::parse("shop.example").unwrap()];
        assert_eq!(shop.hosts.len(), 2);
        assert_eq!(shop.expect.values().next(), Some(&Expectation::Defer));
        let expected = shop.expected(str::to_uppercase);
        assert_eq!(
            expected.waivers[0].to_string(),
            "BACKUP-WITHOUT-IPV6 at mx2.shop.example until 2027-03-01: \
             provider has none until the move"
        );
    }

    #[test]
    fn faults_name_the_line_and_the_nearest_valid_key() {
        for (text, want) in [
            (
                "[defaults]\nconect-timeout = 3",
                "line 2: unknown key `conect-timeout`; the nearest valid one is `connect-timeout`",
            ),
            (
                "\n[identiy]\nhelo = 'a.example'",
                "line 2: unknown key `identiy`; the nearest valid one is `identity`",
            ),
            (
                "[domain.'a.example']\nexpect = { 'mx.a.example' = 'defers' }",
                "line 2: unknown word `defers`; the nearest valid one is `defer`",
            ),
            (
                "[defaults]\npause = 'soon'",
                "line 2: give seconds, or a number with a unit: 12, 12s, 2m",
            ),
            (
                "[defaults]\npause = -1",
                "line 2: give seconds, or a number with a unit: 12, 12s, 2m",
            ),
            (
                "[identity]\npause = 1",
                "line 2: unknown key `pause`; valid here: helo, mail-from, secret",
            ),
            ("[identity]\nhelo = 'a b'", "line 2: ' ' cannot stand in a domain name"),
            (
                "[defaults]\nresolver = 'ns.example'",
                "line 2: give an IP address, with or without port: 192.0.2.53, [2001:db8::53]:53",
            ),
            (
                "[[domain.'a.example'.waive]]\nrule = 'single-tier'\nreason = ' '",
                "line 3: say in a few words why the finding is borne",
            ),
            (
                "[[domain.'a.example'.waive]]\nrule = 'single-tier'\nreason = 'x'\nuntil = 'May'",
                "line 4: give a day such as 2027-03-01",
            ),
        ] {
            assert_eq!(Settings::parse(text).unwrap_err().to_string(), want, "{text}");
        }
        let broken = Settings::parse("[identity\n").unwrap_err();
        assert_eq!(broken.line, Some(1), "{broken}");
    }
}
