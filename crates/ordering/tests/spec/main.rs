//! The executable specification of the commit rule: every schedule of four validators with an equivocator, up to
//! the first anchor, is gone through. Validators agree in all of them, the code decides each as the specification
//! does, and the bug of the paper's artefact is found when it is put in.
//!
//! `CLOCKLESS_SPEC_WAVE=5 cargo test -p clockless-ordering --test spec` goes through waves of five rounds too.
//!
//! Invariant: model and code meet in one place, `Code::fate`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod model;
mod witness;

use model::{Evidence, Leader, Skip, Spec, State};
use witness::{Code, Fate};

/// Lengths of waves to go through.
fn waves() -> Vec<u8> {
    let deeper = std::env::var("CLOCKLESS_SPEC_WAVE").is_ok_and(|wave| wave == "5");
    if deeper { vec![4, 5] } else { vec![4] }
}

fn specs(skip: Skip) -> Vec<Spec> {
    let of = |wave| [Leader::Equivocator, Leader::Correct].map(|leader| Spec { wave, leader, skip });
    waves().into_iter().flat_map(of).collect()
}

#[test]
fn validators_agree_and_the_code_decides_as_the_specification_whatever_the_schedule() {
    for spec in specs(Skip::NoSupportAtAll) {
        let (states, code) = (spec.states(), Code::new(&spec));
        let mut seen = [0_usize; 3];
        for state in &states {
            assert!(spec.agrees(state), "{spec:?}: {:?}", state.witness);
            if state.is_certified(&spec) {
                let (expected, place) = expected(&spec, state);
                assert_eq!(code.fate(&state.witness), expected, "{spec:?}: {:?}", state.witness);
                seen[place] += 1;
            }
        }
        assert!(seen.iter().all(|count| *count > 10), "open, skipped, committed: {seen:?}");
        println!("{spec:?}: {} states; open, skipped, committed: {seen:?}", states.len());
    }
}

#[test]
fn skipping_for_one_twin_is_found_to_fork() {
    let spec = Spec { wave: 4, leader: Leader::Equivocator, skip: Skip::NoSupportForOne };
    let states = spec.states();
    let fork = states.iter().find(|state| !spec.agrees(state)).expect("the artefact's bug is found");
    assert!(spec.evidence(fork).is_skipped, "one validator skips what another commits: {:?}", fork.witness);
    // A leader that signs once gives no occasion for it.
    let honest = Spec { leader: Leader::Correct, ..spec };
    assert!(honest.states().iter().all(|state| honest.agrees(state)));
}

fn expected(spec: &Spec, state: &State) -> (Fate, usize) {
    match spec.evidence(state) {
        Evidence { committed: 0, is_skipped: false } => (Fate::Open, 0),
        Evidence { committed: 0, is_skipped: true } => (Fate::Skipped, 1),
        Evidence { committed, .. } => (Fate::Committed(committed - 1), 2),
    }
}
