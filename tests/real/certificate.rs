//! Certificates made with the `openssl` command: good ones from a private authority, and each way
//! to be bad that mail hosts show in practice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256, Sha512};

use crate::ground;

/// What a host shows in its handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// Issued by an intermediate, which is sent along.
    Chained,
    ChainedExpired,
    ChainedWrongName,
    Expired,
    Good,
    GoodRsa,
    /// RSA of 1024 bits, signed with SHA-1: what forgotten backups still have.
    Outdated,
    SelfSigned,
    WrongName,
}

/// Whose certificate or key a TLSA record is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whose {
    /// That of the intermediate, which signs only chained certificates.
    Intermediate,
    /// The server's own, where it has several that of its first address.
    Own,
    /// That of the authority itself, which no server sends.
    Root,
}

/// A private certificate authority in a folder of its own, with one intermediate below it.
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    pub fn open(folder: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        let settings = "[ca]\ndefault_ca = own\n[own]\nnew_certs_dir = .\ndatabase = index\n\
             serial = serial\ncertificate = ca.pem\nprivate_key = ca.key\npolicy = any\n\
             unique_subject = no\n[any]\ncommonName = supplied\n";
        fs::write(folder.join("ca.cnf"), settings).unwrap();
        fs::write(folder.join("index"), "").unwrap();
        fs::write(folder.join("serial"), "1000\n").unwrap();
        let authority = Self { folder };
        authority.openssl(&format!(
            "req -x509 {EC} -nodes -keyout ca.key -out ca.pem -days 90 -subj /CN=Authority"
        ));
        authority.openssl(&format!(
            "req -new {EC} -nodes -keyout intermediate.key -out intermediate.csr -subj /CN=Intermediate"
        ));
        authority.sign(
            "intermediate",
            "basicConstraints = critical,CA:TRUE",
            "-md sha256 -days 90",
        );
        authority
    }

    /// The anchor that verifying senders would trust.
    pub fn anchor(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Writes a certificate for the host `name`, and its key, as `file` with `.pem` and `.key`.
    pub fn issue(&self, kind: Certificate, name: &str, file: &Path) {
        self.issue_to(kind, &[name], file);
    }

    /// The same for several names.
    pub fn issue_to(&self, kind: Certificate, names: &[&str], file: &Path) {
        use Certificate::{Chained, ChainedExpired, ChainedWrongName, Expired, WrongName};
        let name = names[0];
        let chained = matches!(kind, Chained | ChainedExpired | ChainedWrongName);
        let key = match kind {
            Certificate::GoodRsa => "-newkey rsa:2048",
            Certificate::Outdated => "-newkey rsa:1024",
            _ => EC,
        };
        let elsewhere = matches!(kind, WrongName | ChainedWrongName);
        let names = if elsewhere { &["www.other.example"] } else { names };
        let covered = names[0];
        let digest = if kind == Certificate::Outdated { "sha1" } else { "sha256" };
        let dates = match kind {
            Expired | ChainedExpired => "-startdate 20200101000000Z -enddate 20210101000000Z",
            _ => "-days 90",
        };
        let subject = format!("-nodes -keyout {name}.key -subj /CN={covered}");
        if kind == Certificate::SelfSigned {
            self.openssl(&format!(
                "req -x509 {key} {subject} -out {name}.pem -days 90 -addext subjectAltName=DNS:{covered}"
            ));
        } else {
            self.openssl(&format!("req -new {key} {subject} -out {name}.csr"));
            let issuer =
                if chained { "-cert intermediate.pem -keyfile intermediate.key" } else { "" };
            let options = format!("-md {digest} {dates} {issuer}");
            let all = format!("subjectAltName = DNS:{}", names.join(",DNS:"));
            self.sign(name, &all, &options);
        }
        let mut sent = fs::read_to_string(self.folder.join(format!("{name}.pem"))).unwrap();
        if chained {
            sent += &fs::read_to_string(self.of(Whose::Intermediate, file)).unwrap();
        }
        fs::write(file.with_extension("pem"), sent).unwrap();
        // Copied, because servers want to see that nobody else may read it.
        let key = self.folder.join(format!("{name}.key"));
        fs::copy(key, file.with_extension("key")).unwrap();
    }

    /// The data of a TLSA record with these numbers, `3 1 1` say; `own` was issued here.
    pub fn tlsa(&self, numbers: &str, whose: Whose, own: &Path) -> String {
        let file = self.of(whose, own);
        let [_usage, selector, matching] = numbers.split(' ').collect::<Vec<_>>()[..] else {
            panic!("three numbers: {numbers}");
        };
        let pem = match selector {
            "0" => fs::read_to_string(file).unwrap(),
            _ => self.openssl(&format!("x509 -noout -pubkey -in {}", file.display())),
        };
        let octets = first_block(&pem);
        match matching {
            "0" => HEXLOWER.encode(&octets),
            "1" => HEXLOWER.encode(&Sha256::digest(&octets)),
            _ => HEXLOWER.encode(&Sha512::digest(&octets)),
        }
    }

    fn of(&self, whose: Whose, own: &Path) -> PathBuf {
        match whose {
            Whose::Intermediate => self.folder.join("intermediate.pem"),
            Whose::Own => own.with_extension("pem"),
            Whose::Root => self.anchor(),
        }
    }

    /// Makes `name.pem` of `name.csr`.
    fn sign(&self, name: &str, extension: &str, options: &str) {
        fs::write(self.folder.join("extension"), format!("{extension}\n")).unwrap();
        self.openssl(&format!(
            "ca -batch -notext -config ca.cnf -extfile extension {options} -in {name}.csr -out {name}.pem"
        ));
    }

    fn openssl(&self, words: &str) -> String {
        let mut command = ground::tool("openssl");
        command.args(words.split_ascii_whitespace()).current_dir(&self.folder);
        let done = command.output().expect("openssl, which fetch sees to");
        assert!(
            done.status.success(),
            "openssl {words}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }
}

/// What the first block of a PEM file holds.
fn first_block(pem: &str) -> Vec<u8> {
    let lines = pem.lines().skip_while(|line| !line.starts_with("-----")).skip(1);
    let body: String = lines.take_while(|line| !line.starts_with("-----")).collect();
    BASE64.decode(body.as_bytes()).unwrap()
}

const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
