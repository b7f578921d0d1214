//! The built-in worlds of `mxparity demo`, each making one point.
//!
//! A world is a file in `worlds/`. None needs a stalled server: a demo should not keep people waiting.

use super::{World, WorldFault};

/// A built-in world.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    pub name: &'static str,
    pub text: &'static str,
}

/// A row; the file is named after the demo, so one without a file does not build.
macro_rules! demos {
    ($($name:literal)*) => {
        &[$(Demo { name: $name, text: include_str!(concat!("worlds/", $name, ".toml")) }),*]
    };
}

/// Every built-in world; the first is the one that is shown unless another is named.
pub static DEMOS: &[Demo] = demos! {
    "weak-backup"
    "even"
    "relay-denied"
    "dead-backup"
    "clear-backup"
    "broken-promises"
    "half-dead"
    "greylisting"
    "prober-blocked"
    "three-tiers"
};

impl Demo {
    /// The demo of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        DEMOS.iter().find(|demo| demo.name == name)
    }

    pub fn world(&self) -> Result<World, WorldFault> {
        World::parse(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demo_can_be_played_and_says_what_it_shows() {
        for demo in DEMOS {
            let world = demo.world().unwrap_or_else(|fault| panic!("{}: {fault}", demo.name));
            assert!(!world.summary.is_empty(), "{}", demo.name);
        }
    }
}
