//! Polynomials in two unknowns, over the scalars or committed to in the group.
//!
//! Invariant: a grid is full: `height` coefficients in x for each of `width` in y.

use commonware_cryptography::bls12381::primitives::group::Scalar;
use commonware_math::algebra::{Field, Random, Ring, Space, powers};
use commonware_parallel::Sequential;
use rand_core::CryptoRng;

/// Coefficients: of x to the row's number, y to the column's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grid<T> {
    items: Vec<T>,
    width: usize,
}

impl<T> Grid<T> {
    /// `items` row by row.
    pub(super) fn new(items: Vec<T>, width: usize) -> Self {
        assert!(
            width > 0 && !items.is_empty() && items.len().is_multiple_of(width),
            "invariant: a full grid"
        );
        Self { items, width }
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub(super) fn height(&self) -> usize {
        self.items.len() / self.width
    }

    /// The value at (0, 0).
    pub(super) fn constant(&self) -> &T {
        &self.items[0]
    }

    pub(super) fn set_constant(&mut self, value: T) {
        self.items[0] = value;
    }

    pub(super) fn map<U>(&self, f: impl FnMut(&T) -> U) -> Grid<U> {
        Grid { items: self.items.iter().map(f).collect(), width: self.width }
    }
}

impl<T: Space<Scalar>> Grid<T> {
    /// The polynomial in x that remains when y is given.
    pub(super) fn column(&self, y: &Scalar) -> Vec<T> {
        self.items.chunks(self.width).map(|row| evaluate(row, y)).collect()
    }

    /// The polynomial in x at y = 0, where the shares are.
    pub(super) fn first_column(&self) -> Vec<T> {
        self.items.iter().step_by(self.width).cloned().collect()
    }
}

impl Grid<Scalar> {
    pub(super) fn random(mut rng: impl CryptoRng, height: usize, width: usize) -> Self {
        Self::new((0..height * width).map(|_| Scalar::random(&mut rng)).collect(), width)
    }
}

/// The value of a polynomial, its constant first.
pub(super) fn evaluate<T: Space<Scalar>>(coefficients: &[T], at: &Scalar) -> T {
    let powers: Vec<Scalar> = powers(Scalar::one(), at).take(coefficients.len()).collect();
    T::msm(coefficients, &powers, &Sequential)
}

/// The weights that give a polynomial's value at zero from its values at these places.
pub(super) fn weights_at_zero(places: &[Scalar]) -> Vec<Scalar> {
    let weight = |(index, place): (usize, &Scalar)| {
        let others = places.iter().enumerate().filter(|(other, _)| *other != index);
        let (above, below) =
            others.fold((Scalar::one(), Scalar::one()), |(mut above, mut below), (_, other)| {
                above *= other;
                below *= &(other.clone() - place);
                (above, below)
            });
        above * &below.inv()
    };
    places.iter().enumerate().map(weight).collect()
}
