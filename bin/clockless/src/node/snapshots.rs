//! The last snapshot on disk.
//!
//! Invariant: there is a whole snapshot under its name or none; a new one replaces the one before only when it is
//! durable. A file that is not what it was written as stops the node.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Digest;
use wire::{Snapshot, SnapshotRef};

const DIGEST_BYTES: usize = 32;

/// Where a node keeps its last snapshot: the digest of an encoded `Snapshot`, then that.
#[derive(Clone, Debug)]
pub struct SnapshotFile {
    folder: PathBuf,
}

/// A snapshot as it was read.
pub struct Stored {
    pub snapshot: Snapshot,
    pub reference: SnapshotRef,
    pub encoded: Bytes,
}

impl SnapshotFile {
    /// In the data folder of a node.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("snapshot")
    }

    /// Makes a snapshot durable, in the place of the one before.
    pub fn write(&self, reference: &SnapshotRef, encoded: &[u8]) -> io::Result<()> {
        let new = self.folder.join(format!("snapshot.{}.new", reference.index));
        let mut file = File::create(&new)?;
        file.write_all(&reference.digest.0)?;
        file.write_all(encoded)?;
        file.sync_all()?;
        fs::rename(&new, self.path())?;
        File::open(&self.folder)?.sync_all()
    }

    /// The snapshot, if there is one. Half written ones are cleared away.
    pub fn read(&self) -> Result<Option<Stored>, String> {
        self.clear().map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => Bytes::from(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let wrong = |what: &str| format!("{}: {what}: restore it, or clear the data folder", path.display());
        let digest = bytes.get(..DIGEST_BYTES).and_then(|digest| digest.try_into().ok()).map(Digest);
        let encoded = bytes.slice(DIGEST_BYTES.min(bytes.len())..);
        if digest != Some(Snapshot::digest_of(&encoded)) {
            return Err(wrong("the snapshot is damaged"));
        }
        let snapshot = Snapshot::decode(encoded).map_err(|_| wrong("this is no snapshot"))?;
        let (reference, encoded) = snapshot.publish();
        Ok(Some(Stored { snapshot, reference, encoded }))
    }

    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("snapshot.") && name.ends_with(".new") {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use num::Timestamp;
    use wire::{Blob, BlockRef, Checkpoint, Lineage, List, Round};

    use super::*;

    fn snapshot(index: u64) -> Snapshot {
        let checkpoint = Checkpoint {
            epoch: 1,
            index,
            digest: Digest::of("test commit", &index.to_be_bytes()),
            leader: BlockRef::default(),
            time: Timestamp::from_millis(index),
            floor: Round(index),
            next_round: Round(index + 60),
            next_rank: 0,
            ordered: List::default(),
        };
        Snapshot { checkpoint, lineage: Lineage::default(), state: Blob::new(vec![7; 1_000]).unwrap() }
    }

    #[test]
    fn the_last_whole_snapshot_is_read_and_a_damaged_one_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = SnapshotFile::new(folder.path());
        assert!(file.read().unwrap().is_none());
        for index in [3, 9] {
            let (reference, encoded) = snapshot(index).publish();
            file.write(&reference, &encoded).unwrap();
        }
        fs::write(folder.path().join("snapshot.12.new"), b"half").unwrap();
        let stored = file.read().unwrap().unwrap();
        assert_eq!((stored.snapshot, stored.reference), (snapshot(9), snapshot(9).publish().0));
        assert!(!folder.path().join("snapshot.12.new").exists());

        let path = folder.path().join("snapshot");
        let whole = fs::read(&path).unwrap();
        for damaged in [&whole[..20], &whole[..whole.len() - 1], &[&whole[..], b"x"].concat()] {
            fs::write(&path, damaged).unwrap();
            let refusal = file.read().err().unwrap();
            assert!(refusal.contains("damaged") && refusal.contains("snapshot"), "{refusal}");
        }
    }
}
