//! Writes the seeds into `corpus/<target>/`, a file for each of the first forty of a target.

use std::{collections::BTreeMap, fs, io, path::Path};

const SEEDS_MAX: usize = 40;

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (target, bytes) in targets::corpus::seeds() {
        let count = counts.entry(target).or_default();
        if *count < SEEDS_MAX {
            let folder = root.join(target);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("seed-{count:02}")), bytes)?;
            *count += 1;
        }
    }
    Ok(())
}
