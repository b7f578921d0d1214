//! The jobs that end in a report: check, demo, judge.
//!
//! Puts the rooms together: options to a probe, a probe to a survey, a survey to a report. Knows no
//! rule and no format.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{runtime, signal, sync::watch, time::timeout};

use super::{
    Error,
    instruments::Instruments,
    options::{Check, Demo, Diff, Judge, Output},
    output,
    progress::Progress,
    settings,
    state::Store,
};
use crate::{
    config::{Limits, Settings},
    fleet::{Carrier, DEMOS, Fleet, Run, World, WorldFault},
    forecast::Supposed,
    monitor::State,
    probe::Event,
    report::{self, Format, Layout, Plain, Report, Status},
    rules::{self, Profile},
    survey::{Memory, Plan, Survey},
};

/// How long a run may take for a monitor that gives up, and calls it a failure, after a minute.
const MONITOR_PATIENCE: Duration = Duration::from_secs(55);

/// How old a stored report may be: a daily run, and some delay.
const MAX_AGE: Duration = Duration::from_secs(26 * 60 * 60);

/// Hosts that an error names.
const MOST_NAMED: usize = 8;
/// Columns for the names in the list of demos.
const LIST_MARGIN: usize = 17;

pub fn check(mut words: Check) -> Result<Status, Error> {
    let settings = settings::apply(&mut words)?;
    let words = &words;
    let now = Timestamp::now();
    if let Some(file) = &words.stored.from_state {
        return from_state(words, &settings, file, now);
    }
    let before = before(words)?;
    let mut store = words.state.as_deref().map(|file| Store::open(file, now)).transpose()?;
    let instruments = Instruments::new(words, settings)?;
    let patience = (words.output.format == Format::Nagios).then_some(MONITOR_PATIENCE);
    let patience = words.manners.timeout.or(patience);
    runtime()?.block_on(async {
        let stop = interrupts(patience);
        let preparations = async {
            let (helo, errands) = instruments.errands(words).await?;
            let (_, first) = &errands[0]; // The command line demands a domain.
            Ok((instruments.vantage(helo, first, words).await, errands))
        };
        let mut stopped = stop.clone();
        let (vantage, mut errands) = tokio::select! {
            ready = preparations => ready?,
            Ok(_) = stopped.wait_for(|stop| *stop) => {
                return Err(Error::new("stopped before DNS had told what to visit"));
            }
        };
        let progress = Progress::new(words.output.quiet);
        let tell = |event: Event<'_>| progress.tell(event);
        let (mut surveys, mut plans) = (Vec::new(), Vec::new());
        let mut saved = Ok(());
        let mut recent = State::default();
        for (domain, asked) in &mut errands {
            if !surveys.is_empty() {
                // The next domain may have the same hosts.
                let mut stopped = stop.clone();
                let _ = timeout(instruments.limits().pause, stopped.wait_for(|stop| *stop)).await;
            }
            let now = Timestamp::now();
            let source = |to| instruments.source(to);
            asked.memory = match &store {
                Some(store) => Some(store.state.recall(domain, now, source)),
                // Who asked for rest gets it from the rest of this call, whatever is kept of it.
                None => Some(recent.recall(domain, now, source)).filter(Memory::has_rests),
            };
            let probe = instruments.probe((asked, &surveys), &vantage, &stop, &tell);
            progress.begin(domain.as_str());
            if words.plan {
                plans.push(probe.plan(domain).await);
            } else {
                let survey = probe.survey(domain, Timestamp::now()).await;
                if let Some(store) = &mut store {
                    store.state.learn(&survey);
                    saved = store.save();
                } else {
                    recent.learn(&survey);
                }
                surveys.push(survey);
            }
            if *stop.borrow() {
                break;
            }
        }
        progress.end();
        let shown = if words.plan {
            show(&plans, &words.output)
        } else {
            let port25 = rules::port_25(&surveys);
            for survey in &mut surveys {
                survey.vantage.port25 = port25;
            }
            deliver(surveys, &words.output, |survey| {
                let profile = settings::profile(instruments.settings(), words, &survey.domain);
                let earlier = before.iter().rfind(|before| before.domain == survey.domain);
                let report = Report::supposing(survey, profile, &words.output.what_if);
                match earlier {
                    Some(earlier) => report.drilled(earlier),
                    None => report,
                }
            })
        };
        // The report comes first: it is what the user waited for.
        saved.and(shown)
    })
}

/// Runs a built-in world; ends well when it ran, whatever it showed.
pub fn demo(words: &Demo) -> Result<Status, Error> {
    if words.list {
        let list = demo_list().map_err(Error::new)?;
        words.output.printing.print(&list)?;
        return Ok(Status::Fine);
    }
    let world = demo_world(words.scenario.as_deref())?;
    let survey = runtime()?.block_on(async {
        let stop = interrupts(None);
        let progress = Progress::new(words.output.quiet);
        progress.begin(world.domain.as_str());
        let fleet = Fleet::new(&world, Timestamp::now(), Carrier::Loopback).map_err(Error::new)?;
        let tell = |event: Event<'_>| progress.tell(event);
        // Nobody is disturbed on loopback.
        let limits = Limits { pause: Duration::ZERO, ..Limits::default() };
        let survey = fleet.survey(Run { limits, earlier: &[], stop, progress: &tell }).await;
        progress.end();
        Ok::<Survey, Error>(survey)
    })?;
    let profile = words.output.profile.or(world.ask.profile.as_deref().and_then(Profile::find));
    let supposed = &words.output.what_if;
    let status = deliver(vec![survey], &words.output, |survey| {
        Report::supposing(survey, profile, supposed)
    })?;
    if words.output.format == Format::Text && words.output.file.is_none() {
        let code = status.code();
        words.output.printing.print(&format!("\ncheck would have exited with {code}\n"))?;
    }
    Ok(Status::Fine)
}

/// Every built-in world with its summary.
fn demo_list() -> Result<String, WorldFault> {
    let mut rows = Vec::new();
    for demo in DEMOS {
        let summary = demo.world()?.summary;
        for (at, line) in report::wrap(&summary, output::width() - LIST_MARGIN).iter().enumerate() {
            let name = if at == 0 { demo.name } else { "" };
            rows.push(format!("{name:<LIST_MARGIN$}{line}\n"));
        }
    }
    Ok(rows.concat())
}

/// Judges the surveys of stored reports.
pub fn judge(words: &Judge) -> Result<Status, Error> {
    deliver(stored(&words.report)?, &words.output, |survey| {
        Report::supposing(survey, words.output.profile, &words.output.what_if)
    })
}

/// Says what changed between two stored reports.
pub fn diff(words: &Diff) -> Result<Status, Error> {
    let judged = |file: &Path| -> Result<Vec<Report>, Error> {
        Ok(stored(file)?.into_iter().map(Report::of).collect())
    };
    let diff = report::diff::Diff::of(&judged(&words.before)?, &judged(&words.after)?, words.all);
    words.form.printing.print(&diff.render(words.form.format, output::width()))?;
    Ok(diff.status())
}

/// Judges what an earlier run saw of the domains that are asked about, if it is not too old.
fn from_state(
    words: &Check,
    settings: &Settings,
    file: &Path,
    now: Timestamp,
) -> Result<Status, Error> {
    let limit = words.stored.max_age.unwrap_or(MAX_AGE);
    let mut known = stored(file)?;
    let mut surveys = Vec::new();
    for domain in &words.domains {
        // The last one stands where a file was added to.
        let Some(at) = known.iter().rposition(|survey| survey.domain == *domain) else {
            let file = file.display();
            return Err(Error::new(format_args!("{file} holds no report on {domain}")));
        };
        let survey = known.swap_remove(at);
        let age = now.duration_since(survey.began);
        if age.is_negative() || age.unsigned_abs() > limit {
            let (file, began) = (file.display(), survey.began.strftime("%F %R UTC"));
            return Err(Error::new(format_args!(
                "the report on {domain} in {file} is of {began}, and only {} may have passed; \
                 see whether the run that writes it still works",
                span(limit)
            )));
        }
        surveys.push(survey);
    }
    deliver(surveys, &words.output, |survey| {
        let profile = settings::profile(settings, words, &survey.domain);
        Report::supposing(survey, profile, &words.output.what_if)
    })
}

/// The surveys that a drill is held against, one at least for each domain.
fn before(words: &Check) -> Result<Vec<Survey>, Error> {
    let Some(file) = &words.drill else { return Ok(Vec::new()) };
    let before = stored(file)?;
    let missing =
        words.domains.iter().find(|domain| !before.iter().any(|survey| survey.domain == **domain));
    match missing {
        Some(domain) => {
            let file = file.display();
            Err(Error::new(format_args!("{file} holds no report on {domain} to drill against")))
        }
        None => Ok(before),
    }
}

/// What was supposed of hosts that no domain has.
fn supposed_of_nobody(reports: &[Report], words: &Output) -> Result<(), Error> {
    let hosts = || reports.iter().flat_map(|report| report.survey.mx.hosts());
    let unknown = |one: &&Supposed| !hosts().any(|(_, _, host)| host.name == one.host);
    match words.what_if.iter().find(unknown) {
        Some(one) => {
            let known: BTreeSet<&str> = hosts().map(|(_, _, host)| host.name.as_str()).collect();
            let known: Vec<&str> = known.into_iter().take(MOST_NAMED).collect();
            let known = known.join(", ");
            Err(Error::new(format_args!("--what-if {one}: no such MX host; there are {known}")))
        }
        None => Ok(()),
    }
}

/// A time limit as it was given: `26h`, `1h 30m`.
fn span(limit: Duration) -> String {
    let limit = jiff::SignedDuration::try_from(limit).unwrap_or(jiff::SignedDuration::MAX);
    format!("{limit:#}")
}

fn stored(file: &Path) -> Result<Vec<Survey>, Error> {
    let name = file.display();
    let text = read(file).map_err(|error| {
        Error::new(format_args!("cannot read {name}: {}", output::plainly(&error)))
    })?;
    report::json::surveys(&text)
        .map_err(|fault| Error::new(format_args!("{name} is no stored report: {fault}")))
}

/// Judges each survey, renders, and hands the reports to where they were asked for.
/// The worst status stands.
fn deliver(
    surveys: Vec<Survey>,
    words: &Output,
    judged: impl Fn(Survey) -> Report,
) -> Result<Status, Error> {
    let mut reports: Vec<Report> = surveys.into_iter().map(judged).collect();
    let nobody = supposed_of_nobody(&reports, words);
    let bar = words.bar();
    let status = |report: &Report| Status::of(report, bar);
    let worst = reports.iter().map(status).max().unwrap_or(Status::Fine);
    // A file that was asked for is written: who reads it must not take an old one for today's.
    if words.quiet && words.file.is_none() && words.format.may_be_silent() {
        reports.retain(|report| status(report) != Status::Fine);
    }
    let metrics = words.file.as_ref().filter(|_| words.format == Format::Prometheus);
    // What cannot be read holds no last success.
    let earlier = metrics.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    let layout =
        Layout { width: output::width(), bar, transcript: words.transcript, earlier: &earlier };
    publish(&report::render(&reports, words.format, layout), words)?;
    // Said behind the report: it may have cost visits.
    nobody?;
    // The metrics raise the alarm: a timer that failed as well would be a second one.
    Ok(if metrics.is_some() && words.fail_on.is_none() { Status::Fine } else { worst })
}

fn show(plans: &[Plan], words: &Output) -> Result<Status, Error> {
    let Some(format) = words.format.plain() else {
        return Err(Error::new("a plan comes as text, json or jsonl; give one of these --format"));
    };
    let render = |plan| report::plan::render(plan, format, output::width());
    let between = if format == Plain::Text { "\n" } else { "" };
    publish(&plans.iter().map(render).collect::<Vec<_>>().join(between), words)?;
    Ok(Status::Fine)
}

/// Writes to the file if one was named; what it cannot take goes to standard output.
fn publish(text: &str, words: &Output) -> Result<(), Error> {
    let Some(path) = &words.file else {
        return words.printing.print(text);
    };
    output::save(path, text).or_else(|error| {
        words.printing.print(text)?;
        Err(error)
    })
}

fn demo_world(name: Option<&str>) -> Result<World, Error> {
    let name = name.unwrap_or(DEMOS[0].name); // The table of demos is a constant and not empty.
    let demo = DEMOS.iter().find(|demo| demo.name == name).ok_or_else(|| {
        let name = name.escape_default();
        Error::new(format_args!("no demo \"{name}\"; `mxparity demo --list` lists them all"))
    })?;
    demo.world().map_err(Error::new)
}

fn read(path: &Path) -> io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path)
}

/// One thread carries hundreds of waiting sessions with ease.
fn runtime() -> Result<runtime::Runtime, Error> {
    let built = runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Error::new(format_args!("cannot start: {error}")))
}

/// Becomes true at the first Ctrl-C, or when `patience` ends; a Ctrl-C after that ends the process at
/// once.
fn interrupts(patience: Option<Duration>) -> watch::Receiver<bool> {
    let (tell, stop) = watch::channel(false);
    tokio::spawn(async move {
        let over = async {
            let Some(patience) = patience else { return std::future::pending().await };
            tokio::time::sleep(patience).await;
            anstream::eprintln!("mxparity: stopped after {}, as --timeout has it", span(patience));
        };
        let heard = tokio::select! {
            heard = signal::ctrl_c() => heard.is_ok(),
            () = over => true,
        };
        if heard {
            tell.send_replace(true);
            if signal::ctrl_c().await.is_ok() {
                std::process::exit(i32::from(Status::Unproven.code()));
            }
        }
        // Without a handler there are no interrupts; the sender stays for those who wait.
        std::future::pending::<()>().await;
    });
    stop
}
