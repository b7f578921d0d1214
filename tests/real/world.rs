//! A world: mail hosts and a name server in namespaces of their own, and mxparity run among them.
//!
//! The addresses are documentation addresses and the port is 25: inside the namespaces they are real,
//! outside nothing of them can be seen, so that worlds run side by side and nothing leaves this machine.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::IpAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    certificate::Authority,
    ground,
    host::{DOMAIN, Place, Server, certificate_folder},
    report::{Connections, Report},
    zone::{self, Entry},
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
        Self::with_addresses(servers, |position| vec![ipv4(position)])
    }

    /// The same with an IPv6 address beside each IPv4 address.
    pub fn open_with_ipv6(servers: impl IntoIterator<Item = Server>) -> Self {
        Self::with_addresses(servers, |position| {
            vec![ipv4(position), format!("2001:db8:{position}::25").parse().unwrap()]
        })
    }

    fn with_addresses(
        servers: impl IntoIterator<Item = Server>,
        addresses: impl Fn(usize) -> Vec<IpAddr>,
    ) -> Self {
        let packages = ground::packages();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let authority = Authority::open(folder.path().join("authority"));
        let place = |(position, server): (usize, Server)| {
            let name = format!("mx{position}.{DOMAIN}");
            let preference = u16::try_from(position * 10).unwrap();
            let folder = folder.path().join(&name);
            (server, Place { name, preference, addresses: addresses(position), folder })
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
        world.start_name_server(packages);
        world.start_hosts(packages);
        world.wait_until_listening();
        world
    }

    /// Runs `mxparity check` as its user would, with `options` added, and reads its report. One
    /// session an address, unless the options say otherwise.
    pub fn check(&mut self, options: &[&str]) -> Report {
        let mut command = self.inside();
        command.arg(env!("CARGO_BIN_EXE_mxparity")).args(["check", DOMAIN, "--format", "json"]);
        for network in ["192.0.2.0/24", "203.0.113.0/24", "2001:db8::/32"] {
            command.args(["--allow-net", network]);
        }
        command.args(["--rcpt", &format!("{}@{DOMAIN}", crate::host::KNOWN)]);
        // What Debian's defaults take is for the tests that ask for it.
        if !options.contains(&"--depth") {
            command.args(["--depth", "session"]);
        }
        command.arg("--ca-file").arg(self.authority.anchor()).args(options);
        let done = command.stdin(Stdio::null()).output().unwrap();
        let report = Report::read(&done);
        for (address, connections) in report.connections() {
            let made = self.made.entry(address).or_default();
            made.all += connections.all;
            made.floor += connections.floor;
        }
        report
    }

    /// Reads the servers' own logs: they saw exactly the connections that mxparity told of, each
    /// ended with QUIT, and no word was said that is not among the seven. Of the hosts in `broken`
    /// this many connections ended in the handshake, besides those that ask for no more.
    pub fn close(self, broken: &[(&str, usize)]) {
        for (server, place) in &self.hosts {
            let made = || place.addresses.iter().filter_map(|address| self.made.get(address));
            let all: usize = made().map(|made| made.all).sum();
            let floor: usize = made().map(|made| made.floor).sum();
            // The last lines of a session are written after the client has gone.
            let deadline = Instant::now() + PATIENCE;
            let sessions = loop {
                let sessions = server.sessions(place);
                let settled = sessions.begun >= all && sessions.ended() >= sessions.begun;
                if settled || !sessions.complaints.is_empty() || Instant::now() > deadline {
                    break sessions;
                }
                nap();
            };
            sessions.assert_polite(&place.name);
            assert_eq!(sessions.begun, all, "{}: connections: {sessions:?}", place.name);
            let broken = broken.iter().find(|(name, _)| place.name.starts_with(name));
            let broken = broken.map_or(0, |(_, count)| *count) + floor;
            assert_eq!(sessions.broken_handshakes, broken, "{}: handshakes", place.name);
        }
    }

    fn start_name_server(&mut self, packages: &Path) {
        let name = "ns.example";
        let place = Place {
            name: name.to_owned(),
            preference: 0,
            addresses: Vec::new(),
            folder: self.folder.path().join(name),
        };
        let entries: Vec<Entry<'_>> = self.hosts.iter().map(|(_, place)| place.entry()).collect();
        let sources = SOURCES.map(|address| address.parse().unwrap());
        let prober = Entry { name: "probe.example", preference: 10, addresses: &sources };
        fs::create_dir_all(place.log()).unwrap();
        zone::write(&place.files(), DOMAIN, &entries, &prober);
        let server = self.enter(packages, &place).args(zone::COMMAND).spawn().unwrap();
        self.servers.push(server);
    }

    fn start_hosts(&mut self, packages: &Path) {
        for (server, place) in &self.hosts {
            fs::create_dir_all(place.log()).unwrap();
            // Every user a server becomes writes its own log here.
            fs::set_permissions(place.log(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
                .unwrap();
            place.write("/etc/resolv.conf", &resolv_conf());
            if let Some(certificate) = server.certificate {
                let folder = certificate_folder(place);
                self.authority.issue(certificate, &place.name, &folder);
            }
            let words = server.settle(place);
            let child = self.enter(packages, place).args(["sh", "-c", words]).spawn().unwrap();
            self.servers.push(child);
        }
    }

    /// Looks into the kernel's table instead of connecting: a server's log stays free of us.
    fn wait_until_listening(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let mut wanted: Vec<Listener> = vec![Listener::udp(zone::NAME_SERVER.parse().unwrap(), 53)];
        for (_, place) in &self.hosts {
            wanted.extend(place.addresses.iter().map(|address| Listener::tcp(*address, 25)));
        }
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

/// Opens the namespaces and waits until their network stands.
fn space(folder: &Path, hosts: &[(Server, Place)]) -> Child {
    let resolver = folder.join("resolv.conf");
    fs::write(&resolver, resolv_conf()).unwrap();
    let mut command = ground::tool("unshare");
    command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.arg(ground::script("open")).arg(resolver).args(SOURCES);
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

fn resolv_conf() -> String {
    format!("nameserver {}\n", zone::NAME_SERVER)
}

/// A moment between two looks at something that will come.
fn nap() {
    std::thread::sleep(Duration::from_millis(20));
}

/// A socket that must be there, as /proc/net shows it.
#[derive(Debug)]
struct Listener {
    table: &'static str,
    address: IpAddr,
    port: u16,
    /// 0A is LISTEN; an unconnected UDP socket is shown as 07, CLOSE.
    state: &'static str,
}

impl Listener {
    fn tcp(address: IpAddr, port: u16) -> Self {
        let table = if address.is_ipv4() { "tcp" } else { "tcp6" };
        Self { table, address, port, state: "0A" }
    }

    fn udp(address: IpAddr, port: u16) -> Self {
        Self { table: "udp", address, port, state: "07" }
    }

    fn is_there(&self, process: u32) -> bool {
        let table = fs::read_to_string(format!("/proc/{process}/net/{}", self.table)).unwrap();
        let local = format!("{}:{:04X}", hexadecimal(self.address), self.port);
        table.lines().any(|line| {
            let mut columns = line.split_ascii_whitespace().skip(1);
            columns.next() == Some(&local) && columns.nth(1) == Some(self.state)
        })
    }
}

/// As the kernel prints it: each group of four octets as one number of this machine.
fn hexadecimal(address: IpAddr) -> String {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let groups = octets.chunks_exact(4).map(|group| u32::from_ne_bytes(group.try_into().unwrap()));
    groups.map(|group| format!("{group:08X}")).collect::<Vec<_>>().concat()
}
