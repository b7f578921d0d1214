//! Chance: what comes of trying a set of things in random order until one of them ends it.
//!
//! Exact, by counting: things that behave alike are one kind, and only how many of each kind are left
//! matters. Knows nothing of mail.

use std::collections::HashMap;

/// What comes of trying one thing, or a whole set: it ends, with this end, or goes on in this state.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Flow<S> {
    Ends(usize),
    GoesOn(S),
    /// Nothing more of this set is tried.
    Leaves(S),
}

/// Possible flows, each with its share; the shares come to 1.
pub(super) type Flows<S> = Vec<(f64, Flow<S>)>;

/// What comes of trying all of `kinds` (each with its number) in random order from `state` on, where
/// `attempt` tells what comes of one of the kind at this position. A set that is left goes on behind it.
pub(super) fn shuffled<S: Copy + Eq + std::hash::Hash>(
    kinds: &[usize],
    state: S,
    attempt: &mut impl FnMut(usize, S) -> Flows<S>,
) -> Flows<S> {
    let mut left = kinds.to_vec();
    let mut known = HashMap::new();
    from(&mut left, state, attempt, &mut known)
}

fn from<S: Copy + Eq + std::hash::Hash>(
    left: &mut Vec<usize>,
    state: S,
    attempt: &mut impl FnMut(usize, S) -> Flows<S>,
    known: &mut HashMap<(Vec<usize>, S), Flows<S>>,
) -> Flows<S> {
    let total: usize = left.iter().sum();
    if total == 0 {
        return vec![(1.0, Flow::GoesOn(state))];
    }
    // Of one kind there is one order, and nothing to come back to.
    let branches = left.iter().filter(|count| **count > 0).count() > 1;
    if branches && let Some(flows) = known.get(&(left.clone(), state)) {
        return flows.clone();
    }
    let mut all = Flows::new();
    for kind in 0..left.len() {
        if left[kind] == 0 {
            continue;
        }
        let share = share(left[kind], total);
        for (part, flow) in attempt(kind, state) {
            match flow {
                Flow::GoesOn(next) => {
                    left[kind] -= 1;
                    let rest = from(left, next, attempt, known);
                    left[kind] += 1;
                    for (of, flow) in rest {
                        add(&mut all, share * part * of, flow);
                    }
                }
                Flow::Ends(_) | Flow::Leaves(_) => add(&mut all, share * part, flow),
            }
        }
    }
    if branches {
        known.insert((left.clone(), state), all.clone());
    }
    all
}

/// Puts a flow to its like.
pub(super) fn add<S: PartialEq>(flows: &mut Flows<S>, share: f64, flow: Flow<S>) {
    match flows.iter_mut().find(|(_, known)| *known == flow) {
        Some((sum, _)) => *sum += share,
        None => flows.push((share, flow)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of addresses are small")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind 0 ends it, kind 1 goes on and is counted.
    fn tried(kinds: [usize; 2], most: usize) -> Flows<usize> {
        shuffled(&kinds, 0, &mut |kind, tried| match kind {
            _ if tried == most => vec![(1.0, Flow::Leaves(tried))],
            0 => vec![(1.0, Flow::Ends(0))],
            _ => vec![(1.0, Flow::GoesOn(tried + 1))],
        })
    }

    #[test]
    fn shares_are_those_of_drawing_without_putting_back() {
        for (kinds, most, ends) in [
            ([1, 0], 9, 1.0),
            ([0, 3], 9, 0.0),
            // One good among six, five tries: the good one is the last in one order of six.
            ([1, 5], 5, 5.0 / 6.0),
            ([2, 4], 2, 1.0 - 4.0 / 6.0 * 3.0 / 5.0),
        ] {
            let flows = tried(kinds, most);
            let share = |wanted: fn(&Flow<usize>) -> bool| {
                flows.iter().filter(|(_, flow)| wanted(flow)).map(|(share, _)| share).sum::<f64>()
            };
            let ended = share(|flow| matches!(flow, Flow::Ends(_)));
            assert!((ended - ends).abs() < 1e-9, "{kinds:?}: {ended}");
            assert!((share(|_| true) - 1.0).abs() < 1e-9, "{kinds:?}");
        }
    }
}
