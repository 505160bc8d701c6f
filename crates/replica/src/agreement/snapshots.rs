//! Snapshots: cutting the own log at them, offering them to peers, and beginning at somebody else's.
//!
//! Invariant: a snapshot of a peer is taken only when validators with f + 1 stake name the same one, so that a
//! correct one does (`pursuit`), and when it is further than what is known.
//! Left out on purpose: what the state in a snapshot means.

use std::collections::VecDeque;

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Digest;
use num::Timestamp;
use wire::{
    Author, BatchNote, Blob, BlockRef, Checkpoint, List, Message, Round, Snapshot, SnapshotRef, WorkerOrder,
    limits::{SNAPSHOT_PART_BYTES, SNAPSHOTS_MAX},
};

use super::{Agreement, Output, Record, pursuit::Pursuit};

/// A snapshot at hand.
#[derive(Clone, Debug)]
struct Held {
    reference: SnapshotRef,
    encoded: Bytes,
}

/// Where the own log can be cut once the snapshot of that commit is durable.
#[derive(Clone, Copy, Debug)]
struct Cut {
    index: u64,
    floor: Round,
    section: u64,
}

#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// The newest last.
    held: VecDeque<Held>,
    cuts: VecDeque<Cut>,
    pursuit: Pursuit,
}

impl Agreement {
    /// The rule has come to a checkpoint: a new section of the log begins, and the execution is to be saved.
    pub(super) fn reach(&mut self, checkpoint: Checkpoint, out: &mut Vec<Output>) {
        let (index, floor) = (checkpoint.index, checkpoint.floor);
        if !self.restoring {
            self.mark(out);
        }
        self.snapshots.cuts.push_back(Cut { index, floor, section: self.sections.newest() });
        self.put_checkpoint(checkpoint, out);
    }

    /// Begins a section of the log with what still matters of those before.
    pub(super) fn mark(&mut self, out: &mut Vec<Output>) {
        self.sections.begin();
        let mut batches: Vec<BatchNote> = self.own.values().map(|own| own.note).collect();
        batches.sort_unstable_by_key(|note| note.sequence);
        let lists = List::new(batches).zip(List::new(self.sequences.to_vec()));
        let Some((batches, sequences)) = lists else { return };
        self.persist(Record::Own { latest: self.dag.own_latest(), batches, sequences }, out);
        self.crew.order_all(&WorkerOrder::Begin { section: self.sections.newest() }, out);
    }

    /// The execution at a checkpoint is saved and durable.
    pub(super) fn saved(&mut self, reference: SnapshotRef, encoded: Bytes, out: &mut Vec<Output>) {
        self.hold(reference, encoded);
        while let Some(cut) = self.snapshots.cuts.pop_front_if(|cut| cut.index <= reference.index) {
            let keep = self.sections.cut(cut.floor, cut.section);
            self.cut(keep, out);
        }
    }

    fn cut(&mut self, keep: u64, out: &mut Vec<Output>) {
        out.push(Output::Cut { keep });
        self.crew.order_all(&WorkerOrder::Cut { keep }, out);
    }

    /// Keeps a snapshot for others.
    pub(super) fn hold(&mut self, reference: SnapshotRef, encoded: Bytes) {
        let held = &mut self.snapshots.held;
        held.push_back(Held { reference, encoded });
        while held.len() > SNAPSHOTS_MAX {
            held.pop_front();
        }
    }

    /// Goes on after a checkpoint, with the accepted blocks above its floor.
    pub(super) fn go_on_after(&mut self, checkpoint: &Checkpoint, out: &mut Vec<Output>) {
        self.ordering.resume(checkpoint);
        let mut accepted = Vec::new();
        self.dag.set_floor(checkpoint.floor, &mut accepted);
        for block in checkpoint.ordered.iter() {
            self.unordered_payload.remove(block);
            let (batches, commit) = (self.settle_own(block), checkpoint.index);
            self.crew.order_about(&batches, |batches| WorkerOrder::Ordered { commit, batches }, out);
        }
        self.forget_before(checkpoint.floor, out);
        let held: Vec<BlockRef> =
            self.dag.accepted().from_round(checkpoint.floor.next()).map(|(block, _)| *block).collect();
        held.iter().filter(|block| !accepted.contains(block)).for_each(|block| self.order(block));
        self.add_accepted(self.progressed_at, accepted, out);
    }

    pub(super) fn offer(&self, to: Author, out: &mut Vec<Output>) {
        let offers = self.snapshots.held.iter().map(|held| held.reference).collect();
        if let Some(snapshots) = List::new(offers) {
            out.push(Output::Send { to, message: Message::Snapshots { snapshots } });
        }
    }

    /// A peer no longer has the rounds that were asked for: begin at a snapshot, once enough name the same.
    pub(super) fn take_offer(
        &mut self,
        now: Timestamp,
        from: Author,
        offers: Vec<SnapshotRef>,
        out: &mut Vec<Output>,
    ) {
        if self.is_behind() {
            let reached = self.ordering.last_commit().map_or(0, |head| head.index);
            let committee = &self.config.committee;
            self.snapshots.pursuit.take_offer((now, from), offers, (committee, reached), out);
        }
    }

    pub(super) fn answer_part(&self, to: Author, digest: Digest, part: u32, out: &mut Vec<Output>) {
        let held = self.snapshots.held.iter().find(|held| held.reference.digest == digest);
        let from = usize::try_from(part).ok().and_then(|part| part.checked_mul(SNAPSHOT_PART_BYTES));
        let Some((held, from)) = held.zip(from).filter(|(held, from)| *from < held.encoded.len()) else {
            return;
        };
        let end = from.saturating_add(SNAPSHOT_PART_BYTES).min(held.encoded.len());
        if let Some(bytes) = Blob::new(held.encoded.slice(from..end)) {
            out.push(Output::Send { to, message: Message::SnapshotPart { digest, part, bytes } });
        }
    }

    pub(super) fn take_part(
        &mut self,
        come: (Timestamp, Author),
        part: (Digest, u32),
        bytes: Bytes,
        out: &mut Vec<Output>,
    ) {
        if let Some((reference, whole)) = self.snapshots.pursuit.take_part(come, part, bytes, out) {
            self.adopt(reference, whole, out);
        }
    }

    /// Asks again for parts that did not come, of another peer in the end.
    pub(super) fn retry_snapshot(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.snapshots.pursuit.retry(now, self.config.pacing.retry_ms, out);
    }

    /// Begins at a snapshot that is what f + 1 have named.
    fn adopt(&mut self, reference: SnapshotRef, encoded: Bytes, out: &mut Vec<Output>) {
        let Ok(snapshot) = Snapshot::decode(encoded.clone()) else { return };
        let reached = self.ordering.last_commit().map_or(0, |head| head.index);
        if snapshot.checkpoint.epoch != self.config.committee.epoch() || snapshot.checkpoint.index <= reached
        {
            return;
        }
        let checkpoint = snapshot.checkpoint.clone();
        self.hold(reference, encoded.clone());
        out.push(Output::Adopt { snapshot: Box::new(snapshot), encoded });
        let (needless, own) = self.assembly.clear();
        self.crew.order_about(&own, |batches| WorkerOrder::Ordered { commit: 0, batches }, out);
        self.forget_batches(needless, out);
        self.go_on_after(&checkpoint, out);
        // Whether own batches under the floor were ordered is not known: they are carried again, and whoever
        // reads the order takes each intent once.
        self.requeue_uncarried();
        // The workers write again what was written two sections earlier.
        self.mark(out);
        self.mark(out);
        let newest = self.sections.newest();
        let keep = self.sections.cut(checkpoint.floor, newest);
        self.snapshots.cuts.clear();
        self.cut(keep, out);
    }
}
