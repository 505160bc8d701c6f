//! The faults that a validator survives, one test each, as the ordering's design numbers them.

use sim::{Crashes, Executes, Report, Setup, run};

fn clean(setup: &Setup) -> Report {
    let report = run(setup).expect("the setup names an adversary that exists");
    assert!(report.is_clean(), "seed {} under {}: {:?}", setup.seed, setup.adversary, report.problems);
    assert_eq!(report.outstanding, 0, "seed {} under {}: {report:?}", setup.seed, setup.adversary);
    assert!(report.commits > 0, "{report:?}");
    report
}

fn crashing(seed: u64, adversary: &'static str, crashes: Crashes) -> Setup {
    Setup { crashes, ..Setup::of_seed(seed, adversary) }
}

/// A disk forgets what was not synchronised: whatever had left was, so nobody signs two blocks for a round.
#[test]
fn fault_1_what_left_is_durable() {
    for seed in 0..12 {
        for adversary in ["fair", "scheduler"] {
            let setup = crashing(seed, adversary, Crashes::OneAtATime);
            clean(&Setup { crash_every_ms: 300, ..setup });
        }
    }
}

/// Where f + 1 answers can miss a block that only one other got, whoever lost its disk is one of the f: it may
/// contradict itself, and the order does not suffer.
#[test]
fn fault_2_a_validator_without_its_disk_comes_back_and_the_order_does_not_suffer() {
    for seed in 0..12 {
        for adversary in ["fair", "scheduler", "lossy"] {
            let report = clean(&crashing(seed, adversary, Crashes::WithoutDisk));
            assert!(adversary != "fair" || report.accused == 0, "seed {seed}: {report:?}");
        }
    }
}

#[test]
fn fault_3_a_cluster_killed_whole_starts_again() {
    for seed in 0..12 {
        for adversary in ["fair", "lossy"] {
            clean(&crashing(seed, adversary, Crashes::Everybody));
        }
    }
}

/// Each is away for up to four seconds and a half of steady work.
#[test]
fn fault_4_who_was_away_catches_up_in_seconds() {
    for seed in 0..4 {
        let setup = Setup {
            crash_every_ms: 6_000,
            work_ms: 18_000,
            intents: 400,
            ..crashing(seed, "fair", Crashes::OneAtATime)
        };
        let report = clean(&setup);
        assert!(report.elapsed_ms < 18_000 + 10_000, "{report:?}");
        assert!(report.rounds > 200, "far more rounds than are fetched one by one: {report:?}");
    }
}

#[test]
fn fault_5_absurd_rounds_invented_ancestors_and_floods_do_no_harm() {
    for seed in 0..8 {
        for adversary in ["far-future", "fabricated-ancestors", "flooder", "garbage"] {
            clean(&Setup::of_seed(seed, adversary));
        }
    }
}

#[test]
fn fault_6_commits_are_handed_over_exactly_once_whenever_a_crash_comes() {
    for seed in 0..12 {
        let setup = crashing(seed, "fair", Crashes::OneAtATime);
        clean(&Setup { executes: Executes::Exchange, crash_every_ms: 200 + 20 * seed, ..setup });
    }
}

/// The run does not end well unless a commit orders the proof, on every validator.
#[test]
fn fault_7_equivocation_is_proved_on_the_dag() {
    for seed in 0..8 {
        for adversary in ["equivocator", "vote-twins"] {
            assert!(clean(&Setup::of_seed(seed, adversary)).accused > 0);
        }
    }
}

#[test]
fn fault_8_slow_silent_withholding_replaying_and_selective_peers_are_borne() {
    for seed in 0..8 {
        for adversary in ["slow", "silent", "share-garbler", "batch-withholder", "replayer", "selective"] {
            clean(&Setup::of_seed(seed, adversary));
        }
    }
}

/// With wave length 5, as where the paper's artefact forks.
#[test]
fn fault_9_twins_that_few_saw_are_decided_alike_by_all() {
    for seed in 0..12 {
        let setup = Setup { members: 4, wave_length: 5, ..Setup::of_seed(seed, "equivocator") };
        clean(&Setup { crashes: Crashes::None, ..setup });
    }
}
