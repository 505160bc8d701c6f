//! Whole networks under one seed: promises kept by every seed, under every adversary, and what the coin is for.

use sim::{CoinKind, Crashes, Executes, Report, Setup, Timers, Wan, adversary, measure, run};

fn clean(setup: &Setup) -> Report {
    let report = run(setup).expect("the setup names an adversary that exists");
    assert!(report.is_clean(), "seed {} under {}: {:?}", setup.seed, setup.adversary, report.problems);
    assert_eq!(report.outstanding, 0, "seed {} under {}: {report:?}", setup.seed, setup.adversary);
    assert!(report.commits > 0 && report.ordered > 0, "{report:?}");
    report
}

#[test]
fn seeds_under_every_adversary_are_clean() {
    for name in adversary::NAMES {
        for seed in 0..6 {
            clean(&Setup::of_seed(seed, name));
        }
    }
}

#[test]
fn the_whole_exchange_comes_to_one_root_under_every_adversary() {
    for (seed, name) in (0..).zip(adversary::NAMES) {
        clean(&Setup { executes: Executes::Exchange, ..Setup::of_seed(seed, name) });
    }
}

/// A validator far behind asked for rounds above the block that it lacked.
#[test]
fn a_validator_that_is_far_behind_gets_what_lies_below_its_rounds_too() {
    for seed in [22, 94, 310] {
        clean(&long(seed, "scheduler"));
    }
}

/// The first block after a restart completed a quorum of coin shares.
#[test]
fn what_a_restart_commits_at_once_is_executed_too() {
    clean(&Setup { executes: Executes::Exchange, ..long(478, "scheduler") });
}

/// Each start writes the own open batches to a new section of the log; the next start took them for new ones.
#[test]
fn what_a_restart_writes_again_is_ordered_once() {
    for (seed, name) in [(70, "silent"), (155, "fabricated-ancestors"), (165, "vote-twins")] {
        clean(&Setup::of_seed(seed, name));
    }
}

/// A block can reach the disk and its message not the wire; others learn of it and ask.
#[test]
fn a_block_that_was_written_and_never_sent_counts_as_made() {
    for seed in [6_004, 6_388] {
        clean(&Setup::of_seed(seed, "equivocator"));
    }
}

/// More work and longer absences than a seed's usual run has.
fn long(seed: u64, name: &'static str) -> Setup {
    let (intents, work_ms, crash_every_ms) = (40, 2_000, 4_000);
    Setup { intents, work_ms, crash_every_ms, ..Setup::of_seed(seed, name) }
}

#[test]
fn one_setup_is_one_run() {
    for name in ["lossy", "replayer"] {
        let setup = Setup::of_seed(3, name);
        assert_eq!(run(&setup), run(&setup));
    }
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

#[test]
fn wrong_shares_are_blamed_where_they_stand_in_the_way() {
    let blamed = (0..10).filter(|seed| clean(&Setup::of_seed(*seed, "share-garbler")).accused > 0).count();
    assert!(blamed >= 8, "in {blamed} of 10 runs");
}

/// Seven validators, wave length 4: the adversary can withhold the leaders of two rounds at a time.
fn attack(coin: CoinKind, seed: u64) -> Setup {
    Setup {
        members: 7,
        wave_length: 4,
        leaders_per_round: 1,
        coin,
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

/// Finality is as many rounds away as the wave has: nothing is decided late on a wide network without faults.
#[test]
fn finality_over_five_regions_takes_the_rounds_of_a_wave() {
    for (wave_length, rounds_max_hundredths) in [(5, 550), (4, 450)] {
        let wan = Wan { wave_length, millis: 3_000, seed: 2, ..Wan::default() };
        let figures = measure(&wan).expect("a sound setup");
        let rounds = figures.finality_us * 100 / figures.round_us;
        assert!(rounds <= rounds_max_hundredths, "wave {wave_length}: {figures:?}");
        assert!(figures.commits * 10 >= figures.rounds * 18, "both leaders of a round: {figures:?}");
    }
}
