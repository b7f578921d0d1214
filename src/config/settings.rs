//! The settings file: who we are, what a run does unless told otherwise, and what each domain's
//! owner expects of it.
//!
//! TOML, with the names of the command line's options as keys. A fault names the line and, for a
//! misspelt key, the nearest valid one. Opens no file and decides no precedence: `cli` does.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, de};

use crate::{
    smtp::{DomainName, HelloName, Mailbox, ReversePath},
    survey::asked::{Expectation, Waiver},
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
    pub resolver: Option<String>,
    pub control: Option<DomainName>,
    pub source: Vec<IpAddr>,
    pub socks5: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub state: Option<PathBuf>,
    pub port: Option<u16>,
    pub allow_private: bool,
    pub allow_net: Vec<IpNet>,
    pub no_nonsense: bool,
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
    /// Hosts that should no longer take the domain's mail.
    pub also: Vec<DomainName>,
    /// All hosts the MX set should have; empty expects nothing.
    pub hosts: Vec<DomainName>,
    /// What single hosts should do with mail.
    pub expect: BTreeMap<DomainName, Expectation>,
    /// Findings that are known and borne for a while.
    pub waive: Vec<Waiver>,
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
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            SettingsFault { line, what: mended(error.message()) }
        })
    }
}

/// A fault of the parser in one line; a misspelt word comes with the nearest valid one.
fn mended(message: &str) -> String {
    let line = message.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    // Serde puts the unknown word first and the valid ones behind it, each between backticks.
    let mut quoted = line.split('`').skip(1).step_by(2);
    let unknown = line.starts_with("unknown field") || line.starts_with("unknown variant");
    let (true, Some(word)) = (unknown, quoted.next()) else { return line };
    let kind = if line.starts_with("unknown field") { "key" } else { "word" };
    let near = quoted.max_by(|one, other| {
        let closeness = |known: &str| strsim::jaro_winkler(word, known);
        closeness(one).total_cmp(&closeness(other))
    });
    match near {
        Some(near) => format!("unknown {kind} `{word}`; the nearest valid one is `{near}`"),
        None => format!("unknown {kind} `{word}`; none is valid here"),
    }
}

/// Seconds, or a text with a unit, as on the command line.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
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
            until = "2027-03-01"
            "#,
        )
        .unwrap();
        assert_eq!(settings.identity.helo, Some("probe.example".parse().unwrap()));
        assert_eq!(settings.defaults.connect_timeout, Some(Duration::from_secs(10)));
        assert_eq!(settings.defaults.pause, Some(Duration::from_secs(120)));
        let shop = &settings.domain[&DomainName::parse("shop.example").unwrap()];
        assert_eq!(shop.hosts.len(), 2);
        assert_eq!(shop.expect.values().next(), Some(&Expectation::Defer));
        assert_eq!(shop.waive[0].rule, "backup-without-ipv6");
        assert_eq!(shop.waive[0].until.unwrap().to_string(), "2027-03-01");
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
            ("[identity]\nhelo = 'a b'", "line 2: ' ' cannot stand in a domain name"),
        ] {
            assert_eq!(Settings::parse(text).unwrap_err().to_string(), want, "{text}");
        }
        let broken = Settings::parse("[identity\n").unwrap_err();
        assert_eq!(broken.line, Some(1), "{broken}");
    }
}
