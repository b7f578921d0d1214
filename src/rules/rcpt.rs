//! RCPT rules.
