//! The jobs that end in a report: check, demo, judge.
//!
//! Puts the rooms together: options to a probe, a probe to a survey, a survey to a report. Knows no
//! rule and no format.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{runtime, signal, sync::watch};

use super::{
    Error,
    instruments::Instruments,
    options::{Check, Demo, Judge, Output},
    output,
    progress::Progress,
    settings,
    state::Store,
};
use crate::{
    config::Limits,
    fleet::{Carrier, DEMOS, Fleet, Run, World, WorldFault},
    probe::Event,
    report::{self, Format, Report, Status},
    rules::{self, Profile},
    survey::{Plan, Survey},
};

/// Columns for the names in the list of demos.
const LIST_MARGIN: usize = 17;

pub fn check(mut words: Check) -> Result<Status, Error> {
    let settings = settings::apply(&mut words)?;
    let words = &words;
    let now = Timestamp::now();
    let mut store = words.state.as_deref().map(|file| Store::open(file, now)).transpose()?;
    let instruments = Instruments::new(words, settings)?;
    runtime()?.block_on(async {
        let stop = interrupts();
        let (helo, mut errands) = instruments.errands(words).await?;
        let (_, first) = &errands[0]; // The command line demands a domain.
        let vantage = instruments.vantage(helo, first, words).await;
        let progress = Progress::new(words.output.quiet);
        let tell = |event: Event<'_>| progress.tell(event);
        let (mut surveys, mut plans) = (Vec::new(), Vec::new());
        let mut saved = Ok(());
        for (domain, asked) in &mut errands {
            let now = Timestamp::now();
            let source = |to| instruments.source(to);
            asked.memory = store.as_ref().map(|store| store.state.recall(domain, now, source));
            let probe = instruments.probe(asked, &vantage, &stop, &tell);
            progress.begin(domain.as_str());
            if words.plan {
                plans.push(probe.plan(domain).await);
            } else {
                let survey = probe.survey(domain, Timestamp::now()).await;
                if let Some(store) = &mut store {
                    store.state.learn(&survey);
                    saved = store.save();
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
            let profile = |survey: &Survey| instruments.profile(words, &survey.domain);
            deliver(surveys, &words.output, profile)
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
        let stop = interrupts();
        let progress = Progress::new(words.output.quiet);
        progress.begin(world.domain.as_str());
        let fleet = Fleet::new(&world, Timestamp::now(), Carrier::Loopback).map_err(Error::new)?;
        let tell = |event: Event<'_>| progress.tell(event);
        // Nobody is disturbed on loopback.
        let limits = Limits { pause: Duration::ZERO, ..Limits::default() };
        let survey = fleet.survey(Run { limits, stop, progress: &tell }).await;
        progress.end();
        Ok::<Survey, Error>(survey)
    })?;
    let profile = words.output.profile.or(world.ask.profile.as_deref().and_then(Profile::find));
    let status = deliver(vec![survey], &words.output, |_| profile)?;
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
    let name = words.report.display();
    let text = read(&words.report).map_err(|error| {
        Error::new(format_args!("cannot read {name}: {}", output::plainly(&error)))
    })?;
    let surveys = report::json::surveys(&text)
        .map_err(|fault| Error::new(format_args!("{name} is no stored report: {fault}")))?;
    deliver(surveys, &words.output, |_| words.output.profile)
}

/// Judges each survey under its guideline, renders, and hands the reports to where they were asked for.
/// The worst status stands.
fn deliver(
    surveys: Vec<Survey>,
    words: &Output,
    profile: impl Fn(&Survey) -> Option<&'static Profile>,
) -> Result<Status, Error> {
    let mut text = String::new();
    let mut worst = Status::Fine;
    for survey in surveys {
        let profile = profile(&survey);
        let report = Report::under(survey, profile);
        let status = Status::of(&report, words.fail_on.into());
        worst = worst.max(status);
        if words.quiet && status == Status::Fine {
            continue;
        }
        if !text.is_empty() && words.format == Format::Text {
            text.push('\n');
        }
        text += &report.render(words.format, output::width());
        if words.transcript && words.format == Format::Text {
            text.push('\n');
            text += &report::transcript::text(&report.survey);
        }
    }
    publish(&text, words)?;
    Ok(worst)
}

fn show(plans: &[Plan], words: &Output) -> Result<Status, Error> {
    let render = |plan| report::plan::render(plan, words.format, output::width());
    let between = if words.format == Format::Text { "\n" } else { "" };
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

/// Becomes true at the first Ctrl-C; the second one ends the process at once.
fn interrupts() -> watch::Receiver<bool> {
    let (tell, stop) = watch::channel(false);
    tokio::spawn(async move {
        if signal::ctrl_c().await.is_ok() {
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
