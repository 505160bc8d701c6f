//! `clockless bench margin`: what margin costs: of one account with a hundred positions, and of very many accounts when
//! the marks of all instruments move.
//!
//! Invariant: the exchange's own code is measured through `apply`, on accounts that traded.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    bench::{exchange::scene::Scene, rounded},
    failure::Failure,
};

/// Positions of each account of the two scenes.
const MANY: usize = 100;
const FEW: usize = 4;
const MANY_PAIRS: u64 = 500;
const ROUNDS: u64 = 5;

#[derive(Args, Debug)]
pub struct MarginArguments {
    /// Accounts that are margined anew at once; a million take minutes to trade first.
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &MarginArguments) -> Result<(), Failure> {
    let empty = remark(&mut Scene::new()?)?;
    let mut many = Scene::new()?;
    many.trade(MANY_PAIRS, MANY)?;
    let many = (one_account(&many)?, remark(&mut many)?);
    let mut few = Scene::new()?;
    few.trade(arguments.accounts / 2, FEW)?;
    let few = (few.state.account_count(), remark(&mut few)?);
    let out = json!({
        "threads": 1,
        "scenarios": 35,
        "account_100_positions_ns": many.0,
        "marks_of_1500_instruments_ms": ms(empty),
        "remargin_100_positions": cost(MANY_PAIRS * 2, MANY, many.1.saturating_sub(empty)),
        "remargin_4_positions": cost(u64::try_from(few.0).unwrap_or(0), FEW, few.1.saturating_sub(empty)),
    });
    let text = if arguments.json { out.to_string() } else { format!("{out:#}") };
    println!("{text}");
    Ok(())
}

fn ms(took: Duration) -> f64 {
    rounded(took.as_secs_f64() * 1e3)
}

fn cost(accounts: u64, positions_each: usize, took: Duration) -> Value {
    let each = took.as_secs_f64() * 1e9 / accounts.max(1) as f64;
    json!({
        "accounts": accounts,
        "positions_each": positions_each,
        "ms": ms(took),
        "ns_per_account": each.round(),
        "million_accounts_s": rounded(each / 1e3),
    })
}

/// Nanoseconds for the margin of an account, the mean over all of them, in the best of some rounds.
fn one_account(scene: &Scene) -> Result<f64, Failure> {
    let accounts: Vec<u32> = (0..).take(scene.state.account_count()).collect();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS * 20 {
        let began = Instant::now();
        for account in &accounts {
            black_box(scene.state.margin_summary(black_box(*account)));
        }
        best = best.min(began.elapsed().as_secs_f64());
    }
    scene.check()?;
    Ok((best * 1e9 / accounts.len().max(1) as f64).round())
}

/// The best commit in which the index moves: marks of everything, sums of everybody, and a look at who is short.
fn remark(scene: &mut Scene) -> Result<Duration, Failure> {
    let mut best = Duration::MAX;
    for round in 0..ROUNDS {
        let at = scene.state.time().millis() + 1_000;
        let price = if round.is_multiple_of(2) { 64_100 } else { 64_000 };
        best = best.min(scene.report(at, price)?.1);
    }
    scene.check()?;
    Ok(best)
}
