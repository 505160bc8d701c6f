//! Which instruments a `currency` and a `kind` mean.
//!
//! Everything here settles in USDC, so on the venue's terms every instrument is of currency USDC. Scripts that
//! ask with BTC or ETH mean the underlying and get that.
//!
//! Invariant: a currency or kind that the venue knows is understood, though it may select nothing here; any
//! other is named in the error.

use crate::{
    json,
    model::Instrument,
    rpc::{Params, RpcError},
    view::View,
};

/// Currencies of the venue; those that are no underlying here select nothing.
pub(crate) const CURRENCIES: [&str; 14] = [
    "BTC", "ETH", "USDC", "USDT", "EURR", "SOL", "XRP", "STETH", "ETHW", "USYC", "PAXG", "BNB", "USDE",
    "MATIC",
];
/// The one currency that accounts are kept in.
pub(crate) const SETTLEMENT: &str = "USDC";
pub(crate) const KINDS: [&str; 8] =
    ["future", "option", "spot", "future_combo", "option_combo", "combo", "exotic", "any"];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Currency {
    All,
    Underlying(String),
    /// A currency of the venue in which nothing trades here.
    Nothing,
}

/// A choice among the instruments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    currency: Currency,
    /// `None` for all kinds.
    kind: Option<&'static str>,
}

impl Selection {
    /// Reads the optional parameters `currency` and `kind`.
    pub(crate) fn read(view: &View, params: &Params) -> Result<Self, RpcError> {
        let currency = params.optional_text("currency")?.unwrap_or("any");
        let kind = params.choice("kind", &KINDS)?.unwrap_or("any");
        Self::of(view, kind, currency).ok_or_else(|| {
            RpcError::param("currency", format!("{currency:?} given, a currency such as USDC is expected"))
        })
    }

    /// `None` when the venue knows no such kind or currency.
    pub(crate) fn of(view: &View, kind: &str, currency: &str) -> Option<Self> {
        let kind = KINDS.into_iter().find(|known| *known == kind)?;
        let currency = match currency {
            "any" | SETTLEMENT => Currency::All,
            other if view.index(other).is_some() => Currency::Underlying(other.to_owned()),
            other if CURRENCIES.contains(&other) => Currency::Nothing,
            _ => return None,
        };
        Some(Self { currency, kind: (kind != "any").then_some(kind) })
    }

    /// All instruments on one underlying.
    pub(crate) fn of_underlying(underlying: &str) -> Self {
        Self { currency: Currency::Underlying(underlying.to_owned()), kind: None }
    }

    /// Whether a list of instruments shows it. Exotics are shown when they are asked for: clients of the venue know four
    /// kinds, and would take one for the European option of its strike.
    pub(crate) fn shows(&self, it: &Instrument) -> bool {
        self.holds(it) && (self.kind.is_some() || !it.is_exotic())
    }

    pub(crate) fn holds(&self, it: &Instrument) -> bool {
        let of_currency = match &self.currency {
            Currency::All => true,
            Currency::Underlying(underlying) => *underlying == it.underlying,
            Currency::Nothing => false,
        };
        let is_of = |kind| kind == json::kind(it.kind) || (kind == "combo" && it.is_combo());
        of_currency && self.kind.is_none_or(is_of)
    }
}
