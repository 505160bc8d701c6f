//! Every seed, cut and changed a little, goes through its target; and what was found once never comes back.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn every_target_has_seeds_and_takes_them_cut_and_changed() {
    let mut reached = BTreeSet::new();
    for (number, (target, bytes)) in targets::corpus::seeds().into_iter().enumerate() {
        let (_, run) = targets::ALL.iter().find(|(name, _)| *name == target).expect("a seed of a target");
        reached.insert(target);
        run(&bytes);
        if number % 50 == 0 {
            (0..bytes.len().min(400)).for_each(|end| run(&bytes[..end]));
            for place in 0..bytes.len().min(400) {
                let mut changed = bytes.clone();
                changed[place] ^= 0x81;
                run(&changed);
            }
        }
    }
    let all: BTreeSet<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
    let without: Vec<_> = all.difference(&reached).copied().collect();
    assert_eq!(without, ["snapshot"], "a snapshot comes after more rounds than the corpus has");
}

/// Files of `corpus/` and `found/`, where a fuzzer leaves what it stumbled over.
#[test]
fn files_of_the_corpus_and_of_earlier_findings_pass() {
    for folder in ["corpus", "found"] {
        for (target, run) in targets::ALL {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
            for file in fs::read_dir(folder).into_iter().flatten().flatten() {
                run(&fs::read(file.path()).expect("a file of the corpus"));
            }
        }
    }
}
