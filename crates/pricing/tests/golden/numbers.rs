//! Numbers to try functions with, and what their answers are held to.
//!
//! Invariant: both are of integers alone, so every machine tries the same.

/// How many inputs the long tests try.
pub const ROWS: u32 = 10_000_000;

/// Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to `high`, in steps that a double holds exactly.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        let part = f64::from(u32::try_from(self.next() >> 32).unwrap()) / 4_294_967_296.0;
        low + (high - low) * part
    }

    /// One of several.
    pub fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        let count = u64::try_from(of.len()).unwrap();
        of[usize::try_from(self.next() % count).unwrap()]
    }
}

pub fn mix(hash: u64, number: f64) -> u64 {
    (hash ^ number.to_bits()).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}

pub fn mix_all(hash: u64, numbers: &[f64]) -> u64 {
    numbers.iter().fold(hash, |hash, it| mix(hash, *it))
}
