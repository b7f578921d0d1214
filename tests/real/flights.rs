//! What `openssl s_server` answers to our hellos, kept in `fixtures/flights` for the tests and the fuzzer.
//!
//! `UPDATE=1` records anew; else each recorded flight must still say what the server says today. Keys are
//! made on the spot and thrown away. Needs neither root nor a package but openssl.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use mxparity::{
    probe::handshake::hello_record,
    tls::{
        FlightReader, Question, ServerFlight, TlsVersion,
        TlsVersion::{Tls10, Tls11, Tls12, Tls13},
    },
};

/// No word of the machine's own configuration: everything that this openssl still can.
const CONFIGURATION: &str = "openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = system
[system]
MinProtocol = TLSv1
CipherString = DEFAULT:@SECLEVEL=0
[req]
distinguished_name = name
[name]
";

/// What is made before the servers start.
const KEYS: &[&str] = &[
    "req -x509 -newkey rsa:2048 -keyout rsa.key -out rsa.pem \
     -addext subjectAltName=DNS:mx.example,IP:192.0.2.1,IP:2001:db8::1,email:postmaster@mx.example \
     -addext authorityInfoAccess=caIssuers;URI:http://ca.example/issuer.der",
    "req -x509 -newkey rsa:2048 -sha1 -keyout ca.key -out ca.pem -addext basicConstraints=CA:TRUE",
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -keyout ec.key -out ec.pem",
    "req -x509 -newkey ed25519 -keyout ed.key -out ed.pem",
    "dhparam -out dh.pem 1024",
];

/// Name, highest version asked for, and the options of the server.
const FLIGHTS: &[(&str, TlsVersion, &str)] = &[
    ("tls13-retry", Tls13, "-cert rsa.pem -key rsa.key"),
    ("tls13-retry-p521", Tls13, "-cert ec.pem -key ec.key -groups P-521"),
    ("tls13-refused", Tls13, "-cert rsa.pem -key rsa.key -tls1_2"),
    ("tls12-refused", Tls12, "-cert rsa.pem -key rsa.key -tls1_3"),
    ("tls12-held", Tls12, "-cert rsa.pem -key rsa.key -cipher ECDHE+AES"),
    (
        "tls12-chain",
        Tls12,
        "-cert rsa.pem -key rsa.key -cert_chain ca.pem -tls1_2 -cipher ECDHE+AESGCM",
    ),
    (
        "tls12-fragments",
        Tls12,
        "-cert rsa.pem -key rsa.key -cert_chain ca.pem -tls1_2 -cipher ECDHE+AESGCM -max_send_frag 512",
    ),
    ("tls12-ecdsa", Tls12, "-cert ec.pem -key ec.key -cipher ECDHE-ECDSA-AES256-SHA384"),
    ("tls12-ed25519", Tls12, "-cert ed.pem -key ed.key -cipher ECDHE-ECDSA-CHACHA20-POLY1305"),
    ("tls12-dhe", Tls12, "-cert rsa.pem -key rsa.key -cipher DHE-RSA-CAMELLIA128-SHA256"),
    ("tls12-client-certificate", Tls12, "-cert rsa.pem -key rsa.key -cipher ECDHE+AES -verify 1"),
    (
        "tls12-warning",
        Tls12,
        "-cert rsa.pem -key rsa.key -cert2 ec.pem -key2 ec.key -servername other.example",
    ),
    ("tls11-static-rsa", Tls11, "-cert rsa.pem -key rsa.key -cipher AES128-SHA"),
    ("tls10-ecdhe", Tls10, "-cert rsa.pem -key rsa.key -cipher ECDHE-RSA-AES256-SHA"),
    (
        "tls10-dhe-home-made",
        Tls10,
        "-cert rsa.pem -key rsa.key -cipher DHE-RSA-AES128-SHA -dhparam dh.pem",
    ),
    ("tls12-anonymous", Tls12, "-nocert -cipher AECDH-AES128-SHA"),
    ("tls12-no-suite", Tls12, "-cert rsa.pem -key rsa.key -tls1_2 -cipher PSK"),
];

/// A server that is ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(folder: &Path, words: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(words.split(' ')).current_dir(folder).stderr(Stdio::null());
    command.env("OPENSSL_CONF", folder.join("openssl.cnf"));
    command
}

/// Everything a server with these options answers to one hello and a closed stream.
fn answer(folder: &Path, question: &Question, options: &str) -> Vec<u8> {
    let words = format!("s_server -accept 127.0.0.1:0 {options}");
    let started = openssl(folder, &words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut server = Server(started.expect("openssl; mend: install openssl"));
    let output = server.0.stdout.take().unwrap();
    let port = BufReader::new(output)
        .lines()
        .find_map(|line| line.ok()?.strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok())
        .unwrap_or_else(|| panic!("no server: {options}"));
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(&hello_record(question, "mx.example")).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    heard
}

fn read(flight: &[u8]) -> Option<ServerFlight> {
    let mut reader = FlightReader::default();
    reader.push(flight).unwrap().or_else(|| reader.end())
}

/// What does not change from one recording to the next.
fn lasting(flight: &[u8]) -> String {
    let flight = read(flight);
    let leaf = match &flight {
        Some(ServerFlight::Chose(choice)) => choice.leaf.as_ref(),
        _ => None,
    };
    let leaf = leaf.map(|leaf| format!("{} {} {}", leaf.subject, leaf.key, leaf.signature));
    format!("{:?} {leaf:?}", flight.as_ref().map(ToString::to_string))
}

#[test]
fn every_recorded_flight_is_what_a_server_answers() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("openssl.cnf"), CONFIGURATION).unwrap();
    for words in KEYS {
        let subject = " -nodes -days 36500 -subj /CN=mx.example/O=Example";
        let words = format!("{words}{}", if words.starts_with("req") { subject } else { "" });
        assert!(openssl(folder.path(), &words).status().unwrap().success(), "openssl {words}");
    }
    let flights = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/flights");
    for (name, version, options) in FLIGHTS {
        let heard = answer(folder.path(), &Question::any(*version), options);
        let file = flights.join(name).with_extension("bin");
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, heard).unwrap();
            continue;
        }
        let recorded = fs::read(&file).unwrap();
        assert_eq!(lasting(&heard), lasting(&recorded), "{name}: openssl s_server {options}");
    }
}
