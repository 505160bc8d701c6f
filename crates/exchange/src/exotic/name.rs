//! The last part of an exotic's name, which stands where a European option's name ends:
//! `BTC_USDC-27NOV26-90000-C-CASH_1000`, `-ASSET`, `-AMERICAN`, `-ASIAN_7`, and for barriers `UO`, `UI`, `DO` or `DI`
//! (up or down, out or in) with the level and the rebate if there is one: `-UO_100000`, `-DI_80000_500`.
//!
//! Invariant: a style that parses formats to itself.

use num::Cash;
use wire::{Crossing, ExoticStyle, Knock};

use crate::name::{format_strike, parse_strike};

pub(crate) fn format_style(style: &ExoticStyle) -> String {
    match style {
        ExoticStyle::Cash { amount } => format!("CASH_{}", format_strike(*amount)),
        ExoticStyle::Asset => "ASSET".to_owned(),
        ExoticStyle::American => "AMERICAN".to_owned(),
        ExoticStyle::Asian { fixings } => format!("ASIAN_{fixings}"),
        ExoticStyle::Barrier { crossing, knock, level, rebate } => {
            let kind = match (crossing, knock) {
                (Crossing::Rises, Knock::In) => "UI",
                (Crossing::Rises, Knock::Out) => "UO",
                (Crossing::Falls, Knock::In) => "DI",
                (Crossing::Falls, Knock::Out) => "DO",
            };
            let level = format_strike(*level);
            if *rebate == Cash::ZERO {
                return format!("{kind}_{level}");
            }
            format!("{kind}_{level}_{}", format_strike(*rebate))
        }
    }
}

/// `None` when it is no style.
pub(crate) fn parse_style(text: &str) -> Option<ExoticStyle> {
    let mut parts = text.split('_');
    let kind = parts.next()?;
    let style = match kind {
        "CASH" => ExoticStyle::Cash { amount: parse_strike(parts.next()?)? },
        "ASSET" => ExoticStyle::Asset,
        "AMERICAN" => ExoticStyle::American,
        "ASIAN" => ExoticStyle::Asian { fixings: parts.next()?.parse().ok()? },
        _ => {
            let crossing = match kind.get(..1)? {
                "U" => Crossing::Rises,
                "D" => Crossing::Falls,
                _ => return None,
            };
            let knock = match kind.get(1..)? {
                "I" => Knock::In,
                "O" => Knock::Out,
                _ => return None,
            };
            let level = parse_strike(parts.next()?)?;
            let rebate = parts.next().map_or(Some(Cash::ZERO), parse_strike)?;
            ExoticStyle::Barrier { crossing, knock, level, rebate }
        }
    };
    // Leading zeros, and parts that are left over, are of no name.
    (format_style(&style) == text).then_some(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_round_trip() {
        for text in [
            "CASH_1000",
            "CASH_0d5",
            "ASSET",
            "AMERICAN",
            "ASIAN_7",
            "UO_100000",
            "UI_100000",
            "DO_80000_500",
            "DI_0d25_0d125",
        ] {
            assert_eq!(parse_style(text).map(|style| format_style(&style)).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_style_is_none() {
        for text in [
            "",
            "CASH",
            "CASH_",
            "CASH_0",
            "CASH_-1",
            "CASH_1_1",
            "ASSET_1",
            "american",
            "ASIAN",
            "ASIAN_07",
            "ASIAN_-1",
            "UO",
            "UX_100",
            "XO_100",
            "UO_100_0",
            "UO_100_1_1",
            "UO_0100",
            "Ü_1",
            "_",
            "U_100",
        ] {
            assert_eq!(parse_style(text), None, "{text}");
        }
    }
}
