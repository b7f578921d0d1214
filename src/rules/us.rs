//! US rules.
