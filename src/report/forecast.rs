//! The forecast for people: one sentence, and a matrix of scenarios by senders.
//!
//! Senders that fare alike share a column, and scenarios that end alike a row. Foresees nothing itself.

use std::collections::BTreeSet;

use anstyle::Style;

use super::ink::{BAD, BOLD, DIM, GOOD, Line, PLAIN, Sheet, WARN, wrap};
use crate::{
    forecast::{
        Attempt, Fate, Forecast, Landscape, MODELS, Model, Outlook, Prediction, Privacy, Scenario,
        scenarios::Trouble,
    },
    rules::{View, carriers::has_backups},
};

/// Columns between two others.
const GAP: usize = 2;
/// Below this a column is all line breaks.
const NARROWEST: usize = 13;
const WIDEST: usize = 34;

/// Senders that fare alike in every scenario.
struct Column {
    models: Vec<&'static Model>,
    /// One for each scenario.
    cells: Vec<(Style, String)>,
}

/// Whether one sender or several are spoken of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Number {
    One,
    Several,
}

impl Number {
    pub(super) fn of(self, one: &'static str, several: &'static str) -> &'static str {
        match self {
            Self::One => one,
            Self::Several => several,
        }
    }
}

/// The senders by name, once each; `None` where there is none.
pub(super) fn senders(models: impl Iterator<Item = &'static Model>) -> Option<(String, Number)> {
    let models: Vec<&Model> = models.collect();
    let has = |name: &str| models.iter().any(|model| model.name == name);
    // Where Postfix fares alike with DANE and without, it is one sender.
    let said = |model: &&&Model| model.name != "postfix-dane" || !has("postfix");
    let said: Vec<&&Model> = models.iter().filter(said).collect();
    let number = match said.as_slice() {
        [] => return None,
        [one] if !one.plural => Number::One,
        _ => Number::Several,
    };
    let titles: Vec<&str> = said.iter().map(|model| model.title).collect();
    let text = match titles.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => return None,
    };
    Some((text, number))
}

/// What happens with the primary down, in words; `None` where nothing could take its place.
pub(super) fn sentence(view: &View<'_>) -> Option<String> {
    if !has_backups(view) || view.survey.asked.recipients.is_empty() {
        return None;
    }
    let mut groups: Vec<(String, Vec<&'static Model>)> = Vec::new();
    for one in view.forecast().when(&Scenario::PrimaryDown) {
        let words = told(one);
        match groups.iter_mut().find(|(known, _)| *known == words) {
            Some((_, models)) => models.push(one.model),
            None => groups.push((words, vec![one.model])),
        }
    }
    // The many come last, as the others.
    groups.sort_by_key(|(_, models)| models.len() > MODELS.len() / 2);
    let alone = groups.len() == 1;
    let clause = |(words, models): &(String, Vec<&'static Model>)| {
        let many = models.len() > MODELS.len() / 2;
        let (who, number) = match (alone, many) {
            (true, _) => ("every sender".to_owned(), Number::One),
            (false, true) => ("all others".to_owned(), Number::Several),
            (false, false) => senders(models.iter().copied())?,
        };
        let (one, several) = words.split_once('|')?;
        Some(format!("{who} {}", if number == Number::One { one } else { several }))
    };
    let clauses: Vec<String> = groups.iter().filter_map(clause).collect();
    let primaries = view.landscape().primaries();
    let primaries = match primaries.as_slice() {
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        several => format!("the {} primaries", several.len()),
    };
    Some(format!("With {primaries} down, {}.", clauses.join("; ")))
}

/// What a sender does, once for one sender and once for several.
fn told(prediction: &Prediction) -> String {
    let verb = |outlook: &Outlook| {
        let place = outlook.host.as_deref().unwrap_or_default();
        let (one, several, rest) = match outlook.fate {
            Fate::Bounced => ("bounces", "bounce", " the mail".to_owned()),
            Fate::Deferred => ("waits", "wait", String::new()),
            Fate::Unproven => ("does what was not seen", "do what was not seen", String::new()),
            Fate::Delivered(privacy, attempt) => {
                let how = match privacy {
                    Privacy::Clear => " in the clear",
                    Privacy::Encrypted | Privacy::Verified => " over TLS",
                };
                let when = match attempt {
                    Attempt::First => "",
                    Attempt::Later => " at a later attempt",
                };
                ("delivers", "deliver", format!(" to {place}{how}{when}"))
            }
        };
        (format!("{one}{rest}"), format!("{several}{rest}"))
    };
    let verbs: Vec<(String, String)> = prediction.outlooks.iter().map(verb).collect();
    match verbs.as_slice() {
        [(one, several)] => format!("{one}|{several}"),
        all => {
            let (one, several): (Vec<&str>, Vec<&str>) =
                all.iter().map(|(one, several)| (one.as_str(), several.as_str())).unzip();
            format!("{}, by chance|{}, by chance", one.join(" or "), several.join(" or "))
        }
    }
}

/// Scenarios by senders.
pub(super) struct Outcomes {
    /// The senders of every column.
    pub heads: Vec<Vec<&'static str>>,
    /// Every scenario, with a cell for each column.
    pub rows: Vec<(String, Vec<(Style, String)>)>,
}

impl Outcomes {
    /// `None` where there are not several hosts.
    pub fn of(view: &View<'_>, forecast: &Forecast) -> Option<Self> {
        if view.hosts().count() < 2 {
            return None;
        }
        let names = Names::of(view.landscape());
        let columns = columns(forecast, &names);
        let row = |(label, at): (String, usize)| {
            (label, columns.iter().map(|column| column.cells[at].clone()).collect())
        };
        let heads = columns.iter().map(|column| heading(&column.models, columns.len()));
        let rows = rows(view, forecast, &names).into_iter().map(row);
        Some(Self { heads: heads.collect(), rows: rows.collect() })
    }
}

/// The matrix, where there are several hosts.
pub(super) fn draw(sheet: &mut Sheet, view: &View<'_>, forecast: &Forecast, width: usize) {
    let Some(Outcomes { heads, rows }) = Outcomes::of(view, forecast) else { return };
    let labels = rows.iter().map(|(label, _)| label.chars().count());
    let label_width = labels.max().unwrap_or(0).min(20);
    let room = width.saturating_sub(label_width);
    let most = (room / (NARROWEST + GAP)).max(1);
    for (block, heads) in heads.chunks(most).enumerate() {
        let share = (room / heads.len()).saturating_sub(GAP).clamp(NARROWEST, WIDEST);
        sheet.blank();
        let heads: Vec<(Style, String)> =
            heads.iter().map(|senders| (BOLD, senders.join(", "))).collect();
        line(sheet, label_width, share, (BOLD, "Forecast"), &heads);
        for (label, cells) in &rows {
            let cells = &cells[block * most..block * most + heads.len()];
            line(sheet, label_width, share, (PLAIN, label), cells);
        }
    }
}

/// One row of the matrix, as high as its highest cell.
fn line(
    sheet: &mut Sheet,
    label_width: usize,
    share: usize,
    (style, label): (Style, &str),
    cells: &[(Style, String)],
) {
    let label = wrap(label, label_width);
    let cells: Vec<(Style, Vec<String>)> =
        cells.iter().map(|(style, text)| (*style, wrap(text, share))).collect();
    let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1).max(label.len());
    for at in 0..height {
        let mut line = Line::new(style, label.get(at).map_or("", String::as_str)).pad(label_width);
        for (number, (style, lines)) in cells.iter().enumerate() {
            let text = lines.get(at).map_or("", String::as_str);
            line = line.pad(label_width + number * (share + GAP) + GAP).and(*style, text);
        }
        sheet.line(line);
    }
}

/// What a cell says, each piece in its style.
type Cell = Vec<(Style, String)>;

/// The scenarios that end differently, each with its place among all.
fn rows(view: &View<'_>, forecast: &Forecast, names: &Names) -> Vec<(String, usize)> {
    let mut rows: Vec<(Vec<Cell>, Vec<String>, usize)> = Vec::new();
    // Where the primary is one host, it is down in either case.
    let primaries = view.landscape().primaries();
    let same = |scenario: &Scenario| match (scenario, primaries.as_slice()) {
        (Scenario::Faults(all), [primary]) => {
            matches!(all.as_slice(), [one] if one.what == Trouble::Down && one.host == *primary)
        }
        _ => false,
    };
    let scenarios = forecast.scenarios().enumerate();
    for (at, scenario) in scenarios.filter(|(_, scenario)| !same(scenario)) {
        let cells = forecast.when(scenario).map(|one| vec![cell(one, names)]).collect();
        let label = label(scenario, names);
        match rows.iter_mut().find(|(known, ..)| *known == cells) {
            Some((_, labels, _)) => labels.push(label),
            None => rows.push((cells, vec![label], at)),
        }
    }
    rows.into_iter().map(|(_, labels, at)| (labels.join(", "), at)).collect()
}

/// A scenario in a few words.
fn label(scenario: &Scenario, names: &Names) -> String {
    match scenario {
        Scenario::Today => "today".to_owned(),
        Scenario::PrimaryDown => "primary down".to_owned(),
        Scenario::PrimaryRefusesConnection => "primary refuses connections".to_owned(),
        Scenario::PrimaryDefers => "primary defers".to_owned(),
        Scenario::PrimaryTlsBroken => "TLS of primary broken".to_owned(),
        Scenario::Faults(all) => {
            let words = all.iter().map(|one| {
                let host = names.shortened(&one.host);
                match one.what {
                    Trouble::Down => format!("{host} down"),
                    Trouble::TlsBroken => format!("TLS of {host} broken"),
                }
            });
            words.collect::<Vec<_>>().join(" + ")
        }
    }
}

fn columns(forecast: &Forecast, names: &Names) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for model in MODELS {
        let of_model = forecast.predictions.iter().filter(|one| one.model.name == model.name);
        let cells: Vec<(Style, String)> = of_model.map(|one| cell(one, names)).collect();
        match columns.iter_mut().find(|column| column.cells == cells) {
            Some(column) => column.models.push(model),
            None => columns.push(Column { models: vec![model], cells }),
        }
    }
    columns
}

fn heading(models: &[&'static Model], columns: usize) -> Vec<&'static str> {
    if columns == 1 {
        return vec!["every sender"];
    }
    models.iter().map(|model| model.name).collect()
}

/// One prediction in a few words.
fn cell(prediction: &Prediction, names: &Names) -> (Style, String) {
    let (best, worst) = (prediction.best(), prediction.worst());
    let style = match worst.fate {
        Fate::Bounced => BAD,
        Fate::Deferred | Fate::Delivered(Privacy::Clear, _) => WARN,
        Fate::Unproven => DIM,
        Fate::Delivered(..) => GOOD,
    };
    if best == worst {
        return (style, brief(best, names));
    }
    let part =
        |outlook: &Outlook| format!("{:.0} % {}", outlook.share * 100.0, brief(outlook, names));
    (style, prediction.outlooks.iter().map(part).collect::<Vec<_>>().join(", "))
}

/// The same without colour.
pub(super) fn told_briefly(prediction: &Prediction, names: &Names) -> String {
    cell(prediction, names).1
}

fn brief(outlook: &Outlook, names: &Names) -> String {
    let host = outlook.host.as_deref().map_or("", |host| names.shortened(host));
    let later = |attempt: Attempt| match attempt {
        Attempt::First => "",
        Attempt::Later => ", later",
    };
    match outlook.fate {
        Fate::Bounced if host.is_empty() => "bounces".to_owned(),
        Fate::Bounced => format!("bounces at {host}"),
        Fate::Deferred => "waits".to_owned(),
        Fate::Unproven => "unproven".to_owned(),
        Fate::Delivered(privacy, attempt) => {
            let how = match privacy {
                Privacy::Clear => "in clear",
                Privacy::Encrypted => "encrypted",
                Privacy::Verified => "verified",
            };
            format!("{host} {how}{}", later(attempt))
        }
    }
}

/// As many labels of every host's name as tell it from the others.
pub(super) struct Names {
    short: Vec<(String, String)>,
}

impl Names {
    pub(super) fn of(landscape: &Landscape) -> Self {
        let mut names: Vec<&str> = landscape.hosts().map(|host| host.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let cut =
            |name: &str, labels: usize| name.split('.').take(labels).collect::<Vec<_>>().join(".");
        let most = names.iter().map(|name| name.split('.').count()).max().unwrap_or(1);
        let unique = |labels: &usize| {
            let cuts: BTreeSet<String> = names.iter().map(|name| cut(name, *labels)).collect();
            cuts.len() == names.len()
        };
        let labels = (1..most).find(unique).unwrap_or(most);
        Self { short: names.iter().map(|name| ((*name).to_owned(), cut(name, labels))).collect() }
    }

    pub fn shortened<'a>(&'a self, name: &'a str) -> &'a str {
        let known = self.short.iter().find(|(whole, _)| whole == name);
        known.map_or(name, |(_, short)| short)
    }
}
