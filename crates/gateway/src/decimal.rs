//! Decimal text to integers and back, exactly.
//!
//! Invariant: a number with more places than fit is refused, never rounded: what a client meant is what is
//! signed.

use num::{Cash, Fix};
use serde_json::{Number, Value};

/// Why text is no number of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("{have:?} given, a decimal number is expected")]
    Syntax { have: String },
    #[error("{have:?} has more than {places} decimal places")]
    Places { have: String, places: u32 },
    #[error("{have:?} is too large")]
    Range { have: String },
}

/// `text * 10^places` as an integer.
pub fn parse(text: &str, places: u32) -> Result<i64, DecimalError> {
    let have = || text.to_owned();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return Err(DecimalError::Syntax { have: have() });
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = usize::try_from(places)
        .ok()
        .and_then(|places| places.checked_sub(fraction.len()))
        .ok_or_else(|| DecimalError::Places { have: have(), places })?;
    let sign = if negative { "-" } else { "" };
    let padded =
        format!("{sign}{}{fraction}{}", if whole.is_empty() { "0" } else { whole }, "0".repeat(missing));
    padded.parse().map_err(|_| DecimalError::Range { have: have() })
}

/// A JSON number as plain decimal text, without an exponent.
pub fn plain(number: &Number) -> String {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole.to_string(),
        (None, Some(float)) => float.to_string(),
        (None, None) => number.to_string(),
    }
}

/// An amount of money as the nearest number of USDC.
pub fn money(cash: Cash) -> f64 {
    quotient(i128::from(cash.micros()), 1e6)
}

/// A ratio, volatility, amount or sensitivity as the nearest number.
pub fn ratio(fix: Fix) -> f64 {
    quotient(i128::from(fix.raw()), 1e9)
}

/// The nearest number to `raw / scale`.
pub fn quotient(raw: i128, scale: f64) -> f64 {
    raw as f64 / scale
}

/// An amount of money as a JSON number.
pub fn cash(cash: Cash) -> Value {
    scaled(i128::from(cash.micros()), 1e6)
}

/// A ratio, volatility, amount or sensitivity as a JSON number.
pub fn fix(fix: Fix) -> Value {
    scaled(i128::from(fix.raw()), 1e9)
}

/// `raw / scale` as the nearest JSON number.
pub fn scaled(raw: i128, scale: f64) -> Value {
    Number::from_f64(quotient(raw, scale)).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_the_exact_integer_or_an_error() {
        for (text, places, want) in [
            ("0.01", 9, 10_000_000),
            ("90000", 6, 90_000_000_000),
            ("-1.5", 1, -15),
            (".5", 1, 5),
            ("5.", 0, 5),
            ("1.500", 1, 15),
            ("0", 6, 0),
        ] {
            assert_eq!(parse(text, places), Ok(want), "{text}");
        }
        for text in ["", "-", ".", "1e5", "abc", "1.2.3", "+1", " 1", "NaN", "--1", "0x1"] {
            assert!(matches!(parse(text, 6), Err(DecimalError::Syntax { .. })), "{text}");
        }
        assert!(matches!(parse("0.0000001", 6), Err(DecimalError::Places { .. })));
        assert!(matches!(parse("99999999999999999999", 6), Err(DecimalError::Range { .. })));
    }

    #[test]
    fn small_json_numbers_lose_their_exponent() {
        let number = |text: &str| serde_json::from_str::<Number>(text).unwrap();
        assert_eq!(plain(&number("1e-7")), "0.0000001");
        assert_eq!(plain(&number("1e3")), "1000");
        assert_eq!(plain(&number("0.1")), "0.1");
        assert_eq!(plain(&number("-3")), "-3");
    }
}
