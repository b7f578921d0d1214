//! Exim (Debian's light daemon) with the configuration Debian generates, its access rules included.

use crate::{
    host::{CERTIFICATE, DOMAIN, KEY, Place, Server, Takes, lines_with, listed},
    session::Sessions,
};

pub fn settle(server: &Server, place: &Place) -> &'static str {
    // Debian's way to be a backup is a relay domain, and then any name in it is taken.
    let (local, relayed) = match server.takes {
        Takes::Anyone => ("", DOMAIN),
        Takes::Known | Takes::Others => (DOMAIN, ""),
        Takes::OtherDomain => ("other.example", ""),
    };
    let answers = format!(
        "dc_eximconfig_configtype='internet'\ndc_other_hostnames='{local}'\n\
         dc_local_interfaces='{}'\ndc_relay_domains='{relayed}'\ndc_readhost=''\n\
         dc_minimaldns='false'\ndc_relay_nets=''\ndc_smarthost=''\nCFILEMODE='644'\n\
         dc_use_split_config='false'\ndc_hide_mailname=''\ndc_mailname_in_oh='true'\n\
         dc_localdelivery='mail_spool'\n",
        // A semicolon, because a colon is part of IPv6 addresses.
        format_args!("<; {}", listed(&place.addresses, " ; "))
    );
    place.write("/etc/exim4/update-exim4.conf.conf", &answers);
    let tls = server.certificate.map_or_else(String::new, |_| {
        format!(
            "MAIN_TLS_ENABLE = true\nMAIN_TLS_CERTIFICATE = {CERTIFICATE}\n\
             MAIN_TLS_PRIVATEKEY = {KEY}\n"
        )
    });
    let macros = format!(
        "MAIN_HARDCODE_PRIMARY_HOSTNAME = {}\nMAIN_LOG_SELECTOR = +all\n{tls}{}",
        place.name, server.settings
    );
    place.write("/etc/exim4/exim4.conf.localmacros", &macros);
    // With this debugging word Exim writes down every command it is given.
    "install -d -o Debian-exim -g Debian-exim /var/spool/exim4 /run/exim4 /var/log/exim4 && \
     if [ -e /etc/real/tls.key ]; then chown Debian-exim /etc/real/tls.key; fi && \
     update-exim4.conf && exec exim4 -bdf -d-all+receive"
}

pub fn sessions(place: &Place) -> Sessions {
    let log = place.logged("exim4/mainlog");
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    let said = place.said();
    let commands = said.lines().filter_map(|line| line.split_once("SMTP<< "));
    let words = commands.filter_map(|(_, command)| command.split([' ', ':']).next());
    Sessions {
        begun: count(" (TCP/IP connection count = "),
        quit: count(" closed by QUIT"),
        broken_handshakes: count(" (gnutls_handshake): "),
        sent_away: 0,
        commands: said.matches("SMTP<< ").count(),
        words: words.map(str::to_ascii_uppercase).collect(),
        complaints: lines_with(&log, &COMPLAINTS).map(str::to_owned).collect(),
    }
}

const COMPLAINTS: [&str; 7] = [
    " lost",
    "unexpected disconnection",
    "timed out",
    "synchronization error",
    "syntax error",
    "too many",
    "onfiguration error",
];
