//! Whole networks under one seed: promises kept by every seed, and what the coin is for.

use sim::{CoinKind, Crashes, Report, Setup, Timers, run};

fn clean(setup: &Setup) -> Report {
    let report = run(setup).expect("the setup names an adversary that exists");
    assert!(report.is_clean(), "seed {} under {}: {:?}", setup.seed, setup.adversary, report.problems);
    assert_eq!(report.outstanding, 0, "seed {} under {}: {report:?}", setup.seed, setup.adversary);
    assert!(report.commits > 0 && report.ordered > 0, "{report:?}");
    report
}

#[test]
fn seeds_under_every_network_are_clean() {
    for adversary in sim::adversary::NAMES {
        for seed in 0..6 {
            clean(&Setup::of_seed(seed, adversary));
        }
    }
}

/// A validator far behind asked for rounds above the block that it lacked.
#[test]
fn a_validator_that_is_far_behind_gets_what_lies_below_its_rounds_too() {
    for seed in [22, 94, 310] {
        clean(&Setup::of_seed(seed, "scheduler"));
    }
}

/// The first block after a restart completed a quorum of coin shares.
#[test]
fn what_a_restart_commits_at_once_is_executed_too() {
    clean(&Setup::of_seed(478, "scheduler"));
}

#[test]
fn one_setup_is_one_run() {
    let setup = Setup::of_seed(3, "lossy");
    assert_eq!(run(&setup), run(&setup));
}

#[test]
fn without_any_timer_everything_is_still_ordered() {
    for seed in 0..4 {
        let setup = Setup {
            timers: Timers::Off,
            crashes: Crashes::None,
            give_up_ms: 20_000,
            ..Setup::of_seed(seed, "scheduler")
        };
        clean(&setup);
    }
}

/// Seven validators, wave length 4: the adversary can withhold the leaders of two rounds at a time.
fn attack(coin: CoinKind, seed: u64) -> Setup {
    Setup {
        seed,
        members: 7,
        wave_length: 4,
        leaders_per_round: 1,
        coin,
        adversary: "leader-delayer",
        crashes: Crashes::None,
        timers: Timers::Off,
        intents: 20,
        work_ms: 500,
        give_up_ms: 3_000,
        ..Setup::of_seed(seed, "leader-delayer")
    }
}

#[test]
fn an_adversary_that_delays_leaders_stalls_a_round_robin_and_not_the_coin() {
    for seed in 0..3 {
        let known = run(&attack(CoinKind::RoundRobin, seed)).unwrap();
        assert!(known.rounds > 100, "the rounds go on: {known:?}");
        assert_eq!(
            (known.commits, known.ordered),
            (0, 0),
            "every leader known beforehand is delayed: {known:?}"
        );
        let hidden = run(&attack(CoinKind::Hidden, seed)).unwrap();
        assert!(hidden.is_clean() && hidden.ordered > 0 && hidden.outstanding == 0, "{hidden:?}");
    }
}
