//! Exotics as an exchange holds them: integers in, integers out, valued on the forward and the smile of their expiry.
//!
//! Nothing is discounted, so a rebate is worth the same at the hit and at the end. Digitals count the slope of the smile
//! (`SmileDigital`), averages match two moments (`Moments`). A level is watched on the index: it stands as far from the
//! forward as it does from the index, in proportion, and the forward has no drift. American options are on the index,
//! with the carry that leads from it to the forward.
//!
//! Invariant: every claim has a price in every market: where no formula is stated, it is what the claim pays if nothing
//! moves any more, and for an American option the European one where that is more. A price is never below zero.

use num::{Cash, Duration, Fix};

use super::{
    American, Barrier, Crossing, Digital, Knock, LIVE_TIME, LIVE_VOLATILITY, Moments, Payout, SmileDigital,
    contract_price, contract_value,
};
use crate::{
    black::{self, Greeks, Option, Right, Value},
    border::{from_cash, from_fix, to_cash, to_fix, years},
    domain::DomainError,
    elementary::ln_ratio,
    exotic::Formula,
    market::Market,
    scenario::Shocked,
};

/// Stands for a rate of nothing: early exercise of a put is then a boundary that the method knows.
const HARDLY_ANY_RATE: f64 = 1e-9;

/// What an exotic pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// So much for a unit, when it ends in the money.
    Cash { amount: Cash },
    /// The underlying's price, when it ends in the money.
    Asset,
    /// What the option is in the money by, at the index whenever its holder likes, or at the end.
    American,
    /// What a European option pays, if the level was met (knock-in) or was not (knock-out); else the rebate.
    Barrier { crossing: Crossing, knock: Knock, level: Cash, rebate: Cash },
    /// What the average of fixings is in the money by. So many were made and have this sum; the others follow at equal
    /// distances, the last one at the end.
    Average { sum: Cash, made: u32, left: u32, apart: Duration },
}

/// An exotic to be valued, in integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExoticQuote {
    pub right: Right,
    pub strike: Cash,
    pub claim: Claim,
    pub index: Cash,
    pub forward: Cash,
    pub time: Duration,
    pub volatility: Fix,
    /// By how much the smile's volatility rises for each unit of the logarithm of the strike.
    pub skew: Fix,
}

/// The same in floats; only this crate reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exotic {
    right: Right,
    strike: f64,
    claim: Claim,
    index: f64,
    forward: f64,
    time: f64,
    pub(crate) volatility: f64,
    skew: f64,
}

/// Whether derivatives are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    Price,
    Greeks,
}

impl ExoticQuote {
    /// Price and the five usual Greeks of one unit, by the forward: delta, gamma, vega, theta, rho.
    pub fn value(&self) -> (Cash, [Fix; 5]) {
        let Value { price, greeks } = self.exotic().value(Detail::Greeks);
        let greeks = [greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho];
        (to_cash(price), greeks.map(to_fix))
    }

    pub(crate) fn exotic(&self) -> Exotic {
        Exotic {
            right: self.right,
            strike: from_cash(self.strike),
            claim: self.claim,
            index: from_cash(self.index),
            forward: from_cash(self.forward),
            time: years(self.time),
            volatility: from_fix(self.volatility),
            skew: from_fix(self.skew),
        }
    }
}

impl Exotic {
    /// The price of one unit.
    pub(crate) fn price(&self) -> f64 {
        self.value(Detail::Price).price
    }

    /// The same, so much later.
    pub(crate) fn later(&self, ahead: Duration) -> Self {
        Self { time: (self.time - years(ahead)).max(0.0), ..*self }
    }

    /// The same, with index and forward moved by a part of themselves and under another volatility.
    pub(crate) fn moved(&self, part: f64, volatility: Shocked) -> Self {
        let factor = 1.0 + part;
        let volatility = volatility.0;
        Self { index: self.index * factor, forward: self.forward * factor, volatility, ..*self }
    }

    /// The European option of the same right, strike and market.
    pub(crate) const fn european(&self) -> Option {
        let Self { right, strike, forward, time, volatility, .. } = *self;
        Option { right, forward, strike, time, rate: 0.0, volatility }
    }

    fn value(&self, detail: Detail) -> Value {
        let volatility = self.volatility.min(LIVE_VOLATILITY.max);
        let is_live = self.time >= LIVE_TIME.min && volatility >= LIVE_VOLATILITY.min;
        let it = Self { volatility, ..*self };
        let live = if is_live { it.formula(detail).ok() } else { None };
        let value = live.unwrap_or_else(|| it.still());
        Value { price: value.price.max(0.0), ..value }
    }

    fn formula(&self, detail: Detail) -> Result<Value, DomainError> {
        let Self { right, strike, time, skew, .. } = *self;
        let on_forward = Market { spot: self.forward, rate: 0.0, dividend: 0.0, volatility: self.volatility };
        let digital = |payout| SmileDigital { digital: Digital { right, payout, strike, time }, skew };
        match self.claim {
            Claim::Cash { amount } => {
                run(detail, &digital(Payout::Cash), &on_forward).map(|it| scaled(it, from_cash(amount), 1.0))
            }
            Claim::Asset => run(detail, &digital(Payout::Asset), &on_forward),
            Claim::American => self.american(detail),
            Claim::Barrier { crossing, knock, level, rebate } => {
                let (level, rebate) = (from_cash(level), from_cash(rebate));
                if self.is_met(crossing, level) {
                    return Ok(self.after_touch(knock, rebate));
                }
                let level = level * (self.forward / self.index);
                run(detail, &Barrier { right, crossing, knock, strike, level, rebate, time }, &on_forward)
            }
            Claim::Average { sum, made, left, apart } => {
                let (sum, apart, drift) = (from_cash(sum), years(apart), self.index / self.forward);
                let it = Moments { right, strike, sum, fixings: made + left, left, apart, drift, time };
                run(detail, &it, &on_forward)
            }
        }
    }

    /// On the index. By symmetry of put and call there is a boundary only where holding earns less than exercise.
    fn american(&self, detail: Detail) -> Result<Value, DomainError> {
        let Self { right, strike, time, volatility, .. } = *self;
        let carry = ln_ratio(self.forward, self.index) / time;
        let rate = if right == Right::Put && carry > 0.0 { HARDLY_ANY_RATE } else { 0.0 };
        let market = Market { spot: self.index, rate, dividend: rate - carry, volatility };
        let value = run(detail, &American { right, strike, time }, &market)?;
        let least = self.still();
        let value = scaled(value, 1.0, self.index / self.forward);
        Ok(if value.price < least.price { least } else { value })
    }

    fn is_met(&self, crossing: Crossing, level: f64) -> bool {
        match crossing {
            Crossing::Up => self.index >= level,
            Crossing::Down => self.index <= level,
        }
    }

    fn after_touch(&self, knock: Knock, rebate: f64) -> Value {
        match knock {
            Knock::In => black::value(&self.european()),
            Knock::Out => known(rebate),
        }
    }

    /// What the claim is worth when nothing moves any more.
    fn still(&self) -> Value {
        let beyond = |price: f64| (self.right.sign() * (price - self.strike)).max(0.0);
        let pays = self.right.sign() * (self.forward - self.strike) > 0.0;
        match self.claim {
            Claim::Cash { amount } => known(if pays { from_cash(amount) } else { 0.0 }),
            Claim::Asset => known(if pays { self.forward } else { 0.0 }),
            Claim::American => {
                let (european, now) = (black::value(&self.european()), beyond(self.index));
                let greeks = Greeks { delta: self.right.sign(), ..Greeks::default() };
                if european.price < now { Value { price: now, greeks } } else { european }
            }
            Claim::Barrier { crossing, knock, level, rebate } => {
                let (level, rebate) = (from_cash(level), from_cash(rebate));
                match (self.is_met(crossing, level), knock) {
                    (true, knock) => self.after_touch(knock, rebate),
                    (false, Knock::Out) => known(beyond(self.forward)),
                    (false, Knock::In) => known(rebate),
                }
            }
            Claim::Average { sum, made, left, .. } => {
                let all = f64::from(made + left).max(1.0);
                known(beyond((from_cash(sum) + f64::from(left) * self.forward) / all))
            }
        }
    }
}

fn run<F: Formula>(detail: Detail, terms: &F, market: &Market) -> Result<Value, DomainError> {
    match detail {
        Detail::Greeks => contract_value(terms, market),
        Detail::Price => contract_price(terms, market).map(known),
    }
}

fn known(price: f64) -> Value {
    Value { price, greeks: Greeks::default() }
}

/// So many times a value, whose price of the underlying is `ratio` times the one that derivatives are by.
fn scaled(it: Value, times: f64, ratio: f64) -> Value {
    let Greeks { delta, gamma, vega, theta, rho, vanna, volga } = it.greeks;
    let greeks = Greeks {
        delta: delta * times * ratio,
        gamma: gamma * times * ratio * ratio,
        vega: vega * times,
        theta: theta * times,
        rho: rho * times,
        vanna: vanna * times * ratio,
        volga: volga * times,
    };
    Value { price: it.price * times, greeks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quote;
    use num::DAY_MS;

    const BARRIER: Claim = Claim::Barrier {
        crossing: Crossing::Up,
        knock: Knock::Out,
        level: Cash::from_micros(70_000_000_000),
        rebate: Cash::ZERO,
    };

    fn usdc(whole: i64) -> Cash {
        Cash::from_micros(whole * Cash::SCALE)
    }

    /// Twenty days from the end, with a forward half a percent above the index, and a smile that falls.
    fn quoted(right: Right, claim: Claim) -> ExoticQuote {
        ExoticQuote {
            right,
            strike: usdc(64_000),
            claim,
            index: usdc(63_000),
            forward: Cash::from_micros(63_315_000_000),
            time: Duration::from_millis(20 * DAY_MS),
            volatility: Fix::from_raw(550_000_000),
            skew: Fix::from_raw(-150_000_000),
        }
    }

    fn micros(it: &ExoticQuote) -> i64 {
        it.value().0.micros()
    }

    fn european(it: &ExoticQuote) -> i64 {
        let ExoticQuote { right, forward, strike, time, volatility, .. } = *it;
        quote(&crate::Quote { right, forward, strike, time, volatility }).0.micros()
    }

    #[test]
    fn digitals_add_up_to_what_they_pay_and_make_the_european_option() {
        let of = |right, claim| micros(&quoted(right, claim));
        let (amount, strike) = (Claim::Cash { amount: usdc(1_000) }, Claim::Cash { amount: usdc(64_000) });
        assert_eq!(of(Right::Call, amount) + of(Right::Put, amount), 1_000_000_000);
        let both = of(Right::Call, Claim::Asset) + of(Right::Put, Claim::Asset);
        assert!((both - 63_315_000_000).abs() <= 1, "{both}");
        let call = of(Right::Call, Claim::Asset) - of(Right::Call, strike);
        assert!((call - european(&quoted(Right::Call, amount))).abs() <= 2, "{call}");
        let flat = ExoticQuote { skew: Fix::ZERO, ..quoted(Right::Call, amount) };
        assert!(of(Right::Call, amount) > micros(&flat), "a smile that falls makes calls above it likelier");
    }

    #[test]
    fn a_knock_in_and_a_knock_out_are_the_european_option() {
        for level in [usdc(60_000), usdc(70_000)] {
            let crossing = if level > usdc(63_000) { Crossing::Up } else { Crossing::Down };
            for right in [Right::Call, Right::Put] {
                let of = |knock, index| {
                    let claim = Claim::Barrier { crossing, knock, level, rebate: Cash::ZERO };
                    micros(&ExoticQuote { index, ..quoted(right, claim) })
                };
                let whole = european(&quoted(right, BARRIER));
                let sum = of(Knock::In, usdc(63_000)) + of(Knock::Out, usdc(63_000));
                assert!((sum - whole).abs() <= 1, "{sum} of {whole}");
                assert_eq!((of(Knock::In, level), of(Knock::Out, level)), (whole, 0), "the level is met");
            }
        }
    }

    #[test]
    fn a_rebate_is_worth_its_likelihood() {
        let Claim::Barrier { crossing, knock, level, .. } = BARRIER else { return };
        let with = |rebate| Claim::Barrier { crossing, knock, level, rebate };
        let of = |rebate| micros(&quoted(Right::Put, with(usdc(rebate))));
        let (none, some) = (of(0), of(1_000));
        assert!(some > none && some < none + 1_000_000_000);
        let met = ExoticQuote { index: usdc(71_000), ..quoted(Right::Put, with(usdc(1_000))) };
        assert_eq!(met.value(), (usdc(1_000), [Fix::ZERO; 5]));
    }

    /// An American option at this index, with a forward of so many thousandths of it.
    fn american(right: Right, index: i64, (thousandths, days): (i64, u64)) -> ExoticQuote {
        let forward = Cash::from_micros(usdc(index).micros() / 1_000 * thousandths);
        let time = Duration::from_millis(days * DAY_MS);
        ExoticQuote { index: usdc(index), forward, time, ..quoted(right, Claim::American) }
    }

    #[test]
    fn an_american_option_is_worth_the_european_one_and_what_exercise_pays_at_least() {
        let times =
            [0, 1, 20, 300].map(|days| [900, 995, 1_000, 1_005, 1_100].map(|forward| (forward, days)));
        for index in [40_000, 60_000, 63_000, 66_000, 90_000] {
            for at in times.as_flattened() {
                let worth = [Right::Call, Right::Put].map(|right| {
                    let it = american(right, index, *at);
                    // The method's own error is a millionth of the index.
                    (micros(&it) + index, european(&it))
                });
                let gain = (index - 64_000) * Cash::SCALE;
                let [(call, call_least), (put, put_least)] = worth;
                assert!(call >= call_least && call >= gain, "{index} {at:?}: {worth:?}");
                assert!(put >= put_least && put >= -gain, "{index} {at:?}: {worth:?}");
            }
        }
    }

    #[test]
    fn at_the_end_every_claim_is_what_it_pays() {
        let average = Claim::Average { sum: usdc(130_000), made: 2, left: 0, apart: Duration::default() };
        let still = |right, claim| {
            let time = Duration::default();
            ExoticQuote { time, index: usdc(66_000), forward: usdc(66_000), ..quoted(right, claim) }.value().0
        };
        assert_eq!(still(Right::Call, Claim::Cash { amount: usdc(7) }), usdc(7));
        assert_eq!(still(Right::Put, Claim::Cash { amount: usdc(7) }), Cash::ZERO);
        assert_eq!(still(Right::Call, Claim::Asset), usdc(66_000));
        assert_eq!(still(Right::Call, Claim::American), usdc(2_000));
        assert_eq!(still(Right::Call, BARRIER), usdc(2_000));
        assert_eq!(still(Right::Call, average), usdc(1_000));
    }
}
