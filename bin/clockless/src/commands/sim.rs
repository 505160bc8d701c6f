//! `clockless sim --seeds A..B`: simulated networks; prints the seeds that break a promise.

use std::time::Instant;

use clap::Args;
use serde_json::json;
use sim::{Setup, adversary};

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct SimArguments {
    /// Seeds, the last one left out: 0..1000.
    #[arg(long)]
    seeds: String,
    /// One of fair, lossy, scheduler, leader-delayer; without it each seed takes its turn.
    #[arg(long)]
    adversary: Option<String>,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &SimArguments) -> Result<(), Failure> {
    let seeds = parse_seeds(&arguments.seeds).ok_or_else(|| {
        Failure::bad_input(format!("--seeds {}: a range such as 0..1000 is expected", arguments.seeds))
    })?;
    let chosen = match &arguments.adversary {
        None => None,
        Some(name) => Some(adversary::NAMES.into_iter().find(|it| it == name).ok_or_else(|| {
            Failure::bad_input(format!("--adversary {name}: one of {:?} is expected", adversary::NAMES))
        })?),
    };
    let began = Instant::now();
    let (mut failing, mut commits, mut ordered, mut count) = (Vec::new(), 0, 0, 0_u64);
    for seed in seeds {
        let turn = usize::try_from(seed % 4).unwrap_or(0);
        let adversary = chosen.unwrap_or(adversary::NAMES[turn]);
        let report =
            sim::run(&Setup::of_seed(seed, adversary)).map_err(|error| Failure::bad_input(error.0))?;
        count += 1;
        commits += report.commits;
        ordered += report.ordered;
        if !report.is_clean() || report.outstanding > 0 || report.commits == 0 {
            eprintln!("seed {seed} under {adversary}: {:?}", report.problems);
            failing.push(seed);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let out = json!({
        "seeds": count,
        "failing": failing,
        "commits": commits,
        "transactions": ordered,
        "seeds_per_s": (count as f64 / seconds.max(1e-9) * 10.0).round() / 10.0,
    });
    println!("{out}");
    if failing.is_empty() {
        Ok(())
    } else {
        Err(Failure::failed(format!("{} of {count} seeds fail", failing.len())))
    }
}

fn parse_seeds(text: &str) -> Option<std::ops::Range<u64>> {
    let (from, to) = text.split_once("..")?;
    let seeds = from.parse().ok()?..to.parse().ok()?;
    (!seeds.is_empty()).then_some(seeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_that_holds_something() {
        assert_eq!(parse_seeds("3..7"), Some(3..7));
        for text in ["", "3", "3..", "..7", "7..3", "3..3", "a..b", "-1..4"] {
            assert_eq!(parse_seeds(text), None, "{text}");
        }
    }
}
