//! NET rules.
