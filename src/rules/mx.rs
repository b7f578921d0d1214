//! MX rules: what DNS says about the exchangers.
//!
//! Reads look-ups and names only; what the servers did is for the other areas.

use super::{Case, Evidence, Subject, View};
use crate::survey::MxLookup;

pub fn implicit_mx(view: &View<'_>) -> Vec<Case> {
    let MxLookup::Implicit { host } = &view.survey.mx else {
        return Vec::new();
    };
    vec![Case::about(Subject::domain()).seen(Evidence::plain("mx", &host.name))]
}
