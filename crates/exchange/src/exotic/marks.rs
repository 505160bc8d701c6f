//! What an exotic is worth: by its model on the forward and the smile of its expiry, and in each scenario by the same
//! model again.
//!
//! Invariant: what is settled of an exotic is not modelled: an option that has ended is worth its rebate, one that has
//! begun is the European one, and fixings that were made are numbers.
//! Sources and limits of the models: `pricing`, `ExoticQuote`.

use num::{Cash, Fix, Timestamp};
use pricing::{Claim, ExoticQuote, Exposure, Quote, Slice};
use wire::{Crossing, ExoticStyle, Knock};

use super::{Exotic, FIXINGS_APART};
use crate::{
    genesis::MarginParameters,
    instrument::{Greeks, Instrument, StandardMargin, Valuation},
    marks::priced,
    name::{Contract, Right},
    risk::{Grid, time_to},
};

/// The slope of a smile is looked at over this part of the strike to either side, and one over the width of that.
const SLOPE_SIDE: i64 = 100;
const SLOPE_FACTOR: i64 = SLOPE_SIDE / 2;

/// What a valuation is made at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub index: Cash,
    pub forward: Cash,
    pub smile: &'a Slice,
    pub now: Timestamp,
    pub grid: &'a Grid,
    pub margin: &'a MarginParameters,
}

/// The terms of a European option.
type European = (Timestamp, Cash, Right);

/// Whether any of it still depends on the market.
enum Stage {
    Known(Cash),
    European,
    Alive(Claim),
}

/// `None` for what is no exotic.
pub(crate) fn value(it: &Instrument, at: &Surroundings<'_>) -> Option<Valuation> {
    let Contract::Exotic { expiry, strike, right, style } = it.contract else { return None };
    let volatility = at.smile.volatility(strike);
    let (mark, greeks, scenarios) = match stage(&style, it.exotic.as_ref()?) {
        Stage::Known(amount) => (amount, [Fix::ZERO; 5], vec![0; at.grid.len()].into()),
        Stage::European => {
            let (forward, time) = (at.forward, time_to(expiry, at.now));
            let quote = Quote { right: priced(right), forward, strike, time, volatility };
            let (mark, greeks) = pricing::quote(&quote);
            (mark, greeks, at.grid.profits(&Exposure::option(&quote)))
        }
        Stage::Alive(claim) => {
            let quote = exotic_quote((expiry, strike, right), (claim, volatility), at);
            let (mark, greeks) = quote.value();
            (mark, greeks, at.grid.profits(&Exposure::exotic(&quote)))
        }
    };
    let [delta, gamma, vega, theta, rho] = greeks;
    Some(Valuation {
        mark,
        forward: at.forward,
        volatility: Some(volatility),
        greeks: Greeks { delta, gamma, vega, theta, rho },
        standard: standard((right, strike), &style, (at, mark)),
        scenarios,
    })
}

fn exotic_quote(
    (expiry, strike, right): European,
    (claim, volatility): (Claim, Fix),
    at: &Surroundings<'_>,
) -> ExoticQuote {
    ExoticQuote {
        right: priced(right),
        strike,
        claim,
        index: at.index,
        forward: at.forward,
        time: time_to(expiry, at.now),
        volatility,
        skew: skew(at.smile, strike),
    }
}

fn stage(style: &ExoticStyle, life: &Exotic) -> Stage {
    let claim = match *style {
        ExoticStyle::Cash { amount } => Claim::Cash { amount },
        ExoticStyle::Asset => Claim::Asset,
        ExoticStyle::American => Claim::American,
        ExoticStyle::Barrier { crossing, knock, level, rebate } => {
            match (life.touched, knock) {
                (Some(_), Knock::Out) => return Stage::Known(rebate),
                (Some(_), Knock::In) => return Stage::European,
                (None, _) => {}
            }
            let crossing = match crossing {
                Crossing::Rises => pricing::Crossing::Up,
                Crossing::Falls => pricing::Crossing::Down,
            };
            let knock = match knock {
                Knock::In => pricing::Knock::In,
                Knock::Out => pricing::Knock::Out,
            };
            Claim::Barrier { crossing, knock, level, rebate }
        }
        ExoticStyle::Asian { fixings } => {
            let left = fixings.saturating_sub(life.made);
            Claim::Average { sum: life.fixed, made: life.made, left, apart: FIXINGS_APART }
        }
    };
    Stage::Alive(claim)
}

/// How volatility rises at a strike for each unit of its logarithm.
fn skew(smile: &Slice, strike: Cash) -> Fix {
    let side = strike.micros() / SLOPE_SIDE;
    let at = |micros: i64| smile.volatility(Cash::from_micros(micros)).raw();
    let rise = at(strike.micros().saturating_add(side)) - at(strike.micros() - side);
    Fix::from_raw(rise.saturating_mul(SLOPE_FACTOR))
}

/// Who is long can lose the mark. Who is short puts up what a digital pays in cash, and for the rest what a European
/// option of the strike asks for at this mark, with what can fall due all at once: the strike of a digital that pays
/// the asset, the rebate of a barrier option.
fn standard(
    (right, strike): (Right, Cash),
    style: &ExoticStyle,
    (at, mark): (&Surroundings<'_>, Cash),
) -> StandardMargin {
    let usual = at.margin.standard_option((right, strike), (at.index, mark));
    let short = match style {
        ExoticStyle::Cash { amount } => amount.micros(),
        ExoticStyle::Asset => usual.short.saturating_add(strike.micros()),
        ExoticStyle::Barrier { rebate, .. } => usual.short.saturating_add(rebate.micros()),
        ExoticStyle::American | ExoticStyle::Asian { .. } => usual.short,
    };
    StandardMargin { short, ..usual }
}
