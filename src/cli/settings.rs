//! The settings file: found, read, and laid beneath the words of the command line.
//!
//! What a word says stands; the file fills what no word says. Built-in defaults are not here.

use std::{
    fs, io,
    num::NonZeroU16,
    path::{Path, PathBuf},
};

use super::{Error, options::Check, output, reference};
use crate::{
    config::{Settings, settings::SettingsFault},
    rules::{Profile, Rule},
    smtp::DomainName,
};

/// What is read where no other file is named.
const USUAL: &str = "mxparity.toml";

/// Reads the settings that `words` call for and fills in with them whatever `words` leave open.
pub fn apply(words: &mut Check) -> Result<Settings, Error> {
    let file = words.config.clone().unwrap_or_else(|| PathBuf::from(USUAL));
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && words.config.is_none() => {
            return Ok(Settings::default());
        }
        Err(error) => {
            let (name, why) = (file.display(), output::plainly(&error));
            return Err(Error::new(format_args!("cannot read {name}: {why}")));
        }
    };
    let named = |fault| Error::new(format_args!("{}: {fault}", file.display()));
    let settings = Settings::parse(&text).map_err(named)?;
    check_rules(&settings, &text).map_err(named)?;
    check_profiles(&settings, &text).map_err(named)?;
    fill(words, &settings, file.parent().unwrap_or(Path::new("")));
    Ok(settings)
}

/// The name of the rule that `word` means; a word that means none was refused by [`apply`].
pub fn rule(word: &str) -> String {
    Rule::find(word).map_or(word, |rule| rule.name).to_owned()
}

/// The guideline that the domain's hosts are graded under, if any was chosen.
pub fn profile(
    settings: &Settings,
    words: &Check,
    domain: &DomainName,
) -> Option<&'static Profile> {
    let own = settings.domain.get(domain).and_then(|own| own.profile.as_ref());
    let named = own.or(settings.defaults.profile.as_ref());
    // A name that there is not was refused with the settings.
    words.output.profile.or_else(|| Profile::find(named?.get_ref()))
}

/// Every waiver must name a rule: a misspelt one would hide nothing and seem to.
fn check_rules(settings: &Settings, text: &str) -> Result<(), SettingsFault> {
    let waivers = settings.domain.values().flat_map(|domain| &domain.waive);
    let mut unknown = waivers.filter(|waiver| Rule::find(waiver.rule.get_ref()).is_none());
    let Some(waiver) = unknown.next() else {
        return Ok(());
    };
    let word = waiver.rule.get_ref();
    let nearest = reference::nearest(word).name;
    let what = format!("no rule `{}`; the nearest is `{nearest}`", word.escape_default());
    Err(SettingsFault::at(text, waiver.rule.span().start, what))
}

/// Every guideline must be one of ours.
fn check_profiles(settings: &Settings, text: &str) -> Result<(), SettingsFault> {
    let own = settings.domain.values().filter_map(|domain| domain.profile.as_ref());
    let mut named = settings.defaults.profile.iter().chain(own);
    let Some(word) = named.find(|word| Profile::find(word.get_ref()).is_none()) else {
        return Ok(());
    };
    let known: Vec<&str> = Profile::names().collect();
    let name = word.get_ref().escape_default();
    let what = format!("no profile `{name}`; there are {}", known.join(", "));
    Err(SettingsFault::at(text, word.span().start, what))
}

/// Files named in the settings stand beside them unless they say otherwise.
fn fill(words: &mut Check, settings: &Settings, folder: &Path) {
    let Check { questions, place, manners, state, .. } = words;
    let defaults = settings.defaults.clone();
    let beside = |file: PathBuf| folder.join(file);
    open(&mut place.helo, settings.identity.helo.clone());
    open(&mut questions.mail_from, settings.identity.mail_from.clone());
    open(&mut place.resolver, defaults.resolver);
    open(&mut place.control, defaults.control);
    open(&mut place.socks5, defaults.socks5);
    open(&mut place.ca_file, defaults.ca_file.map(beside));
    if !place.dnssec.trust_ad {
        // Who names a file on the command line wants it, whatever the settings believe.
        place.dnssec.trust_ad = defaults.trust_ad && place.dnssec.trust_anchor.is_none();
        open(&mut place.dnssec.trust_anchor, defaults.trust_anchor.map(beside));
    }
    open(state, defaults.state.map(beside));
    open(&mut place.port, defaults.port.map(NonZeroU16::get));
    open(&mut manners.connect_timeout, defaults.connect_timeout);
    open(&mut manners.greeting_timeout, defaults.greeting_timeout);
    open(&mut manners.command_timeout, defaults.command_timeout);
    open(&mut manners.total_timeout, defaults.total_timeout);
    open(&mut manners.head_start, defaults.head_start);
    open(&mut manners.pause, defaults.pause);
    if place.source.is_empty() {
        place.source.clone_from(&defaults.source);
    }
    if place.allow_net.is_empty() {
        place.allow_net.clone_from(&defaults.allow_net);
    }
    place.allow_private |= defaults.allow_private;
    questions.no_nonsense |= defaults.no_nonsense;
}

/// Fills what is open.
fn open<T>(said: &mut Option<T>, setting: Option<T>) {
    if said.is_none() {
        *said = setting;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::options::{Verb, Words};

    fn check(words: &[&str]) -> Check {
        let words = [&["mxparity", "check", "shop.example"], words].concat();
        match Words::try_parse_from(words).unwrap().verb {
            Verb::Check(check) => *check,
            other => panic!("not a check: {other:?}"),
        }
    }

    const FILE: &str = r#"
        [identity]
        helo = "watch.example"
        mail-from = "<>"

        [defaults]
        resolver = "192.0.2.53"
        control = "mx.control.example"
        source = ["192.0.2.9"]
        socks5 = "127.0.0.1:1080"
        ca-file = "ca.pem"
        trust-anchor = "root.key"
        state = "/var/lib/mxparity/state.json"
        port = 2525
        allow-private = true
        allow-net = ["10.0.0.0/8"]
        no-nonsense = true
        connect-timeout = 1
        greeting-timeout = 2
        command-timeout = 3
        total-timeout = 4
        head-start = 6
        pause = "7s"
    "#;

    #[test]
    fn the_file_fills_what_no_word_says() {
        let mut words = check(&[]);
        fill(&mut words, &Settings::parse(FILE).unwrap(), Path::new("etc"));
        let (place, limits) = (&words.place, words.manners.limits());
        assert_eq!(place.helo.as_ref().unwrap().to_string(), "watch.example");
        assert_eq!(words.questions.mail_from.as_ref().unwrap().to_string(), "<>");
        assert_eq!(place.resolver.unwrap().to_string(), "192.0.2.53:53");
        assert_eq!(place.control.as_ref().unwrap().as_str(), "mx.control.example");
        assert_eq!(place.source.len(), 1);
        assert_eq!(place.socks5.as_deref(), Some("127.0.0.1:1080"));
        assert_eq!(place.ca_file.as_deref(), Some(Path::new("etc/ca.pem")));
        assert_eq!(place.dnssec.trust_anchor.as_deref(), Some(Path::new("etc/root.key")));
        assert!(!place.dnssec.trust_ad);
        assert_eq!(words.state.as_deref(), Some(Path::new("/var/lib/mxparity/state.json")));
        assert_eq!(place.port, Some(2525));
        assert!(place.allow_private && words.questions.no_nonsense);
        assert_eq!(place.allow_net.len(), 1);
        let times = [
            limits.connect,
            limits.greeting,
            limits.command,
            limits.visit,
            limits.head_start,
            limits.pause,
        ];
        assert_eq!(times.map(|time| time.as_secs()), [1, 2, 3, 4, 6, 7]);
    }

    #[test]
    fn a_word_of_the_command_line_outranks_the_file() {
        let words = ["--helo", "here.example", "--mail-from", "ann@here.example", "--port", "26"];
        let more = ["--resolver", "192.0.2.54", "--pause", "9", "--source", "192.0.2.8"];
        let mut words = check(&[&words[..], &more].concat());
        fill(&mut words, &Settings::parse(FILE).unwrap(), Path::new(""));
        assert_eq!(words.place.helo.unwrap().to_string(), "here.example");
        assert_eq!(words.questions.mail_from.unwrap().to_string(), "<ann@here.example>");
        assert_eq!(words.place.port, Some(26));
        assert_eq!(words.place.resolver.unwrap().to_string(), "192.0.2.54:53");
        assert_eq!(words.place.source[0].to_string(), "192.0.2.8");
        assert_eq!(words.manners.pause, Some(Duration::from_secs(9)));
        assert_eq!(words.manners.connect_timeout, Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_profile_that_there_is_not_is_refused_with_those_that_there_are() {
        for (text, want) in [
            ("[defaults]\nprofile = 'ncsc-2025-05'", None),
            ("[domain.'a.example']\nprofile = 'bcp195'", None),
            ("[defaults]\nprofile = 'ncsc'", Some("line 2: no profile `ncsc`; there are bcp195, ")),
            ("[domain.'a.example']\n\nprofile = ''", Some("line 3: no profile ``; there are ")),
        ] {
            let checked = check_profiles(&Settings::parse(text).unwrap(), text);
            match want {
                None => assert_eq!(checked, Ok(()), "{text}"),
                Some(want) => assert!(checked.unwrap_err().to_string().starts_with(want), "{text}"),
            }
        }
    }

    #[test]
    fn of_two_ways_to_validate_the_one_on_the_command_line_stands() {
        for (file, words, anchor, believed) in [
            ("trust-anchor = 'a.key'", &["--trust-ad"][..], None, true),
            ("trust-ad = true", &["--trust-anchor", "b.key"], Some("b.key"), false),
            ("trust-anchor = 'a.key'", &["--trust-anchor", "b.key"], Some("b.key"), false),
            ("trust-ad = true", &[], None, true),
        ] {
            let mut words = check(words);
            let settings = Settings::parse(&format!("[defaults]\n{file}")).unwrap();
            fill(&mut words, &settings, Path::new(""));
            let anchored = words.place.dnssec.trust_anchor.as_deref();
            assert_eq!(
                (anchored, words.place.dnssec.trust_ad),
                (anchor.map(Path::new), believed),
                "{file}"
            );
        }
    }

    #[test]
    fn a_waiver_of_no_rule_names_the_nearest_one() {
        let text = "[[domain.'a.example'.waive]]\nreason = 'old'\nrule = 'backup-accept-anyone'";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(
            check_rules(&settings, text).unwrap_err().to_string(),
            "line 3: no rule `backup-accept-anyone`; the nearest is `backup-accepts-anyone`"
        );
        let known = text.replace("backup-accept-anyone", "rcpt05");
        assert_eq!(check_rules(&Settings::parse(&known).unwrap(), &known), Ok(()));
        assert_eq!(rule("rcpt05"), "backup-accepts-anyone");
    }
}
