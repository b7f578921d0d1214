//! Plays a world from beginning to end in memory, under a clock that only runs when nobody works.

use std::{net::SocketAddr, path::PathBuf, pin::pin, sync::Mutex, time::Duration};

use mxparity::{
    config::Limits,
    fleet::{Carrier, DEMOS, Fleet, Run, World},
    probe::Event,
    rules::Profile,
    survey::{Ending, Plan, Purpose, Survey},
};
use tokio::{runtime::Builder, time::timeout};

/// The moment every world begins.
const NOW: &str = "2026-11-23T12:00:00Z";

/// No run over a fleet takes longer, by its own clock.
const LONGEST: Duration = Duration::from_secs(3600);

/// A world that was played.
pub struct Played {
    pub survey: Survey,
    /// The guideline that the world is judged under.
    pub profile: Option<&'static Profile>,
    pub fleet: Fleet,
    /// What the run was said to do before it was made.
    pub plan: Plan,
    /// Every visit in the order they began: host, address, purpose.
    pub made: Vec<(String, SocketAddr, Purpose)>,
}

/// Surveys the world that `text` describes. The visitor's manners are part of every test: any
/// breach the fleet noticed fails it.
#[track_caller]
pub fn play(title: &str, text: &str) -> Played {
    let played = play_until(LONGEST, title, text);
    assert_eq!(played.survey.ending, Ending::Complete, "{title}: no survey within {LONGEST:?}");
    played
}

/// The same, interrupted by the user after `time`.
#[track_caller]
pub fn play_until(time: Duration, title: &str, text: &str) -> Played {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let carrier = Carrier::Memory { round_trip: Duration::ZERO };
        let played = survey(title, text, carrier, Limits::default(), time).await;
        // What the servers still have under way belongs to their record.
        tokio::time::sleep(LONGEST).await;
        polite(title, played)
    })
}

/// The same over TCP on loopback and by the real clock, without pauses.
#[track_caller]
pub fn play_over_loopback(title: &str, text: &str) -> Played {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let limits = Limits { pause: Duration::ZERO, ..Limits::default() };
    polite(title, runtime.block_on(survey(title, text, Carrier::Loopback, limits, LONGEST)))
}

async fn survey(
    title: &str,
    text: &str,
    carrier: Carrier,
    limits: Limits,
    until: Duration,
) -> Played {
    let world = World::parse(text).unwrap_or_else(|fault| panic!("{title}: {fault}"));
    let known = |name: &str| Profile::find(name).unwrap_or_else(|| panic!("{title}: {name}?"));
    let profile = world.ask.profile.as_deref().map(known);
    let fleet = Fleet::new(&world, NOW.parse().unwrap(), carrier)
        .unwrap_or_else(|fault| panic!("{title}: {fault}"));
    let (interrupt, stop) = tokio::sync::watch::channel(false);
    let plan =
        fleet.plan(Run { limits, earlier: &[], stop: stop.clone(), progress: &|_| {} }).await;
    assert!(fleet.ledger().visits().is_empty(), "{title}: a plan visits nobody");
    let made = Mutex::new(Vec::new());
    let note = |event: Event<'_>| {
        if let Event::VisitBegan { host, to, purpose } = event {
            made.lock().unwrap().push((host.to_owned(), to, purpose));
        }
    };
    let survey = {
        let mut running = pin!(fleet.survey(Run { limits, earlier: &[], stop, progress: &note }));
        if let Ok(survey) = timeout(until, &mut running).await {
            survey
        } else {
            interrupt.send_replace(true);
            let end = timeout(LONGEST, running).await;
            end.unwrap_or_else(|_| panic!("{title}: no survey within {LONGEST:?}"))
        }
    };
    let made = made.into_inner().unwrap();
    Played { survey, profile, fleet, plan, made }
}

#[track_caller]
fn polite(title: &str, played: Played) -> Played {
    let alarms = played.fleet.ledger().alarms();
    assert!(alarms.is_empty(), "{title}: {alarms:#?}");
    played
}

/// Every world of `fixtures/scenarios`, by name.
pub fn scenarios() -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(super::golden::fixture("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let scenario = |folder: PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let world = folder.join("world.toml");
        let text = std::fs::read_to_string(&world)
            .unwrap_or_else(|error| panic!("{}: {error}", world.display()));
        (name, text)
    };
    folders.into_iter().map(scenario).collect()
}

/// Every built-in world, by name.
pub fn demos() -> Vec<(String, String)> {
    DEMOS.iter().map(|demo| (format!("demo {}", demo.name), demo.text.to_owned())).collect()
}
