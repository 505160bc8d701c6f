//! Sobol's low-discrepancy sequence.
//!
//! Sources: I. Sobol (1967), in the order of I. Antonov and V. Saleev (1979); direction numbers by S. Joe and F. Kuo,
//! "Constructing Sobol sequences with better two-dimensional projections", SIAM Journal on Scientific Computing 30
//! (2008).
//!
//! Invariant: the first 2^k points of a dimension fall into 2^k equal intervals, one in each, whatever the shift.

/// Dimensions that there are numbers for.
pub(crate) const DIMENSIONS_MAX: usize = 32;
const BITS: usize = 32;

/// Interior coefficients of a primitive polynomial, and the first direction numbers, from the second dimension.
const TABLE: [(u32, &[u32]); DIMENSIONS_MAX - 1] = [
    (0, &[1]),
    (1, &[1, 3]),
    (1, &[1, 3, 1]),
    (2, &[1, 1, 1]),
    (1, &[1, 1, 3, 3]),
    (4, &[1, 3, 5, 13]),
    (2, &[1, 1, 5, 5, 17]),
    (4, &[1, 1, 5, 5, 5]),
    (7, &[1, 1, 7, 11, 19]),
    (11, &[1, 1, 5, 1, 1]),
    (13, &[1, 1, 1, 3, 11]),
    (14, &[1, 3, 5, 5, 31]),
    (1, &[1, 3, 3, 9, 7, 49]),
    (13, &[1, 1, 1, 15, 21, 21]),
    (16, &[1, 3, 1, 13, 27, 49]),
    (19, &[1, 1, 1, 15, 7, 5]),
    (22, &[1, 3, 1, 15, 13, 25]),
    (25, &[1, 1, 5, 5, 19, 61]),
    (1, &[1, 3, 7, 11, 23, 15, 103]),
    (4, &[1, 3, 7, 13, 13, 15, 69]),
    (7, &[1, 1, 3, 13, 7, 35, 63]),
    (8, &[1, 3, 5, 9, 1, 25, 53]),
    (14, &[1, 3, 1, 13, 9, 35, 107]),
    (19, &[1, 3, 1, 5, 27, 61, 31]),
    (21, &[1, 1, 5, 11, 19, 41, 61]),
    (28, &[1, 3, 5, 3, 3, 13, 69]),
    (31, &[1, 1, 7, 13, 1, 19, 1]),
    (32, &[1, 3, 7, 5, 13, 19, 59]),
    (37, &[1, 1, 3, 9, 25, 29, 41]),
    (41, &[1, 3, 5, 13, 23, 1, 55]),
    (42, &[1, 3, 7, 3, 13, 59, 17]),
];

/// A sequence of points, each of its numbers moved by a shift of its own.
#[derive(Clone, Debug)]
pub(crate) struct Sobol {
    directions: Vec<[u32; BITS]>,
    point: Vec<u32>,
    shift: Vec<u32>,
    drawn: u32,
}

impl Sobol {
    /// At most `DIMENSIONS_MAX` numbers in a point, as many as there are shifts.
    pub(crate) fn new(shift: Vec<u32>) -> Self {
        let directions = (0..shift.len().min(DIMENSIONS_MAX)).map(directions).collect();
        Self { directions, point: vec![0; shift.len()], shift, drawn: 0 }
    }

    /// The next point, each number between zero and one, neither included.
    pub(crate) fn next(&mut self, out: &mut [f64]) {
        for ((out, point), shift) in out.iter_mut().zip(&self.point).zip(&self.shift) {
            *out = (f64::from(point ^ shift) + 0.5) / 4_294_967_296.0;
        }
        let bit = usize::try_from(self.drawn.trailing_ones()).unwrap_or(BITS).min(BITS - 1);
        for (point, directions) in self.point.iter_mut().zip(&self.directions) {
            *point ^= directions[bit];
        }
        self.drawn = self.drawn.wrapping_add(1);
    }
}

fn directions(dimension: usize) -> [u32; BITS] {
    let mut out = [0; BITS];
    if dimension == 0 {
        for (i, it) in out.iter_mut().enumerate() {
            *it = 1 << (BITS - 1 - i);
        }
        return out;
    }
    let (interior, first) = TABLE[dimension - 1];
    let degree = first.len();
    for i in 0..BITS {
        if i < degree {
            out[i] = first[i] << (BITS - 1 - i);
            continue;
        }
        let mut next = out[i - degree] ^ (out[i - degree] >> degree);
        for k in 1..degree {
            if interior >> (degree - 1 - k) & 1 == 1 {
                next ^= out[i - k];
            }
        }
        out[i] = next;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_gets_one_point_in_every_dimension() {
        const POINTS: usize = 256;
        let mut sobol = Sobol::new((0..32).map(|i| 0x9e37_79b9_u32.wrapping_mul(i)).collect());
        let mut seen = vec![[false; POINTS]; DIMENSIONS_MAX];
        let mut point = vec![0.0; DIMENSIONS_MAX];
        for _ in 0..POINTS {
            sobol.next(&mut point);
            for (seen, x) in seen.iter_mut().zip(&point) {
                let place = (0_u32..).take(POINTS).filter(|i| f64::from(*i) / 256.0 <= *x).count() - 1;
                assert!(!seen[place], "twice in interval {place}");
                seen[place] = true;
            }
        }
    }

    #[test]
    fn the_sequence_begins_as_published() {
        // The third point of the first five dimensions, from Joe and Kuo's table.
        let mut sobol = Sobol::new(vec![0; 5]);
        let mut point = [0.0; 5];
        for _ in 0..3 {
            sobol.next(&mut point);
        }
        let half_step = 0.5 / 4_294_967_296.0;
        assert_eq!(point.map(|x| x - half_step), [0.75, 0.25, 0.25, 0.25, 0.75]);
    }
}
