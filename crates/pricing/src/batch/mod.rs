//! Many options at once, as columns.
//!
//! Invariant: element i of an answer has the bits that the function for one option gives for element i of the
//! columns, in every variant. All columns have one length; their numbers were checked when they came in.

mod european;
mod function;
mod implied;

pub use function::Function;

use self::{
    european::{Gains, Prices, Values},
    implied::Implied,
};
use crate::{black::Option, domain::DomainError, variant::Variant};

/// Rows that a stage of a formula works on before the next stage begins. In a short stage a processor, which looks a
/// few hundred instructions ahead, sees several rows at once.
const BLOCK: usize = 128;

/// Options on forwards, a column for each of their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    sign: Vec<f64>,
    forward: Vec<f64>,
    strike: Vec<f64>,
    time: Vec<f64>,
    rate: Vec<f64>,
    volatility: Vec<f64>,
}

/// Price and Greeks, a column for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueColumns {
    pub price: Vec<f64>,
    pub delta: Vec<f64>,
    pub gamma: Vec<f64>,
    pub vega: Vec<f64>,
    pub theta: Vec<f64>,
    pub rho: Vec<f64>,
    pub vanna: Vec<f64>,
    pub volga: Vec<f64>,
}

/// A state of the world: the part of itself by which the forward moves, and what volatility is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    pub shift: f64,
    pub volatility_factor: f64,
}

impl Columns {
    /// Adds a row, or says why it cannot be valued.
    pub fn push(&mut self, it: &Option) -> Result<(), DomainError> {
        it.check()?;
        self.sign.push(it.right.sign());
        self.forward.push(it.forward);
        self.strike.push(it.strike);
        self.time.push(it.time);
        self.rate.push(it.rate);
        self.volatility.push(it.volatility);
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.sign.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sign.is_empty()
    }

    /// The values into `out`, which takes the length of the columns.
    pub fn prices(&self, variant: Variant, out: &mut Vec<f64>) {
        out.resize(self.len(), 0.0);
        variant.run(Prices { rows: self.rows(), out });
    }

    /// The values and Greeks.
    pub fn values(&self, variant: Variant, out: &mut ValueColumns) {
        out.resize(self.len());
        variant.run(Values { rows: self.rows(), out });
    }

    /// The volatilities that prices imply; zero for an intrinsic price, NaN for one that `implied_volatility`
    /// refuses, and for every row beyond the shorter of prices and columns nothing.
    pub fn implied(&self, variant: Variant, prices: &[f64], out: &mut Vec<f64>) {
        let length = self.len().min(prices.len());
        out.resize(length, 0.0);
        variant.run(Implied { rows: self.rows(), prices: &prices[..length], out });
    }

    /// What one unit of each option gains in each move: a block of the columns' length for each.
    pub fn gains(&self, variant: Variant, moves: &[Move], out: &mut Vec<f64>) {
        let mut now = Vec::new();
        self.prices(variant, &mut now);
        out.resize(self.len() * moves.len(), 0.0);
        if self.is_empty() {
            return;
        }
        for (block, by) in out.chunks_exact_mut(self.len()).zip(moves) {
            variant.run(Gains { rows: self.rows(), now: &now, by: *by, out: block });
        }
    }

    fn rows(&self) -> Rows<'_> {
        Rows {
            sign: &self.sign,
            forward: &self.forward,
            strike: &self.strike,
            time: &self.time,
            rate: &self.rate,
            volatility: &self.volatility,
        }
    }
}

impl ValueColumns {
    fn columns(&mut self) -> [&mut Vec<f64>; 8] {
        [
            &mut self.price,
            &mut self.delta,
            &mut self.gamma,
            &mut self.vega,
            &mut self.theta,
            &mut self.rho,
            &mut self.vanna,
            &mut self.volga,
        ]
    }

    fn resize(&mut self, length: usize) {
        for column in self.columns() {
            column.resize(length, 0.0);
        }
    }
}

#[derive(Clone, Copy)]
struct Rows<'a> {
    sign: &'a [f64],
    forward: &'a [f64],
    strike: &'a [f64],
    time: &'a [f64],
    rate: &'a [f64],
    volatility: &'a [f64],
}

impl Rows<'_> {
    /// The same rows with the length known to be `length`, so that a loop below it checks nothing.
    #[inline(always)]
    fn up_to(&self, length: usize) -> Self {
        Self {
            sign: &self.sign[..length],
            forward: &self.forward[..length],
            strike: &self.strike[..length],
            time: &self.time[..length],
            rate: &self.rate[..length],
            volatility: &self.volatility[..length],
        }
    }

    /// The rows of block `k`.
    #[inline(always)]
    fn block(&self, k: usize) -> Self {
        self.slice(k * BLOCK, BLOCK)
    }

    #[inline(always)]
    fn slice(&self, from: usize, length: usize) -> Self {
        let to = from + length;
        Self {
            sign: &self.sign[from..to],
            forward: &self.forward[from..to],
            strike: &self.strike[from..to],
            time: &self.time[from..to],
            rate: &self.rate[from..to],
            volatility: &self.volatility[from..to],
        }
    }

    #[inline(always)]
    fn at(&self, i: usize) -> Option {
        Option {
            right: crate::black::Right::Call,
            forward: self.forward[i],
            strike: self.strike[i],
            time: self.time[i],
            rate: self.rate[i],
            volatility: self.volatility[i],
        }
    }
}

/// Fewer rows than a block, made a whole one: what is added is answered and not looked at.
struct Padded([[f64; BLOCK]; 6]);

impl Padded {
    #[inline(always)]
    fn of(rows: &Rows<'_>) -> Self {
        let columns = [rows.sign, rows.forward, rows.strike, rows.time, rows.rate, rows.volatility];
        Self(columns.map(|column| {
            let mut block = [1.0; BLOCK];
            block[..column.len()].copy_from_slice(column);
            block
        }))
    }

    #[inline(always)]
    fn rows(&self) -> Rows<'_> {
        let [sign, forward, strike, time, rate, volatility] = &self.0;
        Rows { sign, forward, strike, time, rate, volatility }
    }
}
