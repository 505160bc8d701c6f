//! A plain byte mutator for machines without libFuzzer: `mutate TARGET SECONDS [SEED]`. It changes seeds of the
//! corpus at random and stops at the first panic, with the input in hexadecimal.
//!
//! Left out on purpose: coverage. libFuzzer finds more; this one finds what shallow changes find.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::{Duration, Instant},
};

/// Splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % (bound.max(1) as u64)) as usize
    }
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..1 + random.below(6) {
        let place = random.below(bytes.len() + 1);
        match random.below(7) {
            0 if place < bytes.len() => bytes[place] ^= 1 << random.below(8),
            1 if place < bytes.len() => bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            2 => bytes.insert(place, random.next() as u8),
            3 if place < bytes.len() => drop(bytes.remove(place)),
            4 => bytes.truncate(place),
            5 => {
                let from = random.below(other.len() + 1);
                let piece = &other[from..(from + random.below(64)).min(other.len())];
                bytes.splice(place..place, piece.iter().copied());
            }
            _ => bytes.extend_from_slice(other),
        }
    }
    bytes.truncate(64 * 1024);
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let target = arguments.get(1).and_then(|name| targets::ALL.iter().find(|(it, _)| it == name));
    let Some((name, run)) = target else {
        eprintln!("mutate TARGET SECONDS [SEED]; targets: {:?}", targets::ALL.map(|(name, _)| name));
        return ExitCode::from(2);
    };
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse::<u64>().ok());
    let mut random = Random(number(3).unwrap_or(1));
    let mut seeds: Vec<Vec<u8>> =
        targets::corpus::seeds().into_iter().filter(|(it, _)| it == name).map(|(_, bytes)| bytes).collect();
    seeds.push(vec![0; 8]);
    let end = Instant::now() + Duration::from_secs(number(2).unwrap_or(60));
    let mut runs = 0_u64;
    while Instant::now() < end {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        let other = seeds[random.below(seeds.len())].clone();
        mutate(&mut bytes, &other, &mut random);
        if catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_err() {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("{name}: a panic after {runs} runs: {hex}");
            return ExitCode::FAILURE;
        }
        runs += 1;
    }
    println!("{name}: {runs} runs, no panic");
    ExitCode::SUCCESS
}
