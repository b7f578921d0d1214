//! Certificates made with the `openssl` command: good ones from a private authority, and each way
//! to be bad that mail hosts show in practice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::ground;

/// What a host shows in its handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certificate {
    Expired,
    Good,
    GoodRsa,
    /// RSA of 1024 bits, signed with SHA-1: what forgotten backups still have.
    Outdated,
    SelfSigned,
    WrongName,
}

/// A private certificate authority in a folder of its own.
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
        authority
    }

    /// The anchor that verifying senders would trust.
    pub fn anchor(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Writes `tls.pem` and `tls.key` for the host `name` into `folder`.
    pub fn issue(&self, kind: Certificate, name: &str, folder: &Path) {
        let key = match kind {
            Certificate::GoodRsa => "-newkey rsa:2048",
            Certificate::Outdated => "-newkey rsa:1024",
            _ => EC,
        };
        let covered = if kind == Certificate::WrongName { "www.other.example" } else { name };
        let digest = if kind == Certificate::Outdated { "sha1" } else { "sha256" };
        let dates = match kind {
            Certificate::Expired => "-startdate 20200101000000Z -enddate 20210101000000Z",
            _ => "-days 90",
        };
        fs::write(self.folder.join("names"), format!("subjectAltName = DNS:{covered}\n")).unwrap();
        let subject = format!("-nodes -keyout {name}.key -subj /CN={covered}");
        if kind == Certificate::SelfSigned {
            self.openssl(&format!(
                "req -x509 {key} {subject} -out {name}.pem -days 90 -addext subjectAltName=DNS:{covered}"
            ));
        } else {
            self.openssl(&format!("req -new {key} {subject} -out {name}.csr"));
            self.openssl(&format!(
                "ca -batch -notext -config ca.cnf -extfile names -md {digest} {dates} \
                 -in {name}.csr -out {name}.pem"
            ));
        }
        for end in ["pem", "key"] {
            fs::copy(self.folder.join(format!("{name}.{end}")), folder.join(format!("tls.{end}")))
                .unwrap();
        }
    }

    fn openssl(&self, words: &str) {
        let mut command = ground::tool("openssl");
        command.args(words.split_ascii_whitespace()).current_dir(&self.folder);
        let done = command.output().expect("openssl, which fetch sees to");
        assert!(
            done.status.success(),
            "openssl {words}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
