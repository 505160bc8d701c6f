//! The names of channels, read once.
//!
//! Invariant: a channel that parses exists: its instrument is listed, its index is known, its interval is one
//! of the venue's. The name it is published under is the one that was asked for, to the letter.

use num::{Cash, MINUTE_MS};
use wire::InstrumentId;

use crate::{
    decimal,
    selection::{CURRENCIES, Selection},
    view::View,
};

/// Where an account hears how far its intents are.
pub(crate) const INTENTS: &str = "user.clockless.intents";

/// How often a channel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interval {
    /// With every commit.
    Raw,
    /// Every 100 milliseconds.
    Fast,
    /// Every second.
    Slow,
}

/// One instrument or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Instrument(InstrumentId),
    Group(Selection),
}

impl Of {
    pub(crate) fn holds(&self, view: &View, id: InstrumentId) -> bool {
        match self {
            Self::Instrument(one) => *one == id,
            Self::Group(selection) => view.instrument_of(id).is_some_and(|it| selection.holds(it)),
        }
    }
}

/// On which side of requests for quotes somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RfqRole {
    Taker,
    Maker,
}

/// What an account's channels tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Private {
    Orders(Of, Interval),
    Trades(Of, Interval),
    Changes(Of, Interval),
    /// Of the currency that accounts are kept in.
    Portfolio,
    /// Requests for quotes that have a leg among the chosen instruments.
    BlockRfq(RfqRole, Selection),
    /// How far intents are.
    Progress,
    /// Groups that traded too much, of all indices or of an underlying.
    MmpTrigger(Option<String>),
    /// Exists on the venue; here nothing ever happens on it.
    Silent,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Book(InstrumentId, Interval),
    /// Whole best levels, prices rounded away from the middle to multiples of `group`.
    Levels {
        instrument: InstrumentId,
        group: Option<Cash>,
        depth: usize,
        interval: Interval,
    },
    Ticker(InstrumentId, Interval),
    IncrementalTicker(InstrumentId),
    Quote(InstrumentId),
    Perpetual(InstrumentId, Interval),
    Trades(Of, Interval),
    /// Candles of so many minutes.
    Chart(InstrumentId, u64),
    PriceIndex(String),
    VolatilityIndex(String),
    PriceStatistics(String),
    ExpirationPrice(String),
    OptionMarks(String),
    InstrumentState(Selection),
    Chain {
        underlying: String,
        expiry_ms: u64,
    },
    Network,
    Dag,
    /// Indices whose markets stopped, or go on.
    PlatformState,
    /// With each commit: how far the order and the certified roots are.
    Finality,
    /// Exists on the venue; here nothing ever happens on it.
    Silent,
    Private(Private),
}

impl Channel {
    /// `None` when there is no such channel.
    pub(crate) fn parse(view: &View, name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.split('.').collect();
        let instrument = |name: &str| view.instrument(name).map(|it| it.id);
        Some(match parts.as_slice() {
            ["book", name, interval] => Self::Book(instrument(name)?, read_interval(interval)?),
            ["book", name, group, depth, interval] => Self::Levels {
                instrument: instrument(name)?,
                group: read_group(group)?,
                depth: ["1", "10", "20"].contains(depth).then(|| depth.parse().ok())??,
                interval: read_interval(interval)?,
            },
            // A group such as 0.5 has a dot of its own.
            ["book", name, whole, part, depth, interval] => Self::Levels {
                instrument: instrument(name)?,
                group: read_group(&format!("{whole}.{part}"))?,
                depth: ["1", "10", "20"].contains(depth).then(|| depth.parse().ok())??,
                interval: read_interval(interval)?,
            },
            ["ticker", name, interval] => Self::Ticker(instrument(name)?, read_interval(interval)?),
            ["incremental_ticker", name] => Self::IncrementalTicker(instrument(name)?),
            ["quote", name] => Self::Quote(instrument(name)?),
            ["perpetual", name, interval] => {
                let it = view.instrument(name).filter(|it| it.expiry_ms.is_none())?;
                Self::Perpetual(it.id, read_interval(interval)?)
            }
            ["trades", of @ .., interval] => Self::Trades(read_of(view, of)?, read_interval(interval)?),
            ["chart", "trades", name, resolution] => {
                Self::Chart(instrument(name)?, resolution_minutes(resolution)?)
            }
            ["deribit_price_index", index] => Self::PriceIndex(underlying(view, index)?),
            ["deribit_volatility_index", index] => Self::VolatilityIndex(underlying(view, index)?),
            ["deribit_price_statistics", index] => Self::PriceStatistics(underlying(view, index)?),
            ["estimated_expiration_price", index] => Self::ExpirationPrice(underlying(view, index)?),
            ["markprice", "options", index] => Self::OptionMarks(underlying(view, index)?),
            ["instrument", "state", kind, currency] => {
                Self::InstrumentState(Selection::of(view, kind, currency)?)
            }
            ["platform_state"] => Self::PlatformState,
            ["platform_state", "public_methods_state"] | ["announcements"] => Self::Silent,
            ["clockless", "network"] => Self::Network,
            ["clockless", "dag"] => Self::Dag,
            ["clockless", "finality"] => Self::Finality,
            ["clockless", "chain", underlying, expiry] => {
                Self::Chain { underlying: (*underlying).to_owned(), expiry_ms: expiry.parse().ok()? }
            }
            ["block_rfq", role, currency] => {
                let role = match *role {
                    "taker" => RfqRole::Taker,
                    "maker" => RfqRole::Maker,
                    _ => return None,
                };
                Self::Private(Private::BlockRfq(role, Selection::of(view, "any", currency)?))
            }
            ["user", rest @ ..] => Self::Private(Private::parse(view, rest)?),
            _ => return None,
        })
    }

    pub(crate) const fn is_private(&self) -> bool {
        matches!(self, Self::Private(_))
    }

    /// Whether it tells the public about every single change; the venue keeps that for those it knows.
    pub(crate) const fn is_raw(&self) -> bool {
        matches!(
            self,
            Self::Book(_, Interval::Raw)
                | Self::Levels { interval: Interval::Raw, .. }
                | Self::Ticker(_, Interval::Raw)
                | Self::Perpetual(_, Interval::Raw)
                | Self::Trades(_, Interval::Raw)
        )
    }
}

impl Private {
    fn parse(view: &View, parts: &[&str]) -> Option<Self> {
        Some(match parts {
            ["orders", of @ .., interval] => Self::Orders(read_of(view, of)?, read_interval(interval)?),
            ["trades", of @ .., interval] => Self::Trades(read_of(view, of)?, read_interval(interval)?),
            ["changes", of @ .., interval] => Self::Changes(read_of(view, of)?, read_interval(interval)?),
            ["portfolio", currency] => match currency.to_uppercase().as_str() {
                "ANY" | crate::selection::SETTLEMENT => Self::Portfolio,
                other if CURRENCIES.contains(&other) => Self::Silent,
                _ => return None,
            },
            ["lock"] | ["access_log"] => Self::Silent,
            ["clockless", "intents"] => Self::Progress,
            ["mmp_trigger", "any"] => Self::MmpTrigger(None),
            ["mmp_trigger", index] => Self::MmpTrigger(Some(underlying(view, index)?)),
            _ => return None,
        })
    }
}

fn read_interval(text: &str) -> Option<Interval> {
    match text {
        "raw" => Some(Interval::Raw),
        "100ms" => Some(Interval::Fast),
        "agg2" => Some(Interval::Slow),
        _ => None,
    }
}

/// `[INSTRUMENT]` or `[KIND, CURRENCY]`.
fn read_of(view: &View, parts: &[&str]) -> Option<Of> {
    match parts {
        [name] => view.instrument(name).map(|it| Of::Instrument(it.id)),
        [kind, currency] => Selection::of(view, kind, currency).map(Of::Group),
        _ => None,
    }
}

/// The outer `None` when it is no group; the inner for no grouping.
fn read_group(text: &str) -> Option<Option<Cash>> {
    if text == "none" {
        return Some(None);
    }
    let group = Cash::from_micros(decimal::parse(text, 6).ok()?);
    group.is_positive().then_some(Some(group))
}

/// Minutes of a resolution of the venue's charts.
pub(crate) fn resolution_minutes(text: &str) -> Option<u64> {
    match text {
        "1D" => Some(num::DAY_MS / MINUTE_MS),
        text => text
            .parse()
            .ok()
            .filter(|minutes| [1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720].contains(minutes)),
    }
}

/// "BTC" of "btc_usdc", and of "btc_usd", which is the same index here.
pub(crate) fn underlying(view: &View, index: &str) -> Option<String> {
    let (base, quote) = index.split_once('_')?;
    let base = base.to_uppercase();
    (matches!(quote, "usdc" | "usd") && view.index(&base).is_some()).then_some(base)
}
