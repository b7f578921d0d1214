//! What the binaries of the fuzzer share: the targets, and the inputs they begin with.
//!
//! The same two files stand in the test suite. Fuzzes nothing itself.

pub mod seeds;
pub mod targets;

use std::{fs, path::Path};

/// Puts the seeds of a target where the fuzzer looks for inputs.
pub fn sow(name: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = targets::TARGETS.iter().find(|target| target.name == name).expect("a target");
    let corpus = here.join("corpus").join(name);
    fs::create_dir_all(&corpus).expect("a folder for the corpus");
    for (place, seed) in (target.seeds)(&here.join("../../fixtures")).into_iter().enumerate() {
        fs::write(corpus.join(format!("seed-{place}")), seed).expect("a seed");
    }
}
