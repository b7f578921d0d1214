//! A small picture of who is tried when: the tiers of the MX set from top to bottom, with the hosts of
//! each and whether they take the mail.
//!
//! 360 units wide, as a phone is inside its margins, so that words keep their size there. Shows nothing that the tables do not say.

use crate::{
    report::words,
    rules::{View, attribution::Takes, view::Seat},
    survey::Role,
};

/// Characters of a host's name that stand beside its state.
const LONGEST: usize = 28;
/// More hosts of one tier are counted.
const MOST: usize = 6;
const ROW: usize = 26;
const HEAD: usize = 26;
/// Between two tiers, with an arrow in it.
const GAP: usize = 34;
/// The box on top that stands for a sender.
const SENDER: usize = 28;

pub struct Picture {
    pub height: usize,
    /// All of it in words.
    pub said: String,
    pub tiers: Vec<Tier>,
}

pub struct Tier {
    pub y: usize,
    pub height: usize,
    pub head: String,
    /// What stands at the arrow that leads here.
    pub when: &'static str,
    pub hosts: Vec<Host>,
    /// How many hosts there was no room for.
    pub more: usize,
}

pub struct Host {
    pub y: usize,
    pub name: String,
    pub short: String,
    pub class: &'static str,
    pub state: &'static str,
}

impl Picture {
    /// `None` without hosts.
    pub fn of(view: &View<'_>) -> Option<Self> {
        let seats: Vec<Seat<'_>> = view.seats().collect();
        let mut y = SENDER;
        let mut tiers = Vec::new();
        for seats in seats.chunk_by(|one, next| one.role == next.role) {
            y += GAP;
            let tier = Tier::of(view, seats, y);
            y += tier.height;
            tiers.push(tier);
        }
        let said: Vec<String> = tiers.iter().map(Tier::said).collect();
        (!tiers.is_empty()).then(|| Self { height: y + 1, said: said.join(" "), tiers })
    }
}

impl Tier {
    fn of(view: &View<'_>, seats: &[Seat<'_>], y: usize) -> Self {
        let first = seats[0]; // A chunk is never empty.
        let shown = if seats.len() > MOST { MOST - 1 } else { seats.len() };
        let order = if seats.len() > 1 { ", in any order" } else { "" };
        let hosts = seats.iter().take(shown).enumerate();
        let rows = shown + usize::from(shown < seats.len());
        Self {
            y,
            height: HEAD + rows * ROW + 6,
            head: format!("{}{order}", words::seat(&first)),
            when: match first.role {
                Role::Primary => "first",
                Role::Backup(_) => "where these cannot be reached",
            },
            hosts: hosts.map(|(at, seat)| Host::of(view, seat, y + HEAD + at * ROW)).collect(),
            more: seats.len() - shown,
        }
    }

    /// Where the arrow to it begins, and how long it is.
    pub fn arrow(&self) -> (usize, usize) {
        (self.y - GAP + 1, GAP - 2)
    }

    fn said(&self) -> String {
        let hosts = self.hosts.iter().map(|host| format!("{} ({})", host.name, host.state));
        let mut hosts: Vec<String> = hosts.collect();
        if self.more > 0 {
            hosts.push(format!("{} more", self.more));
        }
        format!("{}: {}.", self.head, hosts.join(", "))
    }
}

impl Host {
    fn of(view: &View<'_>, seat: &Seat<'_>, y: usize) -> Self {
        let (class, state) = match view.seat_takes(seat) {
            Takes::Yes => ("good", "takes the mail"),
            Takes::No => ("bad", "does not"),
            Takes::Unknown => ("dim", "not known"),
        };
        Self { y, name: seat.host.name.clone(), short: shortened(&seat.host.name), class, state }
    }
}

/// Beginning and end of a long name.
fn shortened(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= LONGEST {
        return name.to_owned();
    }
    let tail = LONGEST / 2;
    let (head, tail) = (&letters[..LONGEST - tail - 1], &letters[letters.len() - tail..]);
    head.iter().chain(&['…']).chain(tail).collect()
}
