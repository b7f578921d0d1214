//! TLS of an OpenSSL with nothing but a few words of SMTP before it: Debian's `openssl s_server`, or the
//! newer library that comes with Python's cryptography.
//!
//! `openssl s_server` knows no STARTTLS, so `front` stands before it. Settings are lines of OpenSSL's
//! own configuration, under `system_default`. Takes no mail.

use crate::{
    ground,
    host::{CERTIFICATE, KEY, Place, Server, Software},
    session::Sessions,
};

pub fn settle(server: &Server, place: &Place) -> String {
    let settings = format!(
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = here\n[here]\n{}",
        server.settings
    );
    place.write("/etc/openssl.cnf", &settings);
    let at = |path: &str| place.files().join(path.trim_start_matches('/')).display().to_string();
    let which = if server.software == Software::OpenSsl { "debian" } else { "new" };
    let words = [
        ground::script("front").display().to_string(),
        which.to_owned(),
        place.addresses[0].to_string(),
        place.log().display().to_string(),
        at(CERTIFICATE),
        at(KEY),
    ];
    let words = [&ground::python()[..], &words].concat();
    let quoted: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("OPENSSL_CONF='{}' exec {}", at("/etc/openssl.cnf"), quoted.join(" "))
}

pub fn sessions(place: &Place) -> Sessions {
    let log = place.logged("front");
    let count = |line: &str| log.lines().filter(|one| *one == line).count();
    let words = log.lines().filter_map(|line| line.strip_prefix("word "));
    let quit = count("word QUIT");
    Sessions {
        begun: count("begun"),
        quit,
        broken_handshakes: count("end") - quit,
        words: words.map(str::to_owned).collect(),
        ..Sessions::default()
    }
}
