//! What a world has around its mail hosts: name servers, a resolver, a policy host, a proxy, and a
//! sender that goes by DANE.
//!
//! Only the name server is in every world; the rest starts when a test asks for it.

use std::{fmt::Write, fs, path::Path, process::Stdio};

use super::{SOURCES, World};
use crate::{
    certificate::Certificate,
    ground,
    host::{DOMAIN, Place, certificate_folder, common_files},
    listener::Listener,
    report::{Connections, Report},
    signing::{self, Signed},
    zone::{self, Entry, NAME_SERVERS, Zone},
};

const NAME_SERVER_NAME: &str = "ns.example";

/// Where the policy host is to be.
pub const POLICY_HOST: &str = "192.0.2.80";

/// Where the resolver is to be.
pub(super) const RESOLVER: &str = "127.0.0.53";

/// Serves a folder for each name over HTTPS, at the address that it is told first.
const POLICY_SERVER: &str = "\
import http.server, os, ssl, sys
os.chdir(sys.argv[2])
class Handler(http.server.SimpleHTTPRequestHandler):
    def translate_path(self, path):
        return super().translate_path('/' + self.headers['Host'] + path)
server = http.server.ThreadingHTTPServer((sys.argv[1], 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('tls.pem', 'tls.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
";

/// The records that announce an MTA-STS policy and its host.
pub fn policy_records() -> String {
    policy_records_of(DOMAIN)
}

/// The same of another domain.
pub fn policy_records_of(domain: &str) -> String {
    format!("_mta-sts.{domain}. TXT \"v=STSv1; id=20261128\"\nmta-sts.{domain}. A {POLICY_HOST}\n")
}

/// The records that make another name server one of the zone.
pub fn second_name_server_records() -> String {
    format!("example. NS ns2.example.\nns2.example. A {}\n", NAME_SERVERS[1])
}

impl World {
    /// The options that have a check trust the keys of the world's own root.
    pub fn anchored(&self) -> [String; 2] {
        let file = self.aside(NAME_SERVER_NAME).files().join(signing::ANCHOR);
        ["--trust-anchor".to_owned(), file.display().to_string()]
    }

    /// Starts a resolver (unbound) that validates by the world's own root, and gives the options that
    /// have a check ask it.
    pub fn start_resolver(&mut self) -> [String; 2] {
        let place = self.aside("resolver");
        let [_, anchor] = self.anchored();
        place.write("/etc/unbound.key", &fs::read_to_string(anchor).unwrap());
        // It would keep the reverse names of documentation addresses to itself.
        let settings = format!(
            "server:\n  interface: {RESOLVER}\n  username: \"\"\n  chroot: \"\"\n  \
             do-daemonize: no\n  pidfile: \"\"\n  use-syslog: no\n  ede: yes\n  \
             do-not-query-localhost: no\n  \
             unblock-lan-zones: yes\n  insecure-lan-zones: yes\n  \
             trust-anchor-file: /etc/unbound.key\n\
             remote-control:\n  control-enable: no\n\
             forward-zone:\n  name: \".\"\n  forward-addr: {}\n",
            zone::NAME_SERVER
        );
        place.write("/etc/unbound.conf", &settings);
        self.start(ground::packages(), &place, &["unbound", "-d", "-c", "/etc/unbound.conf"]);
        self.wait_for(&[Listener::udp(RESOLVER.parse().unwrap(), 53)]);
        ["--resolver".to_owned(), RESOLVER.to_owned()]
    }

    /// A check by way of a resolver that validates, which is started, and by the world's own root.
    pub fn check_validating(&mut self) -> Report {
        let options = [self.anchored(), self.start_resolver()].concat();
        self.check(&options.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Starts the host of [`policy_records`].
    pub fn start_policy_host(&mut self, policy: &str) {
        self.start_policy_hosts(&[(DOMAIN.to_owned(), policy.to_owned())]);
    }

    /// Starts the host of the policies of these domains: Python's own web server, over TLS.
    pub fn start_policy_hosts(&mut self, policies: &[(String, String)]) {
        let place = self.aside("policy.example");
        let mut names = Vec::new();
        for (domain, policy) in policies {
            let name = format!("mta-sts.{domain}");
            place.write(&format!("/{name}/.well-known/mta-sts.txt"), policy);
            names.push(name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.authority.issue_to(Certificate::Good, &names, &place.files().join("tls"));
        let mut command = self.beside(&place);
        command.args(ground::python()).args(["-c", POLICY_SERVER, POLICY_HOST]).arg(place.files());
        self.servers.push(command.spawn().unwrap());
        self.wait_for(&[Listener::tcp(POLICY_HOST.parse().unwrap(), 443)]);
    }

    /// Starts the server of [`second_name_server_records`], which knows nothing of the zone.
    pub fn start_lame_name_server(&mut self) {
        let place = self.aside("ns2.example");
        let zones = vec![Zone::new("elsewhere.example", "", Signed::Not)];
        zone::write(&place.files(), &NAME_SERVERS[1..], zones);
        self.start(ground::packages(), &place, &zone::COMMAND);
        self.wait_for(&[Listener::udp(NAME_SERVERS[1].parse().unwrap(), 53)]);
    }

    /// Starts a SOCKS5 server on loopback that wants this name and password.
    pub fn start_proxy(&mut self, user: &str, password: &str) {
        let mut command = self.inside();
        command.arg(ground::packages().join("usr/bin/microsocks"));
        command.args(["-i", "127.0.0.1", "-p", "1080", "-u", user, "-P", password]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.servers.push(command.spawn().unwrap());
        self.wait_for(&[Listener::tcp("127.0.0.1".parse().unwrap(), 1080)]);
    }

    /// What Postfix's own client says of the TLS of each host, at its address of the family (`ipv4`,
    /// `ipv6`), as a sender that goes by DANE and asks the resolver.
    pub fn finger(&mut self, wanted: &[(&str, &str)]) -> Vec<String> {
        let place = self.aside("sender.example");
        common_files(&place, true);
        place.write("/etc/resolv.conf", &format!("nameserver {RESOLVER}\noptions trust-ad\n"));
        place.write("/etc/postfix/main.cf", "compatibility_level = 3.6\n");
        let mut words = String::new();
        for (host, family) in wanted {
            let name = format!("{host}.{DOMAIN}");
            writeln!(
                words,
                "echo; echo '== {name}'; posttls-finger -c -l dane -a {family} '[{name}]'"
            )
            .unwrap();
            let place = self.hosts.iter().map(|(_, place)| place).find(|place| place.name == name);
            let mut addresses = place.expect("a host of the world").addresses.iter();
            let address = addresses.find(|address| address.is_ipv4() == (*family == "ipv4"));
            let address = *address.expect("an address of the family");
            // EHLO, STARTTLS, EHLO and QUIT.
            let made = Connections { all: 1, floor: 0, commands: 4 };
            self.made.entry(address).or_default().add(&made);
        }
        let mut command = self.enter(ground::packages(), &place);
        let done = command.args(["bash", "-c", &words]).status().unwrap();
        let said = place.said();
        assert!(done.success(), "{said}");
        said.split("\n== ").skip(1).map(str::to_owned).collect()
    }

    pub(super) fn start_name_server(
        &mut self,
        packages: &Path,
        zones: impl FnOnce(Vec<Zone>) -> Vec<Zone>,
    ) {
        let entries: Vec<Entry<'_>> = self.hosts.iter().map(|(_, place)| place.entry()).collect();
        let sources = SOURCES.map(|address| address.parse().unwrap());
        let prober = Entry { name: "probe.example", preference: 10, addresses: &sources };
        let mut plain = zone::plain(DOMAIN, &entries, &prober);
        plain[0].text += &self.tlsa_records();
        let place = self.aside(NAME_SERVER_NAME);
        zone::write(&place.files(), &[zone::NAME_SERVER, NAME_SERVERS[0]], zones(plain));
        self.start(packages, &place, &zone::COMMAND);
    }

    fn tlsa_records(&self) -> String {
        let mut records = String::new();
        for (server, place) in &self.hosts {
            let own = certificate_folder(place).join("tls");
            for (numbers, whose) in &server.tlsa {
                let data = self.authority.tlsa(numbers, *whose, &own);
                writeln!(records, "_25._tcp.{}. TLSA {numbers} {data}", place.name).unwrap();
            }
        }
        records
    }

    /// The place of something that is no mail host.
    pub(super) fn aside(&self, name: &str) -> Place {
        let folder = self.folder.path().join(name);
        let place = Place { name: name.to_owned(), preference: 0, addresses: Vec::new(), folder };
        fs::create_dir_all(place.log()).unwrap();
        fs::create_dir_all(place.files()).unwrap();
        place
    }

    pub(super) fn start(&mut self, packages: &Path, place: &Place, words: &[&str]) {
        let server = self.enter(packages, place).args(words).spawn().unwrap();
        self.servers.push(server);
    }
}
