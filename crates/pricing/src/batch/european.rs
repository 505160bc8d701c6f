//! Prices, Greeks and gains of columns of European options.
//!
//! Invariant: as in `batch`: the stages of a block are the steps of the function for one option, in its order.

use super::{BLOCK, Move, Padded, Rows, ValueColumns};
use crate::{
    black::{Value, greeks_on_forward, legs_on_forward},
    kernel::{Depth, Legs, Parts, Tails, depth, joined, tails},
    variant::Kernel,
};

/// A block of options on their way to values.
struct Stage {
    underlying: [f64; BLOCK],
    strike: [f64; BLOCK],
    log: [f64; BLOCK],
    deviation: [f64; BLOCK],
    half: [f64; BLOCK],
    ratio: [f64; BLOCK],
    near: [f64; BLOCK],
    far: [f64; BLOCK],
}

impl Stage {
    #[inline(always)]
    fn new() -> Self {
        let zero = [0.0; BLOCK];
        Self {
            underlying: zero,
            strike: zero,
            log: zero,
            deviation: zero,
            half: zero,
            ratio: zero,
            near: zero,
            far: zero,
        }
    }

    #[inline(always)]
    fn set(&mut self, i: usize, legs: &Legs) {
        let depth = depth(legs.log, legs.deviation);
        self.underlying[i] = legs.underlying;
        self.strike[i] = legs.strike;
        self.log[i] = legs.log;
        self.deviation[i] = legs.deviation;
        self.half[i] = depth.half;
        self.ratio[i] = depth.ratio;
    }

    /// All but the last stage.
    #[inline(always)]
    fn prepare(&mut self, rows: &Rows<'_>) {
        for i in 0..BLOCK {
            self.set(i, &legs_on_forward(&rows.at(i)));
        }
        for i in 0..BLOCK {
            let Tails { near, far } = tails(&self.depth(i));
            self.near[i] = near;
            self.far[i] = far;
        }
    }

    #[inline(always)]
    fn depth(&self, i: usize) -> Depth {
        Depth { half: self.half[i], ratio: self.ratio[i] }
    }

    #[inline(always)]
    fn legs(&self, i: usize) -> Legs {
        Legs {
            underlying: self.underlying[i],
            strike: self.strike[i],
            log: self.log[i],
            deviation: self.deviation[i],
        }
    }

    #[inline(always)]
    fn parts(&self, i: usize, sign: f64) -> Parts {
        joined(sign, &self.legs(i), &self.depth(i), &Tails { near: self.near[i], far: self.far[i] })
    }
}

impl Stage {
    #[inline(always)]
    fn prices(&mut self, rows: &Rows<'_>, out: &mut [f64; BLOCK]) {
        self.prepare(rows);
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.parts(i, rows.sign[i]).value;
        }
    }

    #[inline(always)]
    fn gains(&mut self, rows: &Rows<'_>, by: &Move, now: &[f64; BLOCK], out: &mut [f64; BLOCK]) {
        let (mut forward, mut volatility) = ([0.0; BLOCK], [0.0; BLOCK]);
        for i in 0..BLOCK {
            forward[i] = rows.forward[i] * (1.0 + by.shift);
            volatility[i] = rows.volatility[i] * by.volatility_factor;
        }
        self.prices(&Rows { forward: &forward, volatility: &volatility, ..*rows }, out);
        for (out, now) in out.iter_mut().zip(now) {
            *out -= now;
        }
    }

    #[inline(always)]
    fn values(&mut self, rows: &Rows<'_>, out: &mut Part<'_>) {
        self.prepare(rows);
        for i in 0..BLOCK {
            let sign = rows.sign[i];
            out.set(i, &greeks_on_forward(sign, &rows.at(i), &self.legs(i), &self.parts(i, sign)));
        }
    }
}

pub(super) struct Prices<'a> {
    pub rows: Rows<'a>,
    pub out: &'a mut [f64],
}

impl Kernel for Prices<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.rows.up_to(self.out.len());
        let mut stage = Stage::new();
        let (blocks, rest) = self.out.as_chunks_mut::<BLOCK>();
        let done = blocks.len() * BLOCK;
        for (k, out) in blocks.iter_mut().enumerate() {
            stage.prices(&rows.block(k), out);
        }
        if !rest.is_empty() {
            let padded = Padded::of(&rows.slice(done, rest.len()));
            let mut out = [0.0; BLOCK];
            stage.prices(&padded.rows(), &mut out);
            rest.copy_from_slice(&out[..rest.len()]);
        }
    }
}

pub(super) struct Gains<'a> {
    pub rows: Rows<'a>,
    pub now: &'a [f64],
    pub by: Move,
    pub out: &'a mut [f64],
}

impl Kernel for Gains<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.rows.up_to(self.out.len());
        let mut stage = Stage::new();
        let (now, rest_now) = self.now[..self.out.len()].as_chunks::<BLOCK>();
        let (blocks, rest) = self.out.as_chunks_mut::<BLOCK>();
        let done = blocks.len() * BLOCK;
        for (k, (out, now)) in blocks.iter_mut().zip(now).enumerate() {
            stage.gains(&rows.block(k), &self.by, now, out);
        }
        if !rest.is_empty() {
            let padded = Padded::of(&rows.slice(done, rest.len()));
            let (mut now, mut out) = ([0.0; BLOCK], [0.0; BLOCK]);
            now[..rest.len()].copy_from_slice(rest_now);
            stage.gains(&padded.rows(), &self.by, &now, &mut out);
            rest.copy_from_slice(&out[..rest.len()]);
        }
    }
}

pub(super) struct Values<'a> {
    pub rows: Rows<'a>,
    pub out: &'a mut ValueColumns,
}

/// The columns of an answer, some rows of them.
struct Part<'a>([&'a mut [f64]; 8]);

impl Part<'_> {
    #[inline(always)]
    fn split(self, at: usize) -> (Self, Self) {
        let [a, b, c, d, e, f, g, h] = self.0.map(|column| column.split_at_mut(at));
        (Self([a.0, b.0, c.0, d.0, e.0, f.0, g.0, h.0]), Self([a.1, b.1, c.1, d.1, e.1, f.1, g.1, h.1]))
    }

    #[inline(always)]
    fn set(&mut self, i: usize, it: &Value) {
        let Value { price, greeks } = it;
        let [a, b, c, d, e, f, g, h] = &mut self.0;
        a[i] = *price;
        b[i] = greeks.delta;
        c[i] = greeks.gamma;
        d[i] = greeks.vega;
        e[i] = greeks.theta;
        f[i] = greeks.rho;
        g[i] = greeks.vanna;
        h[i] = greeks.volga;
    }
}

impl Kernel for Values<'_> {
    #[inline(always)]
    fn run(self) {
        let length = self.rows.sign.len();
        let (rows, left) = (self.rows.up_to(length), length % BLOCK);
        let (mut whole, rest) =
            Part(self.out.columns().map(|column| &mut column[..length])).split(length - left);
        let mut stage = Stage::new();
        for k in 0..length / BLOCK {
            let (mut out, after) = whole.split(BLOCK);
            whole = after;
            stage.values(&rows.block(k), &mut out);
        }
        if left > 0 {
            let padded = Padded::of(&rows.slice(length - left, left));
            let mut columns = [[0.0; BLOCK]; 8];
            stage.values(&padded.rows(), &mut Part(columns.each_mut().map(|column| &mut column[..])));
            for (to, from) in rest.0.into_iter().zip(&columns) {
                to.copy_from_slice(&from[..left]);
            }
        }
    }
}
