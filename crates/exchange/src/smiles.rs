//! Smiles and forwards that follow the market: one expiry of an underlying each time its marks are made anew.
//!
//! An expiry's forward goes towards the middle of its future's book. Its smile goes towards SVI through the volatilities
//! that its books quote: at each strike the option that is out of the money counts, when both sides of its book show
//! enough within a spread. A book is read at the price up to which it shows enough lots, so that a small order in front
//! of it says nothing. Neither goes faster than a rule allows by the time that has passed, whatever is quoted: all nodes
//! of a smile go the same part of their way, so that what is between two smiles stays one.
//!
//! Invariant: a smile is replaced by one that gives no butterfly for nothing, and no calendar against the expiries
//! before and after it; where there is none, or quotes are thin, it stays as it is. Decision and sources: docs/adr/0031.

use std::collections::BTreeSet;

use num::{Cash, Duration, Fix, Rounding, Side, Timestamp};
use pricing::{Quote, Slice, Term};
use wire::UnderlyingId;

use crate::{
    book::Depth,
    genesis::{FORWARD_RANGE, Node, SmileParameters, Surface},
    instrument::Instrument,
    marks::{priced, smile},
    name::{Contract, Right},
    risk::time_to,
    state::{State, Underlying},
};

/// Time that has passed counts up to so much: a long silence does not let a smile jump.
const CATCH_UP_MS: u64 = 60_000;
const SECOND_MS: u64 = 1_000;
/// Closer to its expiry a smile stays: volatilities of options that are nearly over say nothing.
const LEAST_MS: u64 = 3_600_000;

impl State {
    /// Lets the expiry that has waited longest follow its quotes.
    pub(crate) fn follow_quotes(&mut self, id: UnderlyingId) {
        let Some(rules) = self.parameters.smiles else { return };
        let now = self.time;
        let underlying = self.underlying(id);
        let waiting = underlying
            .surfaces
            .iter()
            .filter(|it| !it.nodes.is_empty() && it.expiry_ms > now.millis().saturating_add(LEAST_MS));
        let last = |expiry_ms: u64| underlying.followed.get(&expiry_ms).copied();
        let Some(expiry_ms) = waiting.map(|it| (last(it.expiry_ms), it.expiry_ms)).min().map(|it| it.1)
        else {
            return;
        };
        let since = last(expiry_ms).map_or(SECOND_MS, |at| now.since(at).millis()).min(CATCH_UP_MS);
        let moved = self.followed_surface(id, expiry_ms, (&rules, since));
        let underlying = self.underlying_mut(id);
        let listed: BTreeSet<u64> = underlying.surfaces.iter().map(|it| it.expiry_ms).collect();
        underlying.followed.retain(|expiry, _| listed.contains(expiry));
        underlying.followed.insert(expiry_ms, now);
        if let Some(moved) = moved
            && let Some(surface) = underlying.surfaces.iter_mut().find(|it| it.expiry_ms == expiry_ms)
        {
            *surface = moved;
        }
    }

    fn followed_surface(
        &self,
        id: UnderlyingId,
        expiry_ms: u64,
        (rules, since): (&SmileParameters, u64),
    ) -> Option<Surface> {
        let underlying = self.underlying(id);
        let mut surface = underlying.surfaces.iter().find(|it| it.expiry_ms == expiry_ms)?.clone();
        let expiry = Timestamp::from_millis(expiry_ms);
        if let Some(quoted) = self.quoted_forward(id, expiry, rules) {
            let reach = allowed(rules.forward_speed_billionths, since);
            let step = (quoted - surface.forward_billionths).clamp(-reach, reach);
            let forward = surface.forward_billionths + step;
            surface.forward_billionths = forward.clamp(*FORWARD_RANGE.start(), *FORWARD_RANGE.end());
        }
        let term = term(underlying, &surface, self.time)?;
        if let Some(nodes) = self.followed_nodes((id, &surface), term, (rules, since)) {
            surface.nodes = nodes;
        }
        Some(surface)
    }

    /// Forward over index, in billionths, as the future of the expiry is quoted.
    fn quoted_forward(&self, id: UnderlyingId, expiry: Timestamp, rules: &SmileParameters) -> Option<i64> {
        let is_future = |it: &&Instrument| it.contract == Contract::Future { expiry };
        let it = self.quoted(id).find(is_future)?;
        let [bid, ask] = self.market_of(it, rules)?;
        let index = self.underlying(id).index;
        let spread = Fix::ratio(ask.checked_sub(bid)?.micros(), index.micros(), Rounding::Ceil)?;
        let middle = bid.checked_add(ask)?.micros();
        let ratio = Fix::ratio(middle, index.micros().checked_mul(2)?, Rounding::HalfEven)?;
        (spread.raw() <= rules.forward_spread_billionths_max).then_some(ratio.raw())
    }

    /// Nodes of the smile at all listed strikes, a part of the way to the quotes; `None` where it has to stay.
    fn followed_nodes(
        &self,
        (id, surface): (UnderlyingId, &Surface),
        term: Term,
        (rules, since): (&SmileParameters, u64),
    ) -> Option<Vec<Node>> {
        let expiry = Timestamp::from_millis(surface.expiry_ms);
        let (quotes, strikes) = self.quoted_volatilities(id, expiry, (term, rules));
        if quotes.len() < usize::try_from(rules.quotes_min).unwrap_or(usize::MAX) {
            return None;
        }
        let strikes: Vec<Cash> = strikes.into_iter().collect();
        let target = term.smile_through(&quotes, &strikes).ok()?;
        let (_, before) = smile(surface);
        let before = before?;
        let nodes = part_of_way(&before, &target, allowed(rules.speed_billionths, since));
        let slice = Slice::new(&nodes).ok()?;
        let is_free = term.butterfly(&nodes).is_none() && self.fits_neighbours(id, (surface, term), &slice);
        let node = |(strike, volatility): &(Cash, Fix)| Node {
            strike_micros: strike.micros(),
            volatility_billionths: volatility.raw(),
        };
        is_free.then(|| nodes.iter().map(node).collect())
    }

    /// Volatilities in the middle of the market by rising strike, and all strikes that are listed.
    fn quoted_volatilities(
        &self,
        id: UnderlyingId,
        expiry: Timestamp,
        (term, rules): (Term, &SmileParameters),
    ) -> (Vec<(Cash, Fix)>, BTreeSet<Cash>) {
        let (mut quotes, mut strikes) = (std::collections::BTreeMap::new(), BTreeSet::new());
        for it in self.quoted(id) {
            let Contract::Option { expiry: of, strike, right } = it.contract else { continue };
            if of != expiry {
                continue;
            }
            strikes.insert(strike);
            let is_out = (strike >= term.forward) == (right == Right::Call);
            if is_out && let Some(volatility) = self.quoted_volatility(it, term, rules) {
                quotes.insert(strike, volatility);
            }
        }
        (quotes.into_iter().collect(), strikes)
    }

    /// The middle of the volatilities at which an option is bid and offered.
    fn quoted_volatility(&self, it: &Instrument, term: Term, rules: &SmileParameters) -> Option<Fix> {
        let Contract::Option { strike, right, .. } = it.contract else { return None };
        let Term { forward, time } = term;
        let quote = Quote { right: priced(right), forward, strike, time, volatility: Fix::ZERO };
        let [bid, ask] = self.market_of(it, rules)?;
        let (bid, ask) = (pricing::quote_implied(&quote, bid)?, pricing::quote_implied(&quote, ask)?);
        let spread = ask.raw().checked_sub(bid.raw())?;
        let is_close = bid > Fix::ZERO && spread <= rules.spread_billionths_max;
        is_close.then(|| Fix::from_raw(bid.raw() + spread / 2))
    }

    /// Bid and ask up to which a book shows enough.
    fn market_of(&self, it: &Instrument, rules: &SmileParameters) -> Option<[Cash; 2]> {
        let book = self.book(it.id);
        let price = |side: Side| {
            let mut shown = 0_u64;
            let level = book.levels(side).find(|level| {
                shown = shown.saturating_add(level.lots.get());
                shown >= rules.lots_min
            })?;
            it.market.price(level.price)
        };
        Some([price(Side::Buy)?, price(Side::Sell)?])
    }

    /// Instruments whose quotes say something.
    fn quoted(&self, id: UnderlyingId) -> impl Iterator<Item = &Instrument> {
        self.instruments.iter().filter(move |it| it.underlying == id && it.is_open() && it.halt.is_none())
    }

    /// No calendar spread against the expiries next to this one is free.
    fn fits_neighbours(&self, id: UnderlyingId, (surface, at): (&Surface, Term), slice: &Slice) -> bool {
        let underlying = self.underlying(id);
        let others = || underlying.surfaces.iter().filter(|it| !it.nodes.is_empty());
        let side = |other: Option<&Surface>| {
            let other = other?;
            Some((term(underlying, other, self.time)?, smile(other).1?, strikes(other)))
        };
        let before = others().filter(|it| it.expiry_ms < surface.expiry_ms).max_by_key(|it| it.expiry_ms);
        let after = others().filter(|it| it.expiry_ms > surface.expiry_ms).min_by_key(|it| it.expiry_ms);
        let own = strikes(surface);
        let follows =
            side(before).is_none_or(|(term, smile, _)| at.calendar(slice, (term, &smile), &own).is_none());
        follows
            && side(after).is_none_or(|(term, smile, on)| term.calendar(&smile, (at, slice), &on).is_none())
    }
}

/// How far something may go at a speed of so much a second.
fn allowed(billionths_per_s: i64, ms: u64) -> i64 {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    billionths_per_s.saturating_mul(ms) / i64::try_from(SECOND_MS).unwrap_or(1)
}

/// Forward and time of an expiry; `None` once it is over.
fn term(underlying: &Underlying, surface: &Surface, now: Timestamp) -> Option<Term> {
    let ratio = Fix::from_raw(surface.forward_billionths);
    let forward = underlying.index.scale(ratio, Rounding::HalfEven)?;
    let time = time_to(Timestamp::from_millis(surface.expiry_ms), now);
    (time > Duration::ZERO).then_some(Term { forward, time })
}

fn strikes(surface: &Surface) -> Vec<Cash> {
    surface.nodes.iter().map(|node| Cash::from_micros(node.strike_micros)).collect()
}

/// From where the smile is towards a target, none of its nodes further than `reach`.
fn part_of_way(from: &Slice, target: &[(Cash, Fix)], reach: i64) -> Vec<(Cash, Fix)> {
    let way = |(strike, to): &(Cash, Fix)| to.raw() - from.volatility(*strike).raw();
    let farthest = target.iter().map(|node| way(node).abs()).max().unwrap_or(0).max(1);
    let part = |node: &(Cash, Fix)| {
        let whole = i128::from(way(node));
        let step = whole * i128::from(reach.min(farthest)) / i128::from(farthest);
        let to = i128::from(from.volatility(node.0).raw()) + step;
        (node.0, Fix::from_raw(i64::try_from(to).unwrap_or(node.1.raw())))
    };
    target.iter().map(part).collect()
}
