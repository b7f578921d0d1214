//! Zones signed under a private root, by Debian's ldnsutils: a key for each, made for the test.
//!
//! Parents learn of their children here: where a zone is delegated, and the digest of its key. Serves
//! nothing: see `zone`.

use std::{fs, path::Path, process::Output};

use crate::{ground, zone::Zone};

/// The key of the private root, below the files of the name server.
pub const ANCHOR: &str = "etc/root.key";

/// How a zone is signed; all that are, under their parent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signed {
    /// Signed once, and never again: all its signatures have expired.
    Expired,
    Not,
    Nsec,
    Nsec3,
    /// With NSEC3, and of the delegations only those that are signed are in it, as under `com`.
    OptOut,
    /// The parent has the digest of another key.
    WrongKey,
}

/// `zones`, children before their parents, as they are served under a signed root; in `folder` are
/// their keys, and that of the root.
pub fn sign(folder: &Path, mut zones: Vec<Zone>) -> Vec<Zone> {
    zones.push(Zone::new("", "", Signed::Nsec));
    for at in 0..zones.len() {
        let Zone { name, text, signed } = &zones[at];
        let (name, signed) = (name.clone(), *signed);
        let mut told = format!("{name}. NS ns.example.\n");
        if signed != Signed::Not {
            let key = key(folder, &name);
            let other = (signed == Signed::WrongKey).then(|| self::key(folder, &name));
            let digest = format!("{}.ds", other.as_ref().unwrap_or(&key));
            told += &fs::read_to_string(folder.join(digest)).unwrap();
            fs::write(folder.join("unsigned"), text).unwrap();
            let mut words = vec!["-f", "signed", "-o", origin(&name)];
            match signed {
                Signed::Nsec3 => words.push("-n"),
                Signed::OptOut => words.extend(["-n", "-p"]),
                Signed::Expired => words.extend(["-i", "20200101", "-e", "20200201"]),
                _ => {}
            }
            words.extend(["unsigned", &key]);
            run(folder, "ldns-signzone", &words);
            zones[at].text = fs::read_to_string(folder.join("signed")).unwrap();
            if name.is_empty() {
                fs::rename(folder.join(format!("{key}.key")), folder.join("root.key")).unwrap();
            }
        }
        let above =
            |zone: &Zone| zone.name.is_empty() || name.ends_with(&format!(".{}", zone.name));
        if let Some(parent) = zones[at + 1..].iter_mut().find(|zone| above(zone)) {
            parent.text += &told;
        }
    }
    zones
}

/// Makes a key for `zone`, and gives the name its files begin with.
fn key(folder: &Path, zone: &str) -> String {
    let made = run(folder, "ldns-keygen", &["-a", "ECDSAP256SHA256", "-k", origin(zone)]);
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

fn origin(zone: &str) -> &str {
    if zone.is_empty() { "." } else { zone }
}

fn run(folder: &Path, name: &str, words: &[&str]) -> Output {
    let done = ground::tool(name).args(words).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{name} {words:?}: {}", String::from_utf8_lossy(&done.stderr));
    done
}
