//! One mail host of a world: which software, whom it takes mail for, what TLS it shows.
//!
//! What each software needs for that is in its own file. Starts nothing: see `world`.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use crate::{
    certificate::{Certificate, Whose},
    exim, opensmtpd, openssl, postfix,
    session::Sessions,
};

/// The domain of every world.
pub const DOMAIN: &str = "even.example";

/// The recipient that the domain has.
pub const KNOWN: &str = "anna";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Software {
    Exim,
    /// Debian's, with a front for what is said before TLS.
    OpenSsl,
    /// A newer one, likewise.
    OpenSslNew,
    OpenSmtpd,
    Postfix,
}

/// For whom a host takes mail; for the local postmaster in every case but the last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Takes {
    /// For any name in the domain.
    Anyone,
    /// For [`KNOWN`] and nobody else.
    Known,
    /// For others in the domain, not for [`KNOWN`].
    Others,
    /// For another domain only.
    OtherDomain,
}

/// A host as a test wants it.
#[derive(Clone, Debug)]
pub struct Server {
    pub software: Software,
    pub takes: Takes,
    pub certificate: Option<Certificate>,
    /// One of another algorithm beside it, which the settings have to name.
    pub second: Option<Certificate>,
    /// What it shows at an IPv6 address, which it then has whatever the others have.
    pub elsewhere: Option<Certificate>,
    /// Its TLSA records: their three numbers, and what they are about.
    pub tlsa: Vec<(&'static str, Whose)>,
    /// Whether a guard (Postfix's postscreen) talks to new clients first.
    pub guarded: bool,
    /// Whether postgrey has clients come again, and after how many seconds.
    pub greylisting: Option<u32>,
    /// Lines in the software's own language, added to its settings.
    pub settings: String,
}

impl Server {
    pub fn postfix() -> Self {
        Self::of(Software::Postfix, Some(Certificate::Good))
    }

    pub fn exim() -> Self {
        Self::of(Software::Exim, Some(Certificate::Good))
    }

    pub fn openssl() -> Self {
        Self::of(Software::OpenSsl, Some(Certificate::Good))
    }

    pub fn openssl_new() -> Self {
        Self::of(Software::OpenSslNew, Some(Certificate::Good))
    }

    /// In clear: Debian 12's `OpenSMTPD` cannot finish a handshake with its OpenSSL.
    pub fn opensmtpd() -> Self {
        Self::of(Software::OpenSmtpd, None)
    }

    fn of(software: Software, certificate: Option<Certificate>) -> Self {
        let settings = String::new();
        Self {
            software,
            takes: Takes::Known,
            certificate,
            second: None,
            elsewhere: None,
            tlsa: Vec::new(),
            guarded: false,
            greylisting: None,
            settings,
        }
    }

    pub fn taking(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }

    pub fn showing(self, certificate: Certificate) -> Self {
        Self { certificate: Some(certificate), ..self }
    }

    pub fn also_showing(self, second: Certificate) -> Self {
        Self { second: Some(second), ..self }
    }

    /// Shows another certificate at a second address. Only Postfix knows how.
    pub fn showing_elsewhere(self, certificate: Certificate) -> Self {
        Self { elsewhere: Some(certificate), ..self }
    }

    pub fn promising(mut self, numbers: &'static str, whose: Whose) -> Self {
        self.tlsa.push((numbers, whose));
        self
    }

    pub fn in_clear(self) -> Self {
        Self { certificate: None, ..self }
    }

    pub fn guarded(self) -> Self {
        Self { guarded: true, ..self }
    }

    pub fn greylisting(self, seconds: u32) -> Self {
        Self { greylisting: Some(seconds), ..self }
    }

    /// An Exim that takes any number of connections: its children linger for a while after a client
    /// has gone, and by default it says 421 while there are twenty of them.
    pub fn unlimited_exim() -> Self {
        Self::exim().with("smtp_accept_max = 0")
    }

    pub fn with(mut self, line: &str) -> Self {
        self.settings += line;
        self.settings.push('\n');
        self
    }
}

/// Where a server stands in its world.
pub struct Place {
    pub name: String,
    pub preference: u16,
    pub addresses: Vec<IpAddr>,
    /// Below it: `files`, laid over the machine's root, and `log`.
    pub folder: PathBuf,
}

impl Place {
    pub fn is_backup(&self) -> bool {
        self.preference > 10
    }

    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Where standard output and error of the server go.
    pub fn output(&self) -> PathBuf {
        self.folder.join("output")
    }

    /// Writes `text` as the file at `path`, which is absolute as the server sees it.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.files().join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().expect("a file in a folder")).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Everything the server has logged so far.
    pub fn logged(&self, file: &str) -> String {
        fs::read(self.log().join(file))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    pub fn said(&self) -> String {
        let bytes = fs::read(self.output()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Server {
    /// Writes the settings into the place and returns the words that start the server there.
    pub fn settle(&self, place: &Place) -> String {
        common_files(place, self.takes != Takes::Others);
        match self.software {
            Software::Exim => exim::settle(self, place).to_owned(),
            Software::OpenSmtpd => opensmtpd::settle(self, place).to_owned(),
            Software::OpenSsl | Software::OpenSslNew => openssl::settle(self, place),
            Software::Postfix => postfix::settle(self, place),
        }
    }

    /// Whether it runs from packages that would conflict with the machine's own.
    pub fn is_packaged(&self) -> bool {
        !matches!(self.software, Software::OpenSsl | Software::OpenSslNew)
    }

    /// What the server's own log says of the sessions it had.
    pub fn sessions(&self, place: &Place) -> Sessions {
        match self.software {
            Software::Exim => exim::sessions(place),
            Software::OpenSmtpd => opensmtpd::sessions(place),
            Software::OpenSsl | Software::OpenSslNew => openssl::sessions(place),
            Software::Postfix => postfix::sessions(self, place),
        }
    }
}

/// Accounts, resolver and host names as the server sees them.
pub fn common_files(place: &Place, with_known: bool) {
    let mut accounts = vec!["root:0", "mail:8", "nobody:65534", "postfix:901", "postdrop:902"];
    accounts.extend([
        "Debian-exim:903",
        "opensmtpd:904",
        "opensmtpq:905",
        "adm:4",
        "postgrey:906",
        "uucp:10",
        "berta:2002",
    ]);
    if with_known {
        accounts.push("anna:2001");
    }
    let split = |account: &str| {
        let (name, id) = account.split_once(':').expect("name:id");
        (name.to_owned(), id.to_owned())
    };
    let users = accounts.iter().map(|account| {
        let (name, id) = split(account);
        format!("{name}:x:{id}:{id}::/var/lib/opensmtpd/empty:/bin/false\n")
    });
    place.write("/etc/passwd", &users.collect::<String>());
    let groups = accounts.iter().map(|account| {
        let (name, id) = split(account);
        format!("{name}:x:{id}:\n")
    });
    place.write("/etc/group", &groups.collect::<String>());
    place.write("/etc/hosts", "127.0.0.1 localhost\n");
    place.write("/etc/mailname", &place.name);
    place.write(
        "/etc/aliases",
        &format!("postmaster: {}\n", if with_known { KNOWN } else { "berta" }),
    );
}

/// The addresses in the form a server's settings want, with `between` between them.
pub fn listed(addresses: &[IpAddr], between: &str) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(between)
}

/// The lines of `text` that hold any of `words`.
pub fn lines_with<'a>(text: &'a str, words: &'a [&str]) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| words.iter().any(|word| line.contains(word)))
}

/// Where `path` lies as the server's settings name it.
pub const CERTIFICATE: &str = "/etc/real/tls.pem";
pub const KEY: &str = "/etc/real/tls.key";

/// Where those of the second address lie.
pub const CERTIFICATE_ELSEWHERE: &str = "/etc/real/elsewhere.pem";
pub const KEY_ELSEWHERE: &str = "/etc/real/elsewhere.key";

/// The folder for all of them, made if need be.
pub fn certificate_folder(place: &Place) -> PathBuf {
    let folder = place.files().join(Path::new("etc/real"));
    fs::create_dir_all(&folder).unwrap();
    folder
}
