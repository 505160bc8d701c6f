//! The option chain that a demo lists: read from a CSV of a real day, or made from a surface stated here.
//!
//! Invariant: a file is taken whole or refused with the line and the reason; nothing is skipped in silence.

use std::{collections::BTreeMap, io::Read};

use num::{Cash, DAY_MS, Fix, HOUR_MS};

/// One listed option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedOption {
    /// "BTC"
    pub underlying: String,
    /// 08:00 UTC of the day of expiry, in milliseconds.
    pub expiry_ms: u64,
    pub strike: Cash,
    pub right: Right,
    /// Annual volatility at which it is marked; 0.55 is 55 %.
    pub volatility: Fix,
    /// Price of the underlying that belongs to the mark: the forward of the expiry.
    pub forward: Cash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    Call,
    Put,
}

/// A day's options and where the market was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// 00:00 UTC of the day, in milliseconds: when the demo's time begins.
    pub day_ms: u64,
    pub options: Vec<ListedOption>,
    /// Index prices at the start, by underlying: the price of the nearest expiry.
    pub spot: BTreeMap<String, Cash>,
}

/// Why a file is no chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error("line {line}: {source}")]
    Csv { line: u64, source: Box<csv::Error> },
    #[error("line 1: the column {column:?} is missing; {need:?} are expected")]
    Column { column: &'static str, need: &'static [&'static str] },
    #[error("line {line}: {column} is {have:?}, {need} is expected")]
    Field { line: u64, column: &'static str, have: String, need: &'static str },
    #[error("line {line}: {instrument} was listed on line {first} already")]
    Duplicate { line: u64, first: u64, instrument: String },
    #[error("line {line}: date {have:?} differs from {need:?} of the lines before")]
    Date { line: u64, have: String, need: String },
    #[error("there is no option in it")]
    Empty,
}

const COLUMNS: &[&str] = &["date", "currency", "expiry", "strike", "type", "mark_iv", "underlying_usd"];

/// Reads a chain from CSV with at least the columns of `COLUMNS`, in any order.
pub fn read(input: impl Read) -> Result<Chain, ChainError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let headers =
        reader.headers().map_err(|source| ChainError::Csv { line: 1, source: Box::new(source) })?.clone();
    let mut places = [0; 7];
    for (place, column) in places.iter_mut().zip(COLUMNS.iter().copied()) {
        *place = headers
            .iter()
            .position(|header| header == column)
            .ok_or(ChainError::Column { column, need: COLUMNS })?;
    }
    let mut builder = Builder::default();
    for (row, record) in reader.records().enumerate() {
        let line = u64::try_from(row).unwrap_or(u64::MAX).saturating_add(2);
        let record = record.map_err(|source| ChainError::Csv { line, source: Box::new(source) })?;
        let fields = places.map(|place| record.get(place).unwrap_or(""));
        builder.add(line, fields)?;
    }
    builder.finish()
}

#[derive(Default)]
struct Builder {
    date: Option<String>,
    day_ms: u64,
    options: Vec<ListedOption>,
    seen: BTreeMap<(String, u64, Cash, Right), u64>,
}

impl Builder {
    fn add(&mut self, line: u64, fields: [&str; 7]) -> Result<(), ChainError> {
        let [date, currency, expiry, strike, right, volatility, forward] = fields;
        self.check_date(line, date)?;
        let wrong = |column: &'static str, have: &str, need: &'static str| ChainError::Field {
            line,
            column,
            have: have.to_owned(),
            need,
        };
        if !matches!(currency, "BTC" | "ETH") {
            return Err(wrong("currency", currency, "BTC or ETH"));
        }
        let expiry_ms =
            parse_expiry(expiry).ok_or_else(|| wrong("expiry", expiry, "a day such as 25SEP26"))?;
        let price = |column, text: &str| {
            parse_price(text)
                .ok_or_else(|| wrong(column, text, "a price in USD above zero, at most 6 decimals"))
        };
        let option = ListedOption {
            underlying: currency.to_owned(),
            expiry_ms,
            strike: price("strike", strike)?,
            right: match right {
                "call" => Right::Call,
                "put" => Right::Put,
                _ => return Err(wrong("type", right, "call or put")),
            },
            volatility: parse_percent(volatility).ok_or_else(|| {
                wrong("mark_iv", volatility, "a volatility in percent above 0 and up to 1000")
            })?,
            forward: price("underlying_usd", forward)?,
        };
        let key = (option.underlying.clone(), expiry_ms, option.strike, option.right);
        if let Some(first) = self.seen.insert(key, line) {
            let instrument = format!("{currency} {expiry} {strike} {right}");
            return Err(ChainError::Duplicate { line, first, instrument });
        }
        self.options.push(option);
        Ok(())
    }

    fn check_date(&mut self, line: u64, date: &str) -> Result<(), ChainError> {
        match &self.date {
            Some(first) if first == date => Ok(()),
            Some(first) => Err(ChainError::Date { line, have: date.to_owned(), need: first.clone() }),
            None => {
                self.day_ms = parse_date(date).ok_or_else(|| ChainError::Field {
                    line,
                    column: "date",
                    have: date.to_owned(),
                    need: "a day such as 2026-08-08",
                })?;
                self.date = Some(date.to_owned());
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Chain, ChainError> {
        if self.options.is_empty() {
            return Err(ChainError::Empty);
        }
        let mut nearest: BTreeMap<String, (u64, Cash)> = BTreeMap::new();
        for option in &self.options {
            let entry =
                nearest.entry(option.underlying.clone()).or_insert((option.expiry_ms, option.forward));
            if option.expiry_ms < entry.0 {
                *entry = (option.expiry_ms, option.forward);
            }
        }
        let spot = nearest.into_iter().map(|(underlying, (_, forward))| (underlying, forward)).collect();
        Ok(Chain { day_ms: self.day_ms, options: self.options, spot })
    }
}

/// The chain of a demo without a file: BTC at 90,000 and ETH at 3,000 USD; expiries 1, 2, 7, 14, 28 and 56
/// days ahead; seventeen strikes each, spaced by the expiry's own standard deviation; volatility
/// 55 % (BTC) or 70 % (ETH) at the money, with a skew of -6 and a smile of 4 points per unit of
/// standardised log-moneyness.
pub fn built_in(day_ms: u64) -> Chain {
    let mut options = Vec::new();
    let mut spot = BTreeMap::new();
    for (underlying, price, step, at_the_money) in
        [("BTC", 90_000.0, 500.0, 0.55), ("ETH", 3_000.0, 25.0, 0.70)]
    {
        spot.insert(underlying.to_owned(), to_cash(price));
        for days in [1_u32, 2, 7, 14, 28, 56] {
            let expiry_ms = day_ms + u64::from(days) * DAY_MS + 8 * HOUR_MS;
            let deviation = at_the_money * (f64::from(days) / 365.0).sqrt();
            let smile = Smile { at_the_money, deviation };
            options.extend(
                strikes(underlying, price, step, smile).map(|option| ListedOption { expiry_ms, ..option }),
            );
        }
    }
    Chain { day_ms, options, spot }
}

#[derive(Clone, Copy)]
struct Smile {
    at_the_money: f64,
    deviation: f64,
}

fn strikes(underlying: &str, price: f64, step: f64, smile: Smile) -> impl Iterator<Item = ListedOption> {
    let mut strikes: Vec<f64> = (-8_i32..=8)
        .map(|i| price * (f64::from(i) / 4.0 * smile.deviation).exp())
        .map(|strike| (strike / step).round() * step)
        .collect();
    strikes.dedup();
    strikes.into_iter().flat_map(move |strike| {
        let moneyness = (strike / price).ln() / smile.deviation;
        let volatility = smile.at_the_money - 0.06 * moneyness * smile.at_the_money
            + 0.04 * moneyness.powi(2) * smile.at_the_money;
        let option = ListedOption {
            underlying: underlying.to_owned(),
            expiry_ms: 0,
            strike: to_cash(strike),
            right: Right::Call,
            volatility: Fix::from_raw((volatility * 1e9).round() as i64),
            forward: to_cash(price),
        };
        [option.clone(), ListedOption { right: Right::Put, ..option }]
    })
}

fn to_cash(usd: f64) -> Cash {
    Cash::from_micros((usd * 1e6).round() as i64)
}

fn parse_price(text: &str) -> Option<Cash> {
    let price = gateway::decimal::parse(text, 6).ok().map(Cash::from_micros)?;
    price.is_positive().then_some(price)
}

/// "48.27" percent as a ratio.
fn parse_percent(text: &str) -> Option<Fix> {
    let ratio = gateway::decimal::parse(text, 7).ok().map(Fix::from_raw)?;
    (ratio > Fix::ZERO && ratio.raw() <= 10 * Fix::SCALE).then_some(ratio)
}

fn parse_date(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none();
    whole
        .then(|| exchange::calendar::midnight_ms(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
        .flatten()
}

fn parse_expiry(text: &str) -> Option<u64> {
    exchange::calendar::parse_expiry(text).map(num::Timestamp::millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "date,currency,instrument,expiry,strike,type,open_interest,mark_iv,underlying_usd\n";

    fn chain(rows: &str) -> Result<Chain, ChainError> {
        read(format!("{HEADER}{rows}").as_bytes())
    }

    #[test]
    fn a_row_becomes_an_option_of_its_day() {
        let chain = chain("2026-08-08,BTC,BTC-10AUG26-57000-P,10AUG26,57000,put,0,48.27,64822.53\n").unwrap();
        let option = &chain.options[0];
        assert_eq!(option.strike, Cash::from_micros(57_000_000_000));
        assert_eq!(option.volatility, Fix::from_raw(482_700_000));
        assert_eq!(option.expiry_ms - chain.day_ms, 2 * DAY_MS + 8 * HOUR_MS);
        assert_eq!(chain.spot["BTC"], Cash::from_micros(64_822_530_000));
    }

    #[test]
    fn a_broken_row_is_named_with_its_line_and_reason() {
        let good = "2026-08-08,BTC,x,10AUG26,57000,put,0,48.27,64822.53\n";
        for (row, want) in [
            ("2026-08-08,DOGE,x,10AUG26,57000,put,0,48.27,1\n", "line 3: currency is \"DOGE\""),
            ("2026-08-08,BTC,x,10XXX26,57000,put,0,48.27,1\n", "line 3: expiry is \"10XXX26\""),
            ("2026-08-08,BTC,x,10AUG26,-1,put,0,48.27,1\n", "line 3: strike is \"-1\""),
            ("2026-08-08,BTC,x,10AUG26,57000,both,0,48.27,1\n", "line 3: type is \"both\""),
            ("2026-08-08,BTC,x,10AUG26,57001,put,0,nan,1\n", "line 3: mark_iv is \"nan\""),
            ("2026-08-08,BTC,x,10AUG26,57001,put,0,48.27,\n", "line 3: underlying_usd is \"\""),
            ("2026-08-09,BTC,x,10AUG26,57001,put,0,48.27,1\n", "line 3: date \"2026-08-09\" differs"),
            ("2026-08-08,BTC,x,10AUG26\n", "line 3:"),
            (good, "line 3: BTC 10AUG26 57000 put was listed on line 2 already"),
        ] {
            let message = chain(&format!("{good}{row}")).unwrap_err().to_string();
            assert!(message.starts_with(want), "{message} should start with {want}");
        }
    }

    #[test]
    fn a_missing_column_and_an_empty_file_are_refused() {
        let error = read("date,currency\n".as_bytes()).unwrap_err().to_string();
        assert!(error.contains("\"expiry\" is missing"), "{error}");
        assert!(matches!(chain(""), Err(ChainError::Empty)));
    }

    #[test]
    fn the_built_in_chain_is_sane() {
        let chain = built_in(1_786_147_200_000);
        assert!(chain.options.len() > 300, "{}", chain.options.len());
        assert!(chain.options.iter().all(|option| option.volatility > Fix::from_raw(100_000_000)));
    }
}
