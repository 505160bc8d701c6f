//! `clockless sim`: simulated networks. `--seeds A..B` prints the seeds that break a promise; `--wan` measures how
//! far finality is over a network of five regions; `--workers` what more workers are worth.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use sim::{Capacity, Setup, Wan, adversary};

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct SimArguments {
    /// Seeds, the last one left out: 0..1000.
    #[arg(long, required_unless_present_any = ["wan", "workers"])]
    seeds: Option<String>,
    /// One adversary for all seeds; without it each seed takes its turn.
    #[arg(long)]
    adversary: Option<String>,
    /// Seeds run at a time; as many as there are cores when absent.
    #[arg(long)]
    threads: Option<usize>,
    /// Measure finality over five regions instead, without faults.
    #[arg(long, conflicts_with_all = ["seeds", "adversary"])]
    wan: bool,
    /// Measure what validators with so many workers each carry when computing takes time, instead.
    #[arg(long, conflicts_with_all = ["seeds", "adversary", "wan"], value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: Option<u8>,
    /// Validators of `--wan` and `--workers`.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(4..=100))]
    validators: u16,
    /// Rounds of a wave of `--wan`: 4 or 5.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(4..=5))]
    wave: u8,
    /// Leaders of a round of `--wan`.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    leaders: u16,
    /// Validators of `--wan` that never say a word
    #[arg(long, default_value_t = 0, value_name = "VALIDATORS")]
    silent: u16,
    #[arg(long)]
    json: bool,
}

/// What many runs came to.
#[derive(Debug, Default)]
struct Sum {
    seeds: u64,
    commits: u64,
    ordered: usize,
    undecided_rounds_max: u64,
    failing: Vec<u64>,
}

pub fn run(arguments: &SimArguments) -> Result<(), Failure> {
    if arguments.wan {
        return run_wan(arguments);
    }
    if let Some(workers) = arguments.workers {
        return run_workers(workers, arguments.validators);
    }
    let text = arguments.seeds.as_deref().unwrap_or_default();
    let seeds = parse_seeds(text)
        .ok_or_else(|| Failure::bad_input(format!("--seeds {text}: a range such as 0..1000 is expected")))?;
    let chosen = match &arguments.adversary {
        None => None,
        Some(name) => Some(adversary::NAMES.into_iter().find(|it| it == name).ok_or_else(|| {
            Failure::bad_input(format!("--adversary {name}: one of {:?} is expected", adversary::NAMES))
        })?),
    };
    let threads = arguments.threads.or_else(|| thread::available_parallelism().ok().map(usize::from));
    let began = Instant::now();
    let sum = run_all(seeds, chosen, threads.unwrap_or(1).max(1))?;
    let seconds = began.elapsed().as_secs_f64();
    let out = json!({
        "seeds": sum.seeds,
        "failing": sum.failing,
        "commits": sum.commits,
        "transactions": sum.ordered,
        "undecided_rounds_max": sum.undecided_rounds_max,
        "seeds_per_s": tenths(sum.seeds as f64 / seconds.max(1e-9)),
    });
    println!("{out}");
    if sum.failing.is_empty() {
        Ok(())
    } else {
        Err(Failure::failed(format!("{} of {} seeds fail", sum.failing.len(), sum.seeds)))
    }
}

/// Runs every seed once, on so many threads; each run is a function of its seed.
fn run_all(
    seeds: std::ops::Range<u64>,
    chosen: Option<&'static str>,
    threads: usize,
) -> Result<Sum, Failure> {
    let next = AtomicU64::new(seeds.start);
    // Drawn on a terminal only.
    let progress = ProgressBar::new(seeds.end.saturating_sub(seeds.start));
    let work = || {
        let mut sum = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(sum);
            }
            run_one(seed, chosen, &mut sum)?;
            progress.inc(1);
        }
    };
    let sums: Vec<Result<Sum, Failure>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = |worker: thread::ScopedJoinHandle<'_, Result<Sum, Failure>>| worker.join();
        workers
            .into_iter()
            .map(|it| ended(it).unwrap_or_else(|_| Err(Failure::failed("a run panicked"))))
            .collect()
    });
    progress.finish_and_clear();
    let mut all = Sum::default();
    for sum in sums {
        all.add(sum?);
    }
    all.failing.sort_unstable();
    Ok(all)
}

fn run_one(seed: u64, chosen: Option<&'static str>, sum: &mut Sum) -> Result<(), Failure> {
    let adversary = chosen.unwrap_or_else(|| adversary::of_seed(seed));
    let report = sim::run(&Setup::of_seed(seed, adversary)).map_err(|error| Failure::bad_input(error.0))?;
    sum.seeds += 1;
    sum.commits += report.commits;
    sum.ordered += report.ordered;
    sum.undecided_rounds_max = sum.undecided_rounds_max.max(report.undecided_rounds);
    if !report.is_clean() || report.outstanding > 0 || report.commits == 0 {
        eprintln!("seed {seed} under {adversary}: {:?}", report.problems);
        sum.failing.push(seed);
    }
    Ok(())
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.commits += other.commits;
        self.ordered += other.ordered;
        self.undecided_rounds_max = self.undecided_rounds_max.max(other.undecided_rounds_max);
        self.failing.extend(other.failing);
    }
}

fn run_workers(workers: u8, validators: u16) -> Result<(), Failure> {
    let question = Capacity { workers, validators, ..Capacity::default() };
    let carried = sim::carry(&question).map_err(|error| Failure::bad_input(error.0))?;
    let per_second = carried.bytes as f64 / (carried.millis as f64 / 1e3).max(1e-9);
    let out = json!({
        "validators": validators,
        "workers": workers,
        "ordered_mb": tenths(carried.bytes as f64 / 1e6),
        "seconds": hundredths(carried.millis as f64 / 1e3),
        "mb_per_s": tenths(per_second / 1e6),
        "tps_of_512_bytes": (per_second / 512.0).round(),
    });
    println!("{out}");
    Ok(())
}

fn run_wan(arguments: &SimArguments) -> Result<(), Failure> {
    let (validators, wave_length, leaders_per_round) =
        (arguments.validators, arguments.wave, arguments.leaders);
    let wan = Wan { validators, wave_length, leaders_per_round, silent: arguments.silent, ..Wan::default() };
    let figures = sim::measure(&wan).map_err(|error| Failure::bad_input(error.0))?;
    let ms = |micros: u64| tenths(micros as f64 / 1_000.0);
    let delay = figures.mean_delay_us as f64;
    let delays = |micros: u64| hundredths(micros as f64 / delay.max(1.0));
    let out = json!({
        "validators": wan.validators,
        "wave": wan.wave_length,
        "leaders": wan.leaders_per_round,
        "silent": wan.silent,
        "rounds": figures.rounds,
        "commits": figures.commits,
        "commits_per_round": hundredths(figures.commits as f64 / (figures.rounds as f64).max(1.0)),
        "mean_one_way_delay_ms": ms(figures.mean_delay_us),
        "round_ms": ms(figures.round_us),
        "finality_ms": ms(figures.finality_us),
        "finality_ms_p99": ms(figures.finality_us_p99),
        "finality_message_delays": delays(figures.finality_us),
        "finality_rounds": hundredths(figures.finality_us as f64 / (figures.round_us as f64).max(1.0)),
        "block_finality_ms": ms(figures.block_finality_us),
        "block_finality_message_delays": delays(figures.block_finality_us),
    });
    println!("{out}");
    Ok(())
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
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

    #[test]
    fn many_threads_find_what_one_finds() {
        let one = run_all(0..8, None, 1).unwrap();
        let many = run_all(0..8, None, 3).unwrap();
        assert_eq!((one.seeds, one.commits, one.ordered), (many.seeds, many.commits, many.ordered));
        assert_eq!((one.seeds, many.failing), (8, Vec::new()));
    }
}
