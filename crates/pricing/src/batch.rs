//! Many options at once, as columns.
//!
//! Invariant: element i of an answer has the bits that the function for one option gives for element i of the
//! columns, in every variant. All columns have one length; their numbers were checked when they came in.

use crate::{
    black::{Option, Value, price_on_forward, value_on_forward},
    domain::DomainError,
    implied::{Normalised, finished, implied_in_bounds, improved, normalised, start},
    variant::{Kernel, Variant},
};

const BLOCK: usize = 64;

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

struct Prices<'a> {
    rows: Rows<'a>,
    out: &'a mut [f64],
}

impl Kernel for Prices<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.rows.up_to(self.out.len());
        for (i, out) in self.out.iter_mut().enumerate() {
            *out = price_on_forward(rows.sign[i], &rows.at(i));
        }
    }
}

struct Gains<'a> {
    rows: Rows<'a>,
    now: &'a [f64],
    by: Move,
    out: &'a mut [f64],
}

impl Kernel for Gains<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.rows.up_to(self.out.len());
        let now = &self.now[..self.out.len()];
        for (i, out) in self.out.iter_mut().enumerate() {
            let it = rows.at(i);
            let forward = it.forward * (1.0 + self.by.shift);
            let volatility = it.volatility * self.by.volatility_factor;
            *out = price_on_forward(rows.sign[i], &Option { forward, volatility, ..it }) - now[i];
        }
    }
}

struct Values<'a> {
    rows: Rows<'a>,
    out: &'a mut ValueColumns,
}

impl Kernel for Values<'_> {
    #[inline(always)]
    fn run(self) {
        let length = self.rows.sign.len();
        let rows = self.rows.up_to(length);
        let [price, delta, gamma, vega, theta, rho, vanna, volga] =
            self.out.columns().map(|column| &mut column[..length]);
        for i in 0..length {
            let Value { price: value, greeks } = value_on_forward(rows.sign[i], &rows.at(i));
            price[i] = value;
            delta[i] = greeks.delta;
            gamma[i] = greeks.gamma;
            vega[i] = greeks.vega;
            theta[i] = greeks.theta;
            rho[i] = greeks.rho;
            vanna[i] = greeks.vanna;
            volga[i] = greeks.volga;
        }
    }
}

struct Implied<'a> {
    rows: Rows<'a>,
    prices: &'a [f64],
    out: &'a mut [f64],
}

/// A block of prices on their way to volatilities.
struct Stage {
    log: [f64; BLOCK],
    inverse_log: [f64; BLOCK],
    price: [f64; BLOCK],
    rest: [f64; BLOCK],
    target: [f64; BLOCK],
    deviation: [f64; BLOCK],
}

impl Stage {
    #[inline(always)]
    fn at(&self, i: usize) -> Normalised {
        Normalised {
            log: self.log[i],
            inverse_log: self.inverse_log[i],
            price: self.price[i],
            rest: self.rest[i],
            target: self.target[i],
        }
    }

    #[inline(always)]
    fn start(&mut self, rows: &Rows<'_>, prices: &[f64; BLOCK]) {
        for (i, price) in prices.iter().enumerate() {
            let it = normalised(rows.sign[i], &rows.at(i), *price);
            self.log[i] = it.log;
            self.inverse_log[i] = it.inverse_log;
            self.price[i] = it.price;
            self.rest[i] = it.rest;
            self.target[i] = it.target;
        }
        for i in 0..BLOCK {
            self.deviation[i] = start(&self.at(i));
        }
    }

    #[inline(always)]
    fn improve(&mut self) {
        for i in 0..BLOCK {
            self.deviation[i] = improved(&self.at(i), self.deviation[i]);
        }
    }
}

impl Kernel for Implied<'_> {
    /// In stages over a block: each stage is short enough for a processor to work on several rows at once.
    #[inline(always)]
    fn run(self) {
        let rows = self.rows.up_to(self.out.len());
        let zero = [0.0; BLOCK];
        let mut stage =
            Stage { log: zero, inverse_log: zero, price: zero, rest: zero, target: zero, deviation: zero };
        let (blocks, rest) = self.out.as_chunks_mut::<BLOCK>();
        let (prices, rest_prices) = self.prices[..rows.sign.len()].as_chunks::<BLOCK>();
        for (k, (out, prices)) in blocks.iter_mut().zip(prices).enumerate() {
            let rows = rows.slice(k * BLOCK, BLOCK);
            stage.start(&rows, prices);
            stage.improve();
            stage.improve();
            stage.improve();
            for (i, out) in out.iter_mut().enumerate() {
                *out = finished(&stage.at(i), stage.deviation[i], rows.time[i]);
            }
        }
        let rows = rows.slice(blocks.len() * BLOCK, rest.len());
        for (i, (out, price)) in rest.iter_mut().zip(rest_prices).enumerate() {
            *out = implied_in_bounds(rows.sign[i], &rows.at(i), *price);
        }
    }
}
