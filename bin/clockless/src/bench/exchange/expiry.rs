//! The worst of all commits: everything that is listed expires, with whatever rests in its books.
//!
//! 1,500 options of one expiry, 100,000 positions of 1,000 accounts, two resting orders an instrument; the commit in
//! which reporters speak from beyond the expiry closes, delivers and settles all of it.

use std::time::Duration;

use num::MINUTE_MS;
use wire::Event;

use crate::{
    bench::exchange::scene::{EXPIRY_MS, Scene},
    failure::Failure,
};

/// What expired, and how long its commit took.
pub struct Expired {
    pub instruments: usize,
    pub positions: usize,
    pub orders: usize,
    pub took: Duration,
}

pub fn run() -> Result<Expired, Failure> {
    let mut scene = Scene::new()?;
    scene.trade(500, 100)?;
    scene.quote()?;
    let before = EXPIRY_MS - 20 * MINUTE_MS;
    scene.report(before, 63_960)?;
    let (events, took) = scene.report(EXPIRY_MS + 1_000, 63_950)?;
    scene.check()?;
    let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    Ok(Expired {
        instruments: scene.state.instruments().len(),
        positions: count(|event| matches!(event, Event::PositionSettled { .. })),
        orders: count(|event| matches!(event, Event::OrderEnded { .. })),
        took,
    })
}
