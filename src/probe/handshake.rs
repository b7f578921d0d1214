//! The TLS handshake that completes whatever the certificate is worth, and notes what it is worth.
//!
//! The only file that accepts an unverified certificate. Judges nothing: trust is a fact beside it.

use std::sync::Arc;

use rustls::RootCertStore;

/// The anchors a verifying sender would use.
#[derive(Clone, Debug)]
pub struct Trust {
    pub roots: Arc<RootCertStore>,
}

impl Trust {
    /// Mozilla's anchors, compiled in.
    pub fn builtin() -> Self {
        let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        Self { roots: Arc::new(roots) }
    }
}
