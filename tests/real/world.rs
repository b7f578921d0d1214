//! A world: mail hosts and a name server in namespaces of their own, and mxparity run among them.
//!
//! The addresses are documentation addresses and the port is 25: inside the namespaces they are real,
//! outside nothing of them can be seen, so that worlds run side by side and nothing leaves this machine.
//! What a world has around the hosts is in `around`.

pub mod around;
pub mod mailing;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::IpAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    certificate::Authority,
    ground,
    host::{DOMAIN, Place, Server, certificate_folder, lines_with},
    listener::Listener,
    report::{Connections, Report},
    session::Sessions,
    signing::Signed,
    zone::{self, Entry, Zone},
};

/// Where mxparity stands, for IPv4 and for IPv6.
const SOURCES: [&str; 2] = ["198.51.100.7", "2001:db8:7::7"];

/// More than any server needs to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Hosts, a name server and the space they run in. Ends with all its processes when dropped.
pub struct World {
    space: Child,
    servers: Vec<Child>,
    hosts: Vec<(Server, Place)>,
    authority: Authority,
    /// Connections that mxparity says it made, by address, and how many of them were to end in the
    /// handshake.
    made: BTreeMap<IpAddr, Connections>,
    folder: tempfile::TempDir,
}

impl World {
    /// Starts `servers` as mx1 (preference 10), mx2 (preference 20) and so on, on IPv4.
    pub fn open(servers: impl IntoIterator<Item = Server>) -> Self {
        Self::raise(servers, |position| vec![ipv4(position)], |zones| zones)
    }

    /// The same with `records` (TXT, say), of owners named in full, added to those of the hosts.
    pub fn open_with(servers: impl IntoIterator<Item = Server>, records: &str) -> Self {
        Self::raise(servers, |position| vec![ipv4(position)], |zones| added(zones, records))
    }

    /// The same with every zone signed under a root of the world's own. A check of it needs
    /// [`Self::anchored`].
    pub fn open_signed(servers: impl IntoIterator<Item = Server>, records: &str) -> Self {
        let sign = |zones: Vec<Zone>| {
            let mut zones = added(zones, records);
            for zone in &mut zones {
                zone.signed = Signed::Nsec;
            }
            zones
        };
        Self::raise(servers, |position| vec![ipv4(position)], sign)
    }

    /// No hosts, and these zones alone, children before their parents.
    pub fn of_zones(zones: Vec<Zone>) -> Self {
        Self::raise([], |_| Vec::new(), |_| zones)
    }

    /// The same with an IPv6 address beside each IPv4 address.
    pub fn open_with_ipv6(servers: impl IntoIterator<Item = Server>) -> Self {
        Self::raise(servers, |position| vec![ipv4(position), ipv6(position)], |zones| zones)
    }

    fn raise(
        servers: impl IntoIterator<Item = Server>,
        addresses: impl Fn(usize) -> Vec<IpAddr>,
        zones: impl FnOnce(Vec<Zone>) -> Vec<Zone>,
    ) -> Self {
        let packages = ground::packages();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let authority = Authority::open(folder.path().join("authority"));
        let place = |(position, server): (usize, Server)| {
            let name = format!("mx{position}.{DOMAIN}");
            let preference = u16::try_from(position * 10).unwrap();
            let folder = folder.path().join(&name);
            let mut addresses = addresses(position);
            if server.elsewhere.is_some() {
                addresses.push(ipv6(position));
            }
            (server, Place { name, preference, addresses, folder })
        };
        let hosts: Vec<_> = (1..).zip(servers).map(place).collect();
        let mut world = Self {
            space: space(folder.path(), &hosts),
            servers: Vec::new(),
            hosts,
            authority,
            made: BTreeMap::new(),
            folder,
        };
        world.issue_certificates();
        world.start_name_server(packages, zones);
        world.start_hosts(packages);
        world.wait_until_listening();
        world
    }

    /// Runs `mxparity check` as its user would, with `options` added, and reads its report, which has
    /// to be what the plan said. One session an address, unless the options say otherwise.
    #[track_caller]
    pub fn check(&mut self, options: &[&str]) -> Report {
        let plan = self.plan(options);
        let report = self.check_domain(DOMAIN, options);
        report.keeps_to(&plan);
        for (address, connections) in report.connections() {
            self.made.entry(address).or_default().add(&connections);
        }
        report
    }

    /// The same of another domain; its connections are not counted.
    pub fn check_domain(&self, domain: &str, options: &[&str]) -> Report {
        Report::read(&self.run(domain, options))
    }

    /// What `mxparity check --plan` says of the same run.
    pub fn plan(&self, options: &[&str]) -> Value {
        let done = self.run(DOMAIN, &[options, &["--plan"]].concat());
        serde_json::from_slice(&done.stdout).unwrap()
    }

    fn place(&self, host: &str) -> &Place {
        &self.host(host).1
    }

    fn run(&self, domain: &str, options: &[&str]) -> Output {
        let mut command = self.inside();
        command.arg(binary()).args(["check", domain, "--format", "json"]);
        for network in ["192.0.2.0/24", "203.0.113.0/24", "2001:db8::/32"] {
            command.args(["--allow-net", network]);
        }
        if !options.contains(&"--no-rcpt") {
            command.args(["--rcpt", &format!("{}@{domain}", crate::host::KNOWN)]);
        }
        // What Debian's defaults take is for the tests that ask for it.
        if !options.contains(&"--depth") {
            command.args(["--depth", "session"]);
        }
        command.arg("--ca-file").arg(self.authority.anchor()).args(options);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The lines with `words` in the mail log of `host` (`mx2`, say), once there are `count`.
    #[track_caller]
    pub fn logged(&self, host: &str, words: &str, count: usize) -> Vec<String> {
        let place = self.place(host);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = place.logged("mail.log");
            let lines: Vec<_> = lines_with(&log, &[words]).map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(Instant::now() < deadline, "{host} logged {lines:#?}");
            nap();
        }
    }

    /// The lines in the Postfix log of `host` that Debian's fail2ban counts in this mode of its filter.
    pub fn counted_by_fail2ban(&self, host: &str, mode: &str) -> Vec<String> {
        let empty = self.folder.path().join("fail2ban");
        fs::create_dir_all(&empty).unwrap();
        let filter = format!("/etc/fail2ban/filter.d/postfix.conf[mode={mode}]");
        let mut command = Command::new("unshare");
        command.arg("--mount").arg(ground::script("enter")).arg(ground::packages()).arg(empty);
        command.arg(self.place(host).log());
        command.args(["fail2ban-regex", "--out", "msg", "/var/log/mail.log", &filter]);
        let done = command.stdin(Stdio::null()).output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && errors.is_empty(), "fail2ban-regex, {mode}: {errors}");
        String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect()
    }

    /// Where runs with `--state` keep what they remember.
    pub fn state_file(&self) -> String {
        self.folder.path().join("state.json").display().to_string()
    }

    /// What the last run with `--state` remembered.
    pub fn state(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.state_file()).unwrap()).unwrap()
    }

    /// Makes everything remembered so many minutes older, which is all that waiting would change.
    pub fn age_state(&self, minutes: i64) {
        let mut state = self.state();
        let mut aged = 0;
        each_word(&mut state, &mut |word| {
            if let Ok(moment) = word.parse::<Timestamp>() {
                *word = (moment - SignedDuration::from_mins(minutes)).to_string();
                aged += 1;
            }
        });
        assert!(aged > 0, "no time in {state:#}");
        fs::write(self.state_file(), state.to_string()).unwrap();
    }

    /// Has every Postfix forget how often clients came, as it does when its time unit is over: that
    /// memory is its process `anvil`, which it starts anew when it next needs it.
    pub fn lift_rate_limits(&self) {
        let words = "ended=1; for process in /proc/[0-9]*; do \
                     if [ \"$(cat $process/comm)\" = anvil ]; then \
                     kill ${process#/proc/} && ended=0; fi; done; exit $ended";
        let done = self.enter_tool("bash", &["-c", words]);
        assert!(done.status.success(), "{done:?}");
    }

    /// The first address of `host`.
    pub fn address(&self, host: &str) -> IpAddr {
        self.place(host).addresses[0]
    }

    /// Gives the machine mxparity stands on another address.
    pub fn stand_also_at(&self, address: &str) {
        let added = self.enter_tool("ip", &["address", "add", address, "dev", "lo", "nodad"]);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }

    /// Waits until postgrey would let the prober's mail for the known recipient through, by asking
    /// it as Postfix does.
    pub fn wait_until_greylist_opens(&self) {
        let deadline = Instant::now() + PATIENCE;
        let question = format!(
            "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address={}\n\
             client_name=probe.example\nsender=postmaster@probe.example\nrecipient={}@{DOMAIN}\n\n",
            SOURCES[0],
            crate::host::KNOWN
        );
        let words = "exec 3<>/dev/tcp/127.0.0.1/10023; printf %s \"$1\" >&3; head --lines=1 <&3";
        loop {
            let asked = self.enter_tool("bash", &["-c", words, "bash", &question]);
            let answer = String::from_utf8_lossy(&asked.stdout).into_owned();
            assert!(answer.starts_with("action="), "postgrey: {answer} {asked:?}");
            if !answer.contains("DEFER") {
                return;
            }
            assert!(Instant::now() < deadline, "postgrey goes on with {answer}");
            nap();
        }
    }

    /// Reads the servers' own logs: they saw exactly the connections that mxparity told of, each
    /// ended with QUIT, and no word was said that is not among the eight. Of the hosts in `broken`
    /// this many connections ended in the handshake or with 421, besides those that ask for no more.
    pub fn close(self, broken: &[(&str, usize)]) {
        for (server, place) in &self.hosts {
            let Connections { all, floor, commands } = self.told(place);
            let sessions = self.settled(server, place);
            sessions.assert_polite(&place.name);
            assert_eq!(sessions.begun, all, "{}: connections: {sessions:?}", place.name);
            let broken = broken.iter().find(|(name, _)| place.name.starts_with(name));
            let broken = broken.map_or(0, |(_, count)| *count) + floor;
            let otherwise = sessions.broken_handshakes + sessions.sent_away;
            assert_eq!(otherwise, broken, "{}: ended without QUIT", place.name);
            // What is said into a connection that breaks may not be heard, and a guard does not count.
            if broken == floor && !server.guarded {
                assert_eq!(sessions.commands, commands, "{}: commands", place.name);
            }
        }
    }

    /// The connections `host` saw, by its own log, once it has seen as many as mxparity told of.
    pub fn counted(&self, host: &str) -> usize {
        let (server, place) = self.host(host);
        self.settled(server, place).begun
    }

    /// The connections to a host that mxparity told of.
    fn told(&self, place: &Place) -> Connections {
        let mut told = Connections::default();
        place
            .addresses
            .iter()
            .filter_map(|address| self.made.get(address))
            .for_each(|made| told.add(made));
        told
    }

    /// The last lines of a session are written after the client has gone.
    fn settled(&self, server: &Server, place: &Place) -> Sessions {
        let told = self.told(place).all;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sessions = server.sessions(place);
            let settled = sessions.begun >= told && sessions.ended() >= sessions.begun;
            if settled || !sessions.complaints.is_empty() || Instant::now() > deadline {
                return sessions;
            }
            nap();
        }
    }

    fn host(&self, name: &str) -> &(Server, Place) {
        let mut hosts = self.hosts.iter();
        hosts.find(|(_, place)| place.name.starts_with(name)).expect("a host of the world")
    }

    fn issue_certificates(&self) {
        for (server, place) in &self.hosts {
            for (certificate, name) in [
                (server.certificate, "tls"),
                (server.second, "second"),
                (server.elsewhere, "elsewhere"),
            ] {
                if let Some(certificate) = certificate {
                    let file = certificate_folder(place).join(name);
                    self.authority.issue(certificate, &place.name, &file);
                }
            }
        }
    }

    fn start_hosts(&mut self, packages: &Path) {
        for (server, place) in &self.hosts {
            fs::create_dir_all(place.log()).unwrap();
            // Every user a server becomes writes its own log here.
            fs::set_permissions(place.log(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
                .unwrap();
            place.write("/etc/resolv.conf", &resolv_conf());
            let words = server.settle(place);
            let mut command =
                if server.is_packaged() { self.enter(packages, place) } else { self.beside(place) };
            self.servers.push(command.args(["bash", "-c", &words]).spawn().unwrap());
        }
    }

    /// Looks into the kernel's table instead of connecting: a server's log stays free of us.
    fn wait_until_listening(&mut self) {
        let mut wanted: Vec<Listener> = vec![Listener::udp(zone::NAME_SERVER.parse().unwrap(), 53)];
        for (_, place) in &self.hosts {
            wanted.extend(place.addresses.iter().map(|address| Listener::tcp(*address, 25)));
        }
        self.wait_for(&wanted);
    }

    fn wait_for(&mut self, wanted: &[Listener]) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(missing) = wanted.iter().find(|one| !one.is_there(self.space.id())) {
            let ended = self.servers.iter_mut().any(|one| one.try_wait().unwrap().is_some());
            let in_time = !ended && Instant::now() < deadline;
            assert!(in_time, "no server at {missing:?}\n{}", self.words_of_servers());
            nap();
        }
    }

    fn words_of_servers(&self) -> String {
        let logs = self.hosts.iter().map(|(_, place)| {
            format!("-- {}\n{}{}", place.name, place.said(), place.logged("mail.log"))
        });
        logs.collect()
    }

    /// A command inside the world.
    fn inside(&self) -> Command {
        let space = self.space.id();
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={space}")).args(["--net", "--mount"]);
        command.arg(format!("--pid=/proc/{space}/ns/pid_for_children")).arg("--");
        command
    }

    /// Runs one of this machine's tools inside the world.
    pub fn enter_tool(&self, name: &str, words: &[&str]) -> Output {
        self.with_tools().arg(name).args(words).stdin(Stdio::null()).output().unwrap()
    }

    /// A command inside the world that finds what may have been unpacked.
    fn with_tools(&self) -> Command {
        let environment = ground::tool("env");
        let mut command = self.inside();
        command.envs(environment.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    }

    /// A command inside the world on the machine's own ground.
    fn beside(&self, place: &Place) -> Command {
        let output = File::create(place.output()).unwrap();
        let mut command = self.with_tools();
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        command
    }

    /// A command inside the world on the packages' own ground, with the files of `place`.
    fn enter(&self, packages: &Path, place: &Place) -> Command {
        let output = File::create(place.output()).unwrap();
        let mut command = self.inside();
        command.args(["unshare", "--mount"]).arg(ground::script("enter"));
        command.arg(packages).arg(place.files()).arg(place.log());
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Its first process reads standard input to the end and takes all others along.
        drop(self.space.stdin.take());
        for child in self.servers.iter_mut().chain([&mut self.space]) {
            // Nothing is lost if it has been waited for already.
            let _ = child.wait();
        }
    }
}

impl Place {
    fn entry(&self) -> Entry<'_> {
        Entry { name: &self.name, preference: self.preference, addresses: &self.addresses }
    }
}

/// Neighbours in the list are in different networks.
fn ipv4(position: usize) -> IpAddr {
    let network = ["203.0.113", "192.0.2"][position % 2];
    format!("{network}.{position}0").parse().unwrap()
}

fn ipv6(position: usize) -> IpAddr {
    format!("2001:db8:{position}::25").parse().unwrap()
}

/// With `records` in the zone of the hosts.
fn added(mut zones: Vec<Zone>, records: &str) -> Vec<Zone> {
    zones[0].text += records;
    zones
}

/// Opens the namespaces and waits until their network stands.
fn space(folder: &Path, hosts: &[(Server, Place)]) -> Child {
    let resolver = folder.join("resolv.conf");
    fs::write(&resolver, resolv_conf()).unwrap();
    let mut command = ground::tool("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.arg(ground::script("open")).arg(resolver).args(SOURCES);
    command.args(zone::NAME_SERVERS).arg(around::POLICY_HOST);
    for (_, place) in hosts {
        command.args(place.addresses.iter().map(IpAddr::to_string));
    }
    let mut space = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let output = space.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "open\n", "the network of the world did not come up");
    space
}

/// A measurement names the one it wants.
fn binary() -> String {
    std::env::var("MXPARITY_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_mxparity").to_owned())
}

fn resolv_conf() -> String {
    format!("nameserver {}\n", zone::NAME_SERVER)
}

/// Every text in a JSON value, wherever it stands.
fn each_word(value: &mut Value, change: &mut dyn FnMut(&mut String)) {
    match value {
        Value::String(word) => change(word),
        Value::Array(items) => items.iter_mut().for_each(|item| each_word(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|item| each_word(item, change)),
        _ => {}
    }
}

/// A moment between two looks at something that will come.
pub fn nap() {
    std::thread::sleep(Duration::from_millis(20));
}
