//! Weaker, as a partial order: a backup's trait against the weakest known answer of the primary tier.
//!
//! "Cannot tell" is never "weaker": a trait nobody saw takes no part.

use super::{Case, Spot, View, view::Seat};

/// A backup that falls below the reference.
pub struct Weaker<'a, T> {
    /// Where the backup showed its weakest answer.
    pub spot: Spot<'a>,
    pub value: T,
    /// Where the primary tier showed its weakest answer.
    pub reference: Spot<'a>,
    pub reference_value: T,
    /// Whether every address of the backup whose answer is known falls below.
    whole: bool,
}

impl<T> Weaker<'_, T> {
    /// A case about the backup, or the one address of it that falls below, against the primary.
    pub fn case(&self) -> Case {
        let case = if self.whole { self.spot.seat.case() } else { self.spot.case() };
        case.against(self.reference.seat.subject())
    }
}

/// The weakest known answer of the primary tier, where least is weakest.
pub fn reference<'a, T: PartialOrd>(
    view: &View<'a>,
    known: impl Fn(&Spot<'a>) -> Option<T>,
) -> Option<(Spot<'a>, T)> {
    weakest(view.primaries().flat_map(Seat::spots), known)
}

/// Every backup host whose weakest known answer is below the reference, each once.
pub fn weaker_backups<'a, T: Clone + PartialOrd>(
    view: &View<'a>,
    known: impl Fn(&Spot<'a>) -> Option<T>,
) -> Vec<Weaker<'a, T>> {
    let Some((reference_spot, bar)) = reference(view, &known) else {
        return Vec::new();
    };
    let below = |seat: Seat<'a>| {
        let (spot, value) = weakest(seat.spots(), &known)?;
        let whole = seat.spots().filter_map(|spot| known(&spot)).all(|value| value < bar);
        let weaker = value < bar;
        weaker.then(|| Weaker {
            spot,
            value,
            reference: reference_spot,
            reference_value: bar.clone(),
            whole,
        })
    };
    view.backups().filter_map(below).collect()
}

fn weakest<'a, T: PartialOrd>(
    spots: impl Iterator<Item = Spot<'a>>,
    known: impl Fn(&Spot<'a>) -> Option<T>,
) -> Option<(Spot<'a>, T)> {
    let answers = spots.filter_map(|spot| Some((spot, known(&spot)?)));
    answers.reduce(|least, next| if next.1 < least.1 { next } else { least })
}
