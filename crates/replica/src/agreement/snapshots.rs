//! Snapshots: cutting the own log at them, offering them to peers, and beginning at somebody else's.
//!
//! Invariant: a snapshot of a peer is taken only when validators with f + 1 stake name the same one, so that a
//! correct one does; it comes from one of them, in parts, and counts only as a whole with that digest. Parts that
//! are on their way at once are few, and one snapshot is fetched at a time.
//! Left out on purpose: what the state in a snapshot means.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Digest;
use dag::Fault;
use num::{Duration, Timestamp};
use wire::{
    Author, BatchNote, Blob, BlockRef, Checkpoint, List, Message, Round, Snapshot, SnapshotRef, Tally,
    WorkerOrder,
    limits::{SNAPSHOT_BYTES_MAX, SNAPSHOT_PART_BYTES, SNAPSHOTS_MAX},
};

use super::{Agreement, Output, Record};

/// Parts that are on their way at once.
const PARTS_AHEAD: usize = 8;
/// Intervals without a part after which another peer is asked.
const PATIENCE: u64 = 4;

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

/// A snapshot on its way.
#[derive(Debug)]
struct Fetch {
    reference: SnapshotRef,
    /// Who holds it; the first is being asked.
    holders: VecDeque<Author>,
    parts: Vec<Option<Bytes>>,
    /// How many parts have come.
    come: usize,
    progressed_at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// The newest last.
    held: VecDeque<Held>,
    cuts: VecDeque<Cut>,
    offers: BTreeMap<Author, Vec<SnapshotRef>>,
    fetch: Option<Fetch>,
}

impl Fetch {
    fn new(reference: SnapshotRef, holders: VecDeque<Author>, now: Timestamp) -> Option<Self> {
        let bytes = usize::try_from(reference.bytes).ok().filter(|bytes| *bytes <= SNAPSHOT_BYTES_MAX)?;
        let parts = vec![None; bytes.div_ceil(SNAPSHOT_PART_BYTES)];
        Some(Self { reference, holders, parts, come: 0, progressed_at: now })
    }

    fn ask(&self, part: usize) -> Option<Output> {
        let (digest, part) = (self.reference.digest, u32::try_from(part).ok()?);
        let message = Message::FetchSnapshot { digest, part };
        Some(Output::Send { to: *self.holders.front()?, message })
    }

    /// Asks for the first parts that are missing.
    fn ask_first(&self, out: &mut Vec<Output>) {
        let missing = self.parts.iter().enumerate().filter(|(_, part)| part.is_none());
        out.extend(missing.take(PARTS_AHEAD).filter_map(|(part, _)| self.ask(part)));
    }

    /// Keeps a part that was missing, and asks for the next; whether all are there.
    fn take(&mut self, now: Timestamp, part: usize, bytes: Bytes, out: &mut Vec<Output>) -> bool {
        let Some(slot) = self.parts.get_mut(part).filter(|slot| slot.is_none()) else { return false };
        *slot = Some(bytes);
        self.come += 1;
        self.progressed_at = now;
        let after = self.parts.iter().enumerate().skip(part + PARTS_AHEAD);
        let next = after.take(1).find(|(_, part)| part.is_none()).map(|(part, _)| part);
        out.extend(next.and_then(|part| self.ask(part)));
        self.come == self.parts.len()
    }

    fn whole(&self) -> Bytes {
        self.parts
            .iter()
            .flatten()
            .fold(Vec::new(), |mut whole, part| {
                whole.extend_from_slice(part);
                whole
            })
            .into()
    }
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
            self.settle_own(block, checkpoint.index, out);
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
        let reached = self.ordering.last_commit().map_or(0, |head| head.index);
        self.snapshots.offers.insert(from, offers);
        if self.snapshots.fetch.is_some() || !self.is_behind() {
            return;
        }
        let all = self.snapshots.offers.values().flatten().filter(|offer| offer.index > reached);
        let mut all: Vec<SnapshotRef> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        let agreed = all.into_iter().rev().find_map(|offer| {
            let holders = self.holders(&offer);
            let mut tally = Tally::new();
            for holder in &holders {
                tally.add(&self.config.committee, *holder);
            }
            (tally.stake() >= self.config.committee.validity()).then_some((offer, holders))
        });
        if let Some((offer, mut holders)) = agreed {
            // Whoever answered last is at hand.
            let place = holders.iter().position(|holder| *holder == from).unwrap_or(0);
            holders.rotate_left(place);
            self.snapshots.fetch = Fetch::new(offer, holders, now);
            self.snapshots.fetch.iter().for_each(|fetch| fetch.ask_first(out));
        }
    }

    fn holders(&self, offer: &SnapshotRef) -> VecDeque<Author> {
        let offers = self.snapshots.offers.iter().filter(|(_, offers)| offers.contains(offer));
        offers.map(|(author, _)| *author).collect()
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
        (now, from): (Timestamp, Author),
        (digest, part): (Digest, u32),
        bytes: Bytes,
        out: &mut Vec<Output>,
    ) {
        let Some(fetch) = self.snapshots.fetch.as_mut() else { return };
        if fetch.reference.digest != digest || fetch.holders.front() != Some(&from) {
            return;
        }
        let Ok(part) = usize::try_from(part) else { return };
        if !fetch.take(now, part, bytes, out) {
            return;
        }
        let whole = fetch.whole();
        if Snapshot::digest_of(&whole) == digest {
            self.adopt(whole, out);
        } else {
            out.push(Output::Fault { peer: from, fault: Fault::Snapshot });
            self.ask_next_holder(now, out);
        }
    }

    fn ask_next_holder(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(mut fetch) = self.snapshots.fetch.take() else { return };
        fetch.holders.pop_front();
        if !fetch.holders.is_empty() {
            self.snapshots.fetch = Fetch::new(fetch.reference, fetch.holders, now);
            self.snapshots.fetch.iter().for_each(|fetch| fetch.ask_first(out));
        }
        // Without a holder left the rounds are asked for again, and newer snapshots will be offered.
    }

    /// Asks again for parts that did not come, of another peer in the end.
    pub(super) fn retry_snapshot(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(fetch) = &self.snapshots.fetch else { return };
        let patience = Duration::from_millis(self.config.pacing.retry_ms.saturating_mul(PATIENCE));
        if now >= fetch.progressed_at.saturating_add(patience) {
            self.ask_next_holder(now, out);
        } else {
            fetch.ask_first(out);
        }
    }

    /// Begins at a snapshot that is what f + 1 have named.
    fn adopt(&mut self, encoded: Bytes, out: &mut Vec<Output>) {
        let Some(Fetch { reference, .. }) = self.snapshots.fetch.take() else { return };
        self.snapshots.offers.clear();
        let Ok(snapshot) = Snapshot::decode(encoded.clone()) else { return };
        let reached = self.ordering.last_commit().map_or(0, |head| head.index);
        if snapshot.checkpoint.epoch != self.config.committee.epoch() || snapshot.checkpoint.index <= reached
        {
            return;
        }
        let checkpoint = snapshot.checkpoint.clone();
        self.hold(reference, encoded.clone());
        out.push(Output::Adopt { snapshot, encoded });
        let needless = self.assembly.clear();
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
