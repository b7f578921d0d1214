//! One limit on all the look-ups of a domain.
//!
//! A zone can name 64 hosts of 32 addresses each, behind servers that let every question time out;
//! each question alone keeps its limit, and the sum would still be many minutes. Asks nothing
//! itself.

use std::{net::IpAddr, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{Answer, Proven, RecordKind, Resolver, seam::Later};
use crate::survey::DnsFault;

/// For all look-ups of one domain. A sound zone takes a second or two; a resolver that has to try a
/// second server loses about 10 s on a name, and the look-ups stand at most four deep.
pub const LONGEST: Duration = Duration::from_secs(60);

/// A resolver whose patience ends for all questions at once.
pub struct Patient<'a> {
    resolver: &'a dyn Resolver,
    until: Instant,
    /// Becomes true when the user interrupts.
    stop: watch::Receiver<bool>,
}

impl<'a> Patient<'a> {
    /// Patience begins now, and ends when the user interrupts as well.
    pub fn new(resolver: &'a dyn Resolver, stop: watch::Receiver<bool>) -> Self {
        Self { resolver, until: Instant::now() + LONGEST, stop }
    }

    /// Answers that came in time stay; whatever is still open then is a failure of its own name.
    fn bound<'b, T: From<DnsFault> + 'b>(&self, answer: Later<'b, T>) -> Later<'b, T> {
        let (until, mut stop) = (self.until, self.stop.clone());
        Box::pin(async move {
            tokio::select! {
                // What is there already is taken, whatever else has happened.
                biased;
                answer = timeout_at(until, answer) => {
                    answer.unwrap_or_else(|_| DnsFault::TimedOut.into())
                }
                () = interrupted(&mut stop) => DnsFault::Interrupted.into(),
            }
        })
    }
}

impl Resolver for Patient<'_> {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
        self.bound(self.resolver.ask(name, kind))
    }

    fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
        self.bound(self.resolver.prove(name, kind))
    }

    fn ask_server<'a>(
        &'a self,
        server: IpAddr,
        name: &'a str,
        kind: RecordKind,
    ) -> Later<'a, Answer> {
        self.bound(self.resolver.ask_server(server, name, kind))
    }
}

/// Comes back once the user has interrupted.
pub async fn interrupted(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        // Nobody is left who could interrupt.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        probe::{
            resolve::Names,
            stand_in::{self, Desktop, Map},
        },
        survey::{AddressAnswer, MxLookup},
    };

    /// Takes its time over everything about a name that begins with `slow`.
    struct Slow(Map, Duration);

    impl Resolver for Slow {
        fn ask<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Answer> {
            Box::pin(async move {
                if name.starts_with("slow") {
                    tokio::time::sleep(self.1).await;
                }
                self.0.ask(name, kind).await
            })
        }

        fn prove<'a>(&'a self, name: &'a str, kind: RecordKind) -> Later<'a, Proven> {
            self.0.prove(name, kind)
        }

        fn ask_server<'a>(
            &'a self,
            server: IpAddr,
            name: &'a str,
            kind: RecordKind,
        ) -> Later<'a, Answer> {
            self.0.ask_server(server, name, kind)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_within_a_minute_is_a_time_out_of_its_own() {
        use AddressAnswer::{Failed, Found};
        let records: Vec<String> = (0..63).map(|at| format!("20 slow{at}.a.example")).collect();
        let records: Vec<&str> =
            records.iter().map(String::as_str).chain(["10 quick.a.example"]).collect();
        for (each, took, slow) in [
            (15, 15, AddressAnswer::NoSuchName),
            (40, 40, AddressAnswer::NoSuchName),
            (3600, 60, Failed(DnsFault::TimedOut)),
        ] {
            let map = Map::default().with("a.example", RecordKind::Mx, &records).with(
                "quick.a.example",
                RecordKind::A,
                &["192.0.2.1"],
            );
            let hostile = Slow(map, Duration::from_secs(each));
            let began = Instant::now();
            let (_stop, stopped) = watch::channel(false);
            let patient = Patient::new(&hostile, stopped);
            let (machine, asked) = (Desktop::default(), stand_in::asked());
            let names = Names { resolver: &patient, machine: &machine, asked: &asked };
            let found = names.exchangers(&"a.example".parse().unwrap()).await;
            assert_eq!(began.elapsed().as_secs(), took, "{each} s each");
            let MxLookup::Published(set) = found else { panic!("the zone has records") };
            let quick = &set.tiers[0].hosts[0];
            assert_eq!((quick.addresses.len(), &quick.a), (1, &Found));
            assert_eq!(set.tiers[1].hosts.len(), 63);
            assert!(set.tiers[1].hosts.iter().all(|host| host.a == slow), "{each} s each");
        }
    }
}
