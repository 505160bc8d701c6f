//! Contracts beyond the European option, one interface for all: terms and market in, price or price with Greeks out.
//!
//! Terms know nothing of markets, and a market nothing of terms; the method is the implementation of `Formula` for
//! the terms, written once over `Number`.
//!
//! Invariant: a price alone has the bits of the price that comes with Greeks.

mod american;
mod asian;
mod barrier;
mod claim;
mod digital;
mod lookback;
mod moments;

use crate::{
    black::{Greeks, Value},
    domain::{DomainError, Need, RATE as RATES},
    market::Market,
    number::{Jet, Number, RATE, SPOT, TIME, VOLATILITY},
    variant::{Kernel, Variant},
};

pub use american::American;
pub use asian::{Asian, Average};
pub use barrier::{Barrier, Crossing, Knock};
pub use claim::{Claim, Exotic, ExoticQuote};
pub(crate) use digital::SmileDigital;
pub use digital::{Digital, Payout};
pub use lookback::{Lookback, Strike};
pub(crate) use moments::Moments;

/// Closed formulas divide by the variance: without any, nothing is left of them.
pub(crate) const LIVE_VOLATILITY: Need = Need { min: 1e-3, max: 100.0 };
pub(crate) const LIVE_TIME: Need = Need { min: 1e-9, max: 200.0 };

/// What a formula is evaluated at.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<N> {
    pub spot: N,
    pub volatility: N,
    pub time: N,
    pub rate: N,
    pub dividend: f64,
}

/// A contract with a formula.
pub trait Formula {
    /// Years to the end of the contract.
    fn time(&self) -> f64;
    /// Refuses terms, alone or in this market, that the formula is not stated for.
    fn check(&self, market: &Market) -> Result<(), DomainError>;
    fn price<N: Number>(&self, at: &Inputs<N>) -> N;
}

impl<N: Number> Inputs<N> {
    /// What the underlying earns beyond what holding it pays.
    pub(crate) fn carry(&self) -> N {
        self.rate - self.dividend
    }

    pub(crate) fn deviation(&self) -> N {
        self.volatility * self.time.sqrt()
    }
}

/// The price of one unit.
pub fn contract_price<F: Formula>(terms: &F, market: &Market) -> Result<f64, DomainError> {
    contract_price_by(Variant::best(), terms, market)
}

/// The price of one unit, by the instructions of a variant: the same bits.
pub fn contract_price_by<F: Formula>(
    variant: Variant,
    terms: &F,
    market: &Market,
) -> Result<f64, DomainError> {
    check(terms, market)?;
    let Market { spot, rate, dividend, volatility } = *market;
    let at = Inputs { spot, volatility, time: terms.time(), rate, dividend };
    let mut out = 0.0;
    variant.run(Evaluate { terms, at: &at, out: &mut out });
    Ok(out)
}

/// The price of one unit, and the derivatives of the formula.
pub fn contract_value<F: Formula>(terms: &F, market: &Market) -> Result<Value, DomainError> {
    check(terms, market)?;
    let at = Inputs {
        spot: Jet::variable(market.spot, SPOT),
        volatility: Jet::variable(market.volatility, VOLATILITY),
        time: Jet::variable(terms.time(), TIME),
        rate: Jet::variable(market.rate, RATE),
        dividend: market.dividend,
    };
    let mut it = Jet::default();
    Variant::best().run(Evaluate { terms, at: &at, out: &mut it });
    let [gamma, vanna, volga] = it.second;
    let greeks = Greeks {
        delta: it.first[SPOT],
        gamma,
        vega: it.first[VOLATILITY],
        theta: -it.first[TIME],
        rho: it.first[RATE],
        vanna,
        volga,
    };
    Ok(Value { price: it.value, greeks })
}

/// A formula on its way through the instructions of a machine.
struct Evaluate<'a, F, N> {
    terms: &'a F,
    at: &'a Inputs<N>,
    out: &'a mut N,
}

impl<F: Formula, N: Number> Kernel for Evaluate<'_, F, N> {
    #[inline(always)]
    fn run(self) {
        *self.out = self.terms.price(self.at);
    }
}

fn check<F: Formula>(terms: &F, market: &Market) -> Result<(), DomainError> {
    market.check()?;
    LIVE_VOLATILITY.check("volatility", market.volatility)?;
    LIVE_TIME.check("time", terms.time())?;
    // Beyond these the powers of a barrier formula leave the range of a double.
    RATES.check("rate", market.rate - market.dividend)?;
    terms.check(market)
}
