//! `OpenSMTPD`, delivering as a primary and relaying as a backup.

use crate::{
    host::{CERTIFICATE, DOMAIN, KEY, KNOWN, Place, Server, Takes, lines_with},
    session::Sessions,
};

pub fn settle(server: &Server, place: &Place) -> &'static str {
    let domain = if server.takes == Takes::OtherDomain { "other.example" } else { DOMAIN };
    let user = if server.takes == Takes::Others { "berta" } else { KNOWN };
    let keys = format!("pki own cert \"{CERTIFICATE}\"\npki own key \"{KEY}\"\n");
    let (keys, tls) = match server.certificate {
        Some(_) => (keys.as_str(), "tls pki own "),
        None => ("", ""),
    };
    let listeners = place
        .addresses
        .iter()
        .map(|address| format!("listen on {address} port 25 {tls}hostname {}\n", place.name));
    let listeners: String = listeners.collect();
    let rules = match (place.is_backup(), server.takes) {
        (true, Takes::Anyone) => {
            format!(
                "action forward relay backup\nmatch from any for domain {domain} action forward\n"
            )
        }
        (true, _) => format!(
            "table known {{ {user}@{domain}, postmaster@{domain} }}\naction forward relay backup\n\
             match from any for rcpt-to <known> action forward\n"
        ),
        (false, Takes::Anyone) => format!(
            "table users {{ \"@\" = {KNOWN} }}\naction keep maildir virtual <users>\n\
             match from any for domain {domain} action keep\n"
        ),
        (false, _) => format!(
            "table users {{ {user} = {user}, postmaster = {user} }}\n\
             action keep maildir virtual <users>\nmatch from any for domain {domain} action keep\n"
        ),
    };
    place.write("/etc/smtpd.conf", &format!("{keys}{listeners}{rules}{}", server.settings));
    "chmod 711 /var/lib/opensmtpd/empty && exec smtpd -d -v -T smtp"
}

pub fn sessions(place: &Place) -> Sessions {
    let log = place.said();
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    let commands = log.lines().filter_map(|line| line.split_once(": <<< "));
    let words = commands.filter_map(|(_, command)| command.split([' ', ':']).next());
    let ends = log.lines().filter(|line| line.contains(" smtp disconnected reason="));
    let is_broken = |end: &&str| end.contains("reason=\"io-error: error:");
    Sessions {
        begun: count(" smtp connected "),
        quit: ends.clone().filter(|end| end.ends_with("reason=quit")).count(),
        broken_handshakes: ends.clone().filter(is_broken).count(),
        sent_away: 0,
        commands: count(": <<< "),
        words: words.map(str::to_ascii_uppercase).collect(),
        complaints: ends
            .filter(|end| !end.ends_with("reason=quit") && !is_broken(end))
            .chain(lines_with(&log, &["fatal", "syntax error", "session error"]))
            .map(str::to_owned)
            .collect(),
    }
}
