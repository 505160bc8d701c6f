//! Volatilities that columns of prices imply.
//!
//! Invariant: as in `batch`: the stages of a block are the steps of the function for one price, in its order.

use super::{BLOCK, Padded, Rows};
use crate::{
    implied::{Normalised, Part, View, finished, normalised, part, start, stepped, tails, view},
    kernel::Tails,
    variant::Kernel,
};

pub(super) struct Implied<'a> {
    pub rows: Rows<'a>,
    pub prices: &'a [f64],
    pub out: &'a mut [f64],
}

/// A block of prices on their way to volatilities.
struct Stage {
    log: [f64; BLOCK],
    inverse_log: [f64; BLOCK],
    price: [f64; BLOCK],
    rest: [f64; BLOCK],
    target: [f64; BLOCK],
    deviation: [f64; BLOCK],
    y: [f64; BLOCK],
    near: [f64; BLOCK],
    far: [f64; BLOCK],
    part: [f64; BLOCK],
    ratio: [f64; BLOCK],
    offset: [f64; BLOCK],
}

impl Stage {
    #[inline(always)]
    fn new() -> Self {
        let zero = [0.0; BLOCK];
        Self {
            log: zero,
            inverse_log: zero,
            price: zero,
            rest: zero,
            target: zero,
            deviation: zero,
            y: zero,
            near: zero,
            far: zero,
            part: zero,
            ratio: zero,
            offset: zero,
        }
    }

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
    fn view(&self, i: usize) -> View {
        View { y: self.y[i], half: 0.5 * self.deviation[i] }
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
            let it = self.at(i);
            let view = view(&it, self.deviation[i]);
            let Tails { near, far } = tails(&it, &view);
            self.y[i] = view.y;
            self.near[i] = near;
            self.far[i] = far;
        }
        for i in 0..BLOCK {
            let tails = Tails { near: self.near[i], far: self.far[i] };
            let Part { part, ratio, offset } = part(&self.at(i), &self.view(i), &tails);
            self.part[i] = part;
            self.ratio[i] = ratio;
            self.offset[i] = offset;
        }
        for i in 0..BLOCK {
            let part = Part { part: self.part[i], ratio: self.ratio[i], offset: self.offset[i] };
            self.deviation[i] = stepped(&self.at(i), self.deviation[i], &self.view(i), &part);
        }
    }

    #[inline(always)]
    fn solve(&mut self, rows: &Rows<'_>, prices: &[f64; BLOCK], out: &mut [f64; BLOCK]) {
        self.start(rows, prices);
        self.improve();
        self.improve();
        self.improve();
        for (i, out) in out.iter_mut().enumerate() {
            *out = finished(&self.at(i), self.deviation[i], rows.time[i]);
        }
    }
}

impl Kernel for Implied<'_> {
    #[inline(always)]
    fn run(self) {
        let rows = self.rows.up_to(self.out.len());
        let mut stage = Stage::new();
        let (blocks, rest) = self.out.as_chunks_mut::<BLOCK>();
        let (prices, rest_prices) = self.prices[..rows.sign.len()].as_chunks::<BLOCK>();
        let done = blocks.len() * BLOCK;
        for (k, (out, prices)) in blocks.iter_mut().zip(prices).enumerate() {
            stage.solve(&rows.block(k), prices, out);
        }
        if !rest.is_empty() {
            let padded = Padded::of(&rows.slice(done, rest.len()));
            let (mut prices, mut out) = ([0.0; BLOCK], [0.0; BLOCK]);
            prices[..rest.len()].copy_from_slice(rest_prices);
            stage.solve(&padded.rows(), &prices, &mut out);
            rest.copy_from_slice(&out[..rest.len()]);
        }
    }
}
