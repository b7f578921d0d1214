//! What a world needs to have mail sent in it: addresses that come and go, hosts that play parts, real
//! senders, and a check of many domains at once.
//!
//! Knows no sender's settings: see `senders`.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::IpAddr,
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{SOURCES, World, around::RESOLVER, binary};
use crate::{
    ground,
    host::{Place, common_files},
};

/// What a shell says when it is done.
const DONE: &str = "-- done --";

/// More than any sender needs on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(200);

/// A shell in the place of a sender, which ends with it.
pub struct Shell {
    child: Child,
    heard: mpsc::Receiver<String>,
}

/// Hosts that play their parts until they are told to end.
pub struct Cast(Child);

impl World {
    /// Has the kernel take these addresses for its own.
    pub fn take(&self, addresses: &[IpAddr]) {
        self.change("add", addresses);
    }

    /// Has it swallow what goes to these addresses from now on.
    pub fn forsake(&self, addresses: &[IpAddr]) {
        self.change("delete", addresses);
    }

    fn change(&self, verb: &str, addresses: &[IpAddr]) {
        // A route is enough for IPv4; in IPv6 nobody could listen there.
        let line = |address: &IpAddr| match address {
            IpAddr::V4(_) => {
                format!("route {verb} local {address} dev lo src {} table local\n", SOURCES[0])
            }
            IpAddr::V6(_) => format!("address {verb} {address}/128 dev lo nodad\n"),
        };
        let file = self.folder.path().join("addresses");
        fs::write(&file, addresses.iter().map(line).collect::<String>()).unwrap();
        let done = self.enter_tool("ip", &["-batch", &file.display().to_string()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Starts a host at each address, with the part and the certificates that `sink` reads.
    pub fn start_cast(&self, parts: &BTreeMap<IpAddr, Value>, keys: &Path) -> Cast {
        let file = self.folder.path().join("parts");
        fs::write(&file, serde_json::to_string(parts).unwrap()).unwrap();
        let mut command = self.with_tools();
        command.args(ground::python()).arg(ground::script("sink")).arg(file).arg(keys);
        let mut cast = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let output = cast.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).unwrap();
        assert_eq!(line, "on stage\n", "sink says why above");
        Cast(cast)
    }

    /// What verifies the certificates of the world's own hosts.
    pub fn anchor(&self) -> PathBuf {
        self.authority.anchor()
    }

    /// The place of a sender, with what any of them finds there.
    pub fn sender(&self, name: &str) -> Place {
        let place = self.aside(name);
        fs::set_permissions(place.log(), std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .unwrap();
        common_files(&place, false);
        place.write("/etc/resolv.conf", &format!("nameserver {RESOLVER}\noptions trust-ad\n"));
        place
    }

    /// Opens a shell in the place of a sender.
    pub fn open_shell(&self, place: &Place) -> Shell {
        let mut command = self.enter(ground::packages(), place);
        command.arg("bash").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (said, heard) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        Shell { child, heard }
    }

    /// Checks all `domains` in one run, and gives each report by the name of its domain.
    pub fn check_all(&self, domains: &[String], options: &[String]) -> BTreeMap<String, Value> {
        let mut command = self.inside();
        command.arg(binary()).arg("check").args(domains);
        command.args(["--format", "jsonl", "--helo", "probe.example"]);
        for network in ["192.0.2.0/24", "203.0.113.0/24", "2001:db8::/32"] {
            command.args(["--allow-net", network]);
        }
        command
            .args(["--depth", "session", "--pause", "0", "--connect-timeout", "2"])
            .args(options);
        let Output { stdout, stderr, .. } = command.stdin(Stdio::null()).output().unwrap();
        let lines = String::from_utf8(stdout).unwrap();
        let reports = lines.lines().map(|line| {
            let report: Value = serde_json::from_str(line).unwrap();
            (report["domain"].as_str().unwrap().to_owned(), report)
        });
        let reports: BTreeMap<String, Value> = reports.collect();
        assert_eq!(reports.len(), domains.len(), "{}", String::from_utf8_lossy(&stderr));
        reports
    }
}

impl Shell {
    /// Has `words` run, after those before.
    pub fn begin(&mut self, words: &str) {
        let input = self.child.stdin.as_mut().expect("piped");
        input.write_all(format!("{words}\necho {DONE}\n").as_bytes()).unwrap();
    }

    /// Waits until what was begun is done, and gives what it said.
    #[track_caller]
    pub fn finish(&self) -> Vec<String> {
        let deadline = Instant::now() + LIMIT;
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(line) if line == DONE => return said,
                Ok(line) => said.push(line),
                Err(error) => panic!("{error}: {said:#?}"),
            }
        }
    }

    #[track_caller]
    pub fn run(&mut self, words: &str) -> Vec<String> {
        self.begin(words);
        self.finish()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // What it started ends with the world. Nothing is lost if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cast {
    /// Ends them all.
    pub fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}
