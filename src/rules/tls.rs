//! TLS rules.
