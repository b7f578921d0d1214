//! Who must carry the mail when the primary is gone.
//!
//! Looks at places only: whether these hosts take it is another question.

use std::{collections::BTreeSet, net::SocketAddr};

use super::{View, view::Seat};

/// The hosts that must carry the mail when the primary is gone, tier by tier; equal hosts carry it
/// for each other. A host that stands where the primaries stand goes down with them.
pub fn carriers<'a>(view: &View<'a>) -> Vec<Vec<Seat<'a>>> {
    let backups = backups(view);
    if backups.is_empty() {
        let peers: Vec<Seat<'a>> = view.primaries().collect();
        let nowhere = |seat: &Seat<'a>| seat.host.addresses.is_empty();
        let several = peers.iter().any(nowhere) || taken(&peers).len() > 1;
        return if peers.len() > 1 && several { vec![peers] } else { Vec::new() };
    }
    let mut tiers: Vec<Vec<Seat<'a>>> = Vec::new();
    for seat in backups {
        match tiers.last_mut().filter(|tier| tier[0].role == seat.role) {
            Some(tier) => tier.push(seat),
            None => tiers.push(vec![seat]),
        }
    }
    tiers
}

/// Whether there is a host of another preference that does not go down with the primaries.
pub fn has_backups(view: &View<'_>) -> bool {
    !backups(view).is_empty()
}

fn backups<'a>(view: &View<'a>) -> Vec<Seat<'a>> {
    let taken = taken(&view.primaries().collect::<Vec<_>>());
    let apart = |seat: &Seat<'a>| {
        seat.host.addresses.is_empty() || places(seat).any(|place| !taken.contains(&place))
    };
    view.backups().filter(apart).collect()
}

fn taken(seats: &[Seat<'_>]) -> BTreeSet<SocketAddr> {
    seats.iter().flat_map(places).collect()
}

/// Where a host listens.
fn places<'a>(seat: &Seat<'a>) -> impl Iterator<Item = SocketAddr> + use<'a> {
    let addresses = seat.host.addresses.iter();
    addresses.map(|endpoint| SocketAddr::new(endpoint.address, endpoint.port))
}
