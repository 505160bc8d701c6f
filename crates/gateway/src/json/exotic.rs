//! Exotics in JSON: what they are, and what has become of them. The venue has none; the words are ours.
//!
//! Invariant: amounts and levels are for one unit of the underlying.

use exchange::Exotic;
use num::{Cash, Rounding, div_round};
use serde_json::{Value, json};
use wire::{Crossing, ExoticStyle, Knock};

use crate::decimal::cash;

use super::optional;

/// What makes an option an exotic one.
pub fn style(it: &ExoticStyle) -> Value {
    match it {
        ExoticStyle::Cash { amount } => {
            json!({ "style": "digital", "pays": "cash", "amount": cash(*amount) })
        }
        ExoticStyle::Asset => json!({ "style": "digital", "pays": "asset" }),
        ExoticStyle::American => json!({ "style": "american" }),
        ExoticStyle::Asian { fixings } => json!({ "style": "asian", "fixings": fixings }),
        ExoticStyle::Barrier { crossing, knock, level, rebate } => json!({
            "style": "barrier",
            "direction": match crossing {
                Crossing::Rises => "up",
                Crossing::Falls => "down",
            },
            "knock": match knock {
                Knock::In => "in",
                Knock::Out => "out",
            },
            "level": cash(*level),
            "rebate": cash(*rebate),
        }),
    }
}

/// An exotic's instrument with what has become of it: the price that met its level, and the fixings that were made with
/// their average.
pub fn exotic(instrument: Value, it: &Exotic) -> Value {
    let average = div_round(it.fixed.micros().into(), it.made.into(), Rounding::HalfEven);
    json!({
        "instrument": instrument,
        "touched_price": optional(it.touched),
        "fixings_made": it.made,
        "fixings_average": optional(average.and_then(Cash::from_i128)),
    })
}
