//! Names of instruments in the grammar that Deribit uses for USDC-linear ones.
//!
//! `BTC_USDC-PERPETUAL`, `BTC_USDC-25SEP26`, `BTC_USDC-25SEP26-90000-C`; a strike that is not whole writes its
//! point as `d`: `XRP_USDC-25SEP26-0d625-P`. Exotics go on after the right: `BTC_USDC-25SEP26-90000-C-UO_100000`.
//!
//! Invariant: a name that parses formats to itself.

use num::{Cash, Timestamp};
use wire::ExoticStyle;

use crate::{calendar, exotic};

/// Which contract it is, apart from its underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    Option {
        expiry: Timestamp,
        strike: Cash,
        right: Right,
    },
    Future {
        expiry: Timestamp,
    },
    Perpetual,
    /// Several of them together; its legs are its instrument's to say.
    Combo {
        /// The earliest of its legs, if any expires.
        expiry: Option<Timestamp>,
    },
    /// An option with rules of its own.
    Exotic {
        expiry: Timestamp,
        strike: Cash,
        right: Right,
        style: ExoticStyle,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    Call,
    Put,
}

impl Contract {
    /// `None` for what never expires.
    pub const fn expiry(&self) -> Option<Timestamp> {
        match self {
            Self::Option { expiry, .. } | Self::Future { expiry } | Self::Exotic { expiry, .. } => {
                Some(*expiry)
            }
            Self::Perpetual => None,
            Self::Combo { expiry } => *expiry,
        }
    }
}

/// The name of a contract on an underlying such as `BTC`. Combos have but the beginning of a name here: `combo` names
/// them after their legs.
pub fn format(underlying: &str, contract: &Contract) -> String {
    match contract {
        Contract::Perpetual => format!("{underlying}_USDC-PERPETUAL"),
        Contract::Combo { .. } => format!("{underlying}_USDC"),
        Contract::Future { expiry } => format!("{underlying}_USDC-{}", calendar::format_expiry(*expiry)),
        Contract::Option { expiry, strike, right } => {
            let right = match right {
                Right::Call => "C",
                Right::Put => "P",
            };
            format!(
                "{underlying}_USDC-{}-{}-{right}",
                calendar::format_expiry(*expiry),
                format_strike(*strike)
            )
        }
        Contract::Exotic { expiry, strike, right, style } => {
            let (expiry, strike, right) = (*expiry, *strike, *right);
            let option = format(underlying, &Contract::Option { expiry, strike, right });
            format!("{option}-{}", exotic::format_style(style))
        }
    }
}

/// The underlying and the contract of a name; `None` when it is no name.
pub fn parse(name: &str) -> Option<(&str, Contract)> {
    let (pair, rest) = name.split_once('-')?;
    let underlying = pair.strip_suffix("_USDC").filter(|it| is_symbol(it))?;
    if rest == "PERPETUAL" {
        return Some((underlying, Contract::Perpetual));
    }
    let mut parts = rest.split('-');
    let expiry = calendar::parse_expiry(parts.next()?)?;
    let Some(strike) = parts.next() else { return Some((underlying, Contract::Future { expiry })) };
    let strike = parse_strike(strike)?;
    let right = match parts.next()? {
        "C" => Right::Call,
        "P" => Right::Put,
        _ => return None,
    };
    let Some(style) = parts.next() else {
        return Some((underlying, Contract::Option { expiry, strike, right }));
    };
    let style = exotic::parse_style(style)?;
    parts.next().is_none().then_some((underlying, Contract::Exotic { expiry, strike, right, style }))
}

/// Whether text can name an underlying: capitals and digits, at most eight.
pub fn is_symbol(text: &str) -> bool {
    (1..=8).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

pub(crate) fn format_strike(strike: Cash) -> String {
    let (whole, fraction) = (strike.micros() / Cash::SCALE, strike.micros() % Cash::SCALE);
    if fraction == 0 {
        return whole.to_string();
    }
    let places = format!("{:06}", fraction.unsigned_abs());
    format!("{whole}d{}", places.trim_end_matches('0'))
}

pub(crate) fn parse_strike(text: &str) -> Option<Cash> {
    let (whole, fraction) = text.split_once('d').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let strike: i64 = format!("{whole}{fraction:0<6}").parse().ok()?;
    let strike = Cash::from_micros(strike);
    // One way to write each strike: no leading zeros, no trailing ones.
    (strike.is_positive() && format_strike(strike) == text).then_some(strike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "BTC_USDC-PERPETUAL",
            "ETH_USDC-25SEP26",
            "BTC_USDC-8AUG26-64000-C",
            "BTC_USDC-6JAN28-100000-P",
            "XRP_USDC-25SEP26-0d625-P",
            "XRP_USDC-25SEP26-1d5-C",
            "BTC_USDC-25SEP26-90000-C-UO_100000",
            "XRP_USDC-25SEP26-0d625-P-CASH_0d5",
        ] {
            let (underlying, contract) = parse(name).unwrap();
            assert_eq!(format(underlying, &contract), name);
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for name in [
            "",
            "BTC",
            "BTC-PERPETUAL",
            "BTC_USDC-",
            "BTC_USDC-08AUG26-64000-C",
            "BTC_USDC-8AUG26-64000",
            "BTC_USDC-8AUG26-64000-X",
            "BTC_USDC-8AUG26-064000-C",
            "BTC_USDC-8AUG26-0-C",
            "BTC_USDC-8AUG26-1d50-C",
            "BTC_USDC-8AUG26-1d1234567-C",
            "BTC_USDC-8AUG26-64000-C-C",
            "BTC_USDC-8AUG26-64000-C-ASSET-",
            "btc_USDC-PERPETUAL",
            "BTC_USDC-8AUG26--1-C",
            "BTC_USDC-8AUG26-99999999999999999999-C",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
