//! Own shares of the coin, by epoch, in the data folder.
//!
//! Invariant: a share is on disk before anything is said in its epoch. Shares of epochs that are over go: they are
//! worth nothing together with new ones, and a thief must not find them.

use std::{collections::BTreeMap, fs, path::Path};

use crypto::ThresholdShare;

use crate::{failure::Failure, network::write_secret};

const FOLDER: &str = "shares";

/// What earlier lives have kept.
pub fn read(data: &Path) -> Result<BTreeMap<u64, ThresholdShare>, Failure> {
    let folder = data.join(FOLDER);
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(BTreeMap::new()) };
    let mut shares = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| Failure::file(&folder, &error))?.path();
        let Some(epoch) = epoch_of(&path) else { continue };
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
        let share = hex::decode(text.trim()).ok().and_then(ThresholdShare::decode);
        let wrong = || Failure::bad_input(format!("{}: this is no coin share", path.display()));
        shares.insert(epoch, share.ok_or_else(wrong)?);
    }
    Ok(shares)
}

/// Keeps the share of an epoch, and forgets those of earlier ones.
pub fn keep(data: &Path, epoch: u64, share: &ThresholdShare) -> Result<(), Failure> {
    let folder = data.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let (path, new) = (folder.join(epoch.to_string()), folder.join("new"));
    drop(fs::remove_file(&new));
    write_secret(&new, &hex::encode(share.encode()))?;
    fs::rename(&new, &path).map_err(|error| Failure::file(&path, &error))?;
    for earlier in fs::read_dir(&folder).map_err(|error| Failure::file(&folder, &error))?.flatten() {
        if epoch_of(&earlier.path()).is_some_and(|earlier| earlier + 1 < epoch) {
            drop(fs::remove_file(earlier.path()));
        }
    }
    Ok(())
}

fn epoch_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_shares_of_this_epoch_and_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let (_, shares) = crypto::deal(rand::rng(), NonZeroU32::new(4).unwrap());
        for (epoch, share) in (2..).zip(&shares) {
            keep(folder.path(), epoch, share).unwrap();
        }
        let kept: Vec<u64> = read(folder.path()).unwrap().into_keys().collect();
        assert_eq!(kept, [4, 5]);
        assert_eq!(read(folder.path()).unwrap()[&5], shares[3]);
        fs::write(folder.path().join("shares/6"), "nothing").unwrap();
        assert!(read(folder.path()).is_err());
    }
}
