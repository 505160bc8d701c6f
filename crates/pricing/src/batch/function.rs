//! The functions under all formulas, over columns.
//!
//! Invariant: as in `batch`: every variant has the bits of the call for one number.

use crate::{
    elementary::{exp, ln, ln_ratio},
    normal::{cdf, inverse_cdf, pdf},
    variant::{Kernel, Variant},
};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Exp,
    Ln,
    /// The logarithm of the ratio to one.
    LnRatio,
    Pdf,
    Cdf,
    InverseCdf,
}

impl Function {
    pub const ALL: [Self; 6] = [Self::Exp, Self::Ln, Self::LnRatio, Self::Pdf, Self::Cdf, Self::InverseCdf];

    /// The values at `numbers` into `out`, which takes their length.
    pub fn map(self, variant: Variant, numbers: &[f64], out: &mut Vec<f64>) {
        out.resize(numbers.len(), 0.0);
        match self {
            Self::Exp => variant.run(Map { run: exp, numbers, out }),
            Self::Ln => variant.run(Map { run: ln, numbers, out }),
            Self::LnRatio => variant.run(Map { run: |x| ln_ratio(x, 1.0), numbers, out }),
            Self::Pdf => variant.run(Map { run: pdf, numbers, out }),
            Self::Cdf => variant.run(Map { run: cdf, numbers, out }),
            Self::InverseCdf => variant.run(Map { run: inverse_cdf, numbers, out }),
        }
    }
}

struct Map<'a, F> {
    run: F,
    numbers: &'a [f64],
    out: &'a mut [f64],
}

impl<F: Fn(f64) -> f64> Kernel for Map<'_, F> {
    #[inline(always)]
    fn run(self) {
        for (out, x) in self.out.iter_mut().zip(self.numbers) {
            *out = (self.run)(*x);
        }
    }
}
