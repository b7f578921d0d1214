//! mxparity against real servers: Postfix, Exim and `OpenSMTPD` as primary and as backup, each started
//! from its Debian package in a network of its own, with a real name server answering. And, for TLS, two
//! scanners beside mxparity that must come to the same: `oracle`.
//!
//! Written against the versions of Debian 12, whose words and defaults it quotes. Needs root (for
//! namespaces and port 25) and Debian's packages, which `fetch` unpacks below `target/`; where one is
//! missing, every test fails and says the mend. Installs nothing and leaves no process behind.

mod acceptance;
mod browser;
mod certificate;
mod dane;
mod dnssec;
mod encryption;
mod exim;
mod failover;
mod flights;
mod formats;
mod ground;
mod host;
mod limits;
mod listener;
mod manners;
mod opensmtpd;
mod openssl;
mod oracle;
mod postfix;
mod prober;
mod promises;
mod report;
mod return_visit;
mod senders;
mod session;
mod signing;
mod standing;
mod world;
mod zone;
