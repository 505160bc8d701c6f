//! What is asked for and what is answered: requests, quotes, and the legs of both.
//!
//! Invariant: a structure is its legs in whole ratios; an amount of it is an amount of each leg times its ratio. Its price
//! is what its buyer pays for one: legs bought less legs sold.

use num::{Cash, Fix, Side};
use wire::{AccountId, InstrumentId};

use super::Triggers;

/// One leg of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub instrument: InstrumentId,
    /// What the structure's buyer does.
    pub side: Side,
    pub ratio: i64,
    /// The least amount of its instrument.
    pub lot: Fix,
}

/// A future that is traded with a structure, at a price that its taker has named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hedge {
    pub instrument: InstrumentId,
    /// What the structure's buyer does.
    pub side: Side,
    /// For the whole of the request.
    pub amount: Fix,
    pub price: Cash,
    /// The least amount of its instrument.
    pub lot: Fix,
}

/// A leg with the price that a maker puts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PricedLeg {
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Cash,
}

/// Who takes part, and the name that others see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub account: AccountId,
    pub name: String,
    pub disclosure: Disclosure,
}

/// Whether the other side sees a name before there is a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disclosure {
    Named,
    Anonymous,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestState {
    Open,
    /// A trade of it is on its way to be ordered.
    Trading,
    Filled,
    Cancelled,
    Expired,
}

impl RequestState {
    /// The venue's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open | Self::Trading => "open",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A trade that came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    /// The maker's side of the structure.
    pub maker_side: Side,
    pub price: Cash,
    pub amount: Fix,
    pub maker: AccountId,
    pub maker_name: String,
}

/// A request for quotes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub id: u64,
    pub taker: Party,
    pub legs: Vec<Leg>,
    pub hedge: Option<Hedge>,
    pub amount: Fix,
    /// Names of the makers who are asked; all where there are none.
    pub makers: Vec<String>,
    pub label: String,
    pub created_ms: u64,
    pub expires_ms: u64,
    pub state: RequestState,
    pub deals: Vec<Deal>,
    /// When it traded; zero before.
    pub traded_ms: u64,
    /// What waits for quotes, or did.
    pub triggers: Triggers,
}

impl Request {
    /// Amounts of the structure are multiples of this: the least for which every leg and the hedge are in whole lots.
    pub fn step(&self) -> Fix {
        let steps = self.legs.iter().map(|leg| leg.lot.raw() / divisor(leg.lot.raw(), leg.ratio).max(1));
        let least = steps.fold(1_i64, |sum, step| sum.saturating_mul(step / divisor(sum, step).max(1)));
        let Some(hedge) = &self.hedge else { return Fix::from_raw(least) };
        let (steps, lots) = (self.amount.raw() / least.max(1), hedge.amount.raw() / hedge.lot.raw().max(1));
        Fix::from_raw(least.saturating_mul(steps / divisor(steps, lots).max(1)))
    }

    /// How much of the hedge goes with an amount of the structure; `None` where that is no whole number.
    pub fn hedge_of(&self, amount: Fix) -> Option<(Hedge, Fix)> {
        let hedge = self.hedge?;
        let whole = i128::from(hedge.amount.raw()) * i128::from(amount.raw());
        let part = num::div_exact(whole, i128::from(self.amount.raw()))?;
        Some((hedge, Fix::from_raw(i64::try_from(part).ok()?)))
    }

    /// Whether an account of that name is asked.
    pub fn asks(&self, account: &AccountId, name: &str) -> bool {
        *account != self.taker.account && (self.makers.is_empty() || self.makers.iter().any(|it| it == name))
    }

    /// The price of one structure at prices of its legs, in their order; `None` when it is too large.
    pub fn price(&self, prices: &[Cash]) -> Option<Cash> {
        let part = |(leg, price): (&Leg, &Cash)| {
            let whole = i128::from(price.micros()).checked_mul(i128::from(leg.ratio))?;
            Some(if leg.side == Side::Buy { whole } else { -whole })
        };
        let parts = self.legs.iter().zip(prices).map(part);
        parts.sum::<Option<i128>>().and_then(Cash::from_i128)
    }

    /// Prices in the order of the legs; `None` unless every leg is priced once, on its side.
    pub fn prices(&self, priced: &[PricedLeg]) -> Option<Vec<Cash>> {
        let of = |leg: &Leg| {
            let found = priced.iter().find(|it| it.instrument == leg.instrument && it.side == leg.side);
            found.map(|it| it.price)
        };
        let prices: Option<Vec<Cash>> = self.legs.iter().map(of).collect();
        prices.filter(|_| priced.len() == self.legs.len())
    }
}

/// Legs with amounts for ratios as a structure: whole ratios without a common factor, and how much of it they are.
pub(crate) fn structure(legs: &[Leg]) -> (Vec<Leg>, Fix) {
    let amount = legs.iter().fold(0, |sum, leg| divisor(leg.ratio, sum));
    let ratio = |leg: &Leg| Leg { ratio: leg.ratio / amount.max(1), ..*leg };
    (legs.iter().map(ratio).collect(), Fix::from_raw(amount))
}

/// The greatest common divisor; the other number where one is zero.
fn divisor(left: i64, right: i64) -> i64 {
    if right == 0 { left } else { divisor(right, left % right) }
}

/// How much of a quote may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Execution {
    AnyPart,
    AllOrNone,
}

impl Execution {
    /// The venue's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AnyPart => "any_part_of",
            Self::AllOrNone => "all_or_none",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuoteState {
    Open,
    Filled,
    Cancelled,
    Expired,
}

impl QuoteState {
    /// The venue's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A maker's answer.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    pub id: u64,
    pub request: u64,
    pub maker: Party,
    /// The API key whose session key signs when it is taken.
    pub client_id: String,
    pub terms: QuoteTerms,
    /// The price of one structure.
    pub price: Cash,
    pub filled: Fix,
    pub label: String,
    pub created_ms: u64,
    pub updated_ms: u64,
    pub expires_ms: Option<u64>,
    pub state: QuoteState,
    pub replaced: bool,
}

/// What a maker would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuoteTerms {
    /// The maker's side of the structure.
    pub side: Side,
    /// In the order of the request's legs.
    pub prices: Vec<Cash>,
    pub amount: Fix,
    pub execution: Execution,
}

impl Quote {
    /// How much of `wanted` it can fill.
    pub fn fills(&self, wanted: Fix) -> Fix {
        match self.terms.execution {
            Execution::AnyPart => self.terms.amount.min(wanted),
            Execution::AllOrNone if self.terms.amount <= wanted => self.terms.amount,
            Execution::AllOrNone => Fix::ZERO,
        }
    }
}
