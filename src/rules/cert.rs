//! CERT rules.
