//! Postfix, as Debian sets it up apart from what a test says otherwise.

use crate::{
    host::{
        CERTIFICATE, CERTIFICATE_ELSEWHERE, DOMAIN, KEY, KEY_ELSEWHERE, KNOWN, Place, Server,
        Takes, lines_with, listed,
    },
    session::Sessions,
};

pub fn settle(server: &Server, place: &Place) -> String {
    let known = format!("inline:{{ {{ {KNOWN}@{DOMAIN} = x }}, {{ postmaster@{DOMAIN} = x }} }}");
    let others = format!("inline:{{ {{ berta@{DOMAIN} = x }}, {{ postmaster@{DOMAIN} = x }} }}");
    let recipients = match server.takes {
        Takes::Anyone | Takes::OtherDomain => String::new(),
        Takes::Known => known,
        Takes::Others => others,
    };
    // A primary delivers, a backup relays: each refuses strangers in words of its own.
    let (domains, maps) = if place.is_backup() {
        ("mydestination =\nrelay_domains", "relay_recipient_maps")
    } else {
        ("mydestination", "local_recipient_maps")
    };
    let domain = if server.takes == Takes::OtherDomain { "other.example" } else { DOMAIN };
    let tls = server.certificate.map_or_else(String::new, |_| {
        format!(
            "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {CERTIFICATE}\n\
             smtpd_tls_key_file = {KEY}\nsmtpd_tls_loglevel = 1\n"
        )
    });
    let (greylist, postgrey) = server.greylisting.map_or_else(Default::default, greylisting);
    let main = format!(
        "compatibility_level = 3.6\nmaillog_file = /var/log/mail.log\nmyhostname = {}\n\
         inet_interfaces = {}\nmynetworks = 127.0.0.0/8\nalias_maps =\n{domains} = {domain}\n\
         {maps} = {recipients}\n{tls}{greylist}{}",
        place.name,
        listed(&place.addresses, ", "),
        server.settings
    );
    place.write("/etc/postfix/main.cf", &main);
    let front = match (server.guarded, server.elsewhere) {
        (true, _) => GUARDED.to_owned(),
        (false, None) => "smtp inet n - n - - smtpd\n".to_owned(),
        (false, Some(_)) => two_fronts(place),
    };
    place.write("/etc/postfix/master.cf", &format!("{front}{MASTER}"));
    format!("{postgrey}chown postfix /var/lib/postfix && exec postfix start-fg")
}

/// Settings and start of Debian's postgrey with everything but the delay as its package says. It is
/// there before the server asks it for the first time.
fn greylisting(seconds: u32) -> (String, String) {
    let settings = "smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:10023\n";
    let start = format!(
        "install -d -o postgrey -g postgrey /var/lib/postgrey && \
         {{ postgrey --inet=127.0.0.1:10023 --delay={seconds} & }} && \
         until (exec 3<>/dev/tcp/127.0.0.1/10023); do sleep 0.05; done && "
    );
    (settings.to_owned(), start)
}

/// A service for each address, the last with a certificate of its own.
fn two_fronts(place: &Place) -> String {
    let service = |address| format!("[{address}]:smtp inet n - n - - smtpd\n");
    let services: String = place.addresses.iter().map(service).collect();
    format!(
        "{services}  -o smtpd_tls_cert_file={CERTIFICATE_ELSEWHERE} -o smtpd_tls_key_file={KEY_ELSEWHERE}\n"
    )
}

/// Postscreen in front, as its manual sets it up.
const GUARDED: &str = "\
smtp      inet  n  -  n  -     1  postscreen
smtpd     pass  -  -  n  -     -  smtpd
dnsblog   unix  -  -  n  -     0  dnsblog
tlsproxy  unix  -  -  n  -     0  tlsproxy
";

/// The services that take mail in, without Debian's chroot: the server has a root of its own here.
pub const MASTER: &str = "\
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
verify    unix  -  -  n  -     1  verify
proxymap  unix  -  -  n  -     -  proxymap
smtp      unix  -  -  n  -     -  smtp
relay     unix  -  -  n  -     -  smtp
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
local     unix  -  n  n  -     -  local
anvil     unix  -  -  n  -     1  anvil
scache    unix  -  -  n  -     1  scache
postlog   unix-dgram n - n -   1  postlogd
";

pub fn sessions(server: &Server, place: &Place) -> Sessions {
    let log = place.logged("mail.log");
    let count = |daemon: &str, words: &str| {
        log.lines().filter(|line| line.contains(daemon) && line.contains(words)).count()
    };
    // `disconnect from unknown[198.51.100.7] ehlo=2 starttls=1 mail=1 rcpt=2/3 quit=1 commands=7/8`
    let ends =
        log.lines().filter_map(|line| line.split_once(": disconnect from ")).map(|end| end.1);
    let words = ends.clone().flat_map(|end| end.split(' ').filter_map(|word| word.split_once('=')));
    // The second number is that of all, the first that of those it did not refuse.
    let all = |counts: &str| counts.rsplit('/').next().and_then(|all| all.parse::<usize>().ok());
    let commands = words.clone().filter(|(word, _)| *word == "commands");
    Sessions {
        // A guard hands clients over to smtpd or keeps them to the end.
        begun: if server.guarded {
            count("/postscreen[", "]: CONNECT from ")
        } else {
            count("/smtpd[", "]: connect from ")
        },
        quit: ends.filter(|end| end.contains(" quit=1")).count()
            + count("/postscreen[", "]: DISCONNECT "),
        broken_handshakes: count("/smtpd[", "lost connection after STARTTLS"),
        // Only this limit ends a session, and before its first word.
        sent_away: count("/smtpd[", "Connection rate limit exceeded: "),
        commands: commands.filter_map(|(_, counts)| all(counts)).sum(),
        words: words
            .filter(|(word, _)| *word != "commands")
            .map(|(word, _)| word.to_ascii_uppercase())
            .collect(),
        complaints: lines_with(&log, &COMPLAINTS)
            .filter(|line| !line.contains("lost connection after STARTTLS"))
            .map(str::to_owned)
            .collect(),
    }
}

const COMPLAINTS: [&str; 13] = [
    "]: BARE NEWLINE",
    "]: COMMAND ",
    "]: HANGUP",
    "]: NON-SMTP",
    "]: PREGREET",
    "lost connection after ",
    "timeout after",
    "improper command",
    "non-SMTP command",
    "too many errors",
    "fatal:",
    "panic:",
    "wrong version number",
];
