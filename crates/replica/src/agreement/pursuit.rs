//! Fetching a snapshot that others have named.
//!
//! Invariant: a snapshot is taken only when validators with f + 1 stake name the same one, so that a correct one does;
//! it comes from one of them, in parts, and counts only as a whole with that digest. Parts that are on their way at
//! once are few, and one snapshot is fetched at a time.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use crypto::Digest;
use dag::Fault;
use num::{Duration, Timestamp};
use wire::{
    Author, Committee, Message, Snapshot, SnapshotRef, Tally,
    limits::{SNAPSHOT_BYTES_MAX, SNAPSHOT_PART_BYTES},
};

use super::Output;

/// Parts that are on their way at once.
const PARTS_AHEAD: usize = 8;
/// Intervals without a part after which another peer is asked.
const PATIENCE: u64 = 4;

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

/// What others have named, and what is on its way of it.
#[derive(Debug, Default)]
pub(crate) struct Pursuit {
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

impl Pursuit {
    /// Notes what a peer offers, and fetches once enough name the same beyond commit `reached`.
    pub(crate) fn take_offer(
        &mut self,
        (now, from): (Timestamp, Author),
        offers: Vec<SnapshotRef>,
        (committee, reached): (&Committee, u64),
        out: &mut Vec<Output>,
    ) {
        self.offers.insert(from, offers);
        if self.fetch.is_some() {
            return;
        }
        let all = self.offers.values().flatten().filter(|offer| offer.index > reached);
        let mut all: Vec<SnapshotRef> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        let agreed = all.into_iter().rev().find_map(|offer| {
            let holders = self.holders(&offer);
            let mut tally = Tally::new();
            for holder in &holders {
                tally.add(committee, *holder);
            }
            (tally.stake() >= committee.validity()).then_some((offer, holders))
        });
        if let Some((offer, mut holders)) = agreed {
            // Whoever answered last is at hand.
            let place = holders.iter().position(|holder| *holder == from).unwrap_or(0);
            holders.rotate_left(place);
            self.fetch = Fetch::new(offer, holders, now);
            self.fetch.iter().for_each(|fetch| fetch.ask_first(out));
        }
    }

    fn holders(&self, offer: &SnapshotRef) -> VecDeque<Author> {
        let offers = self.offers.iter().filter(|(_, offers)| offers.contains(offer));
        offers.map(|(author, _)| *author).collect()
    }

    /// Takes a part; the snapshot's encoding when it is whole and what was named.
    pub(crate) fn take_part(
        &mut self,
        (now, from): (Timestamp, Author),
        (digest, part): (Digest, u32),
        bytes: Bytes,
        out: &mut Vec<Output>,
    ) -> Option<(SnapshotRef, Bytes)> {
        let fetch = self.fetch.as_mut()?;
        if fetch.reference.digest != digest || fetch.holders.front() != Some(&from) {
            return None;
        }
        if !fetch.take(now, usize::try_from(part).ok()?, bytes, out) {
            return None;
        }
        let whole = fetch.whole();
        if Snapshot::digest_of(&whole) != digest {
            out.push(Output::Fault { peer: from, fault: Fault::Snapshot });
            self.ask_next_holder(now, out);
            return None;
        }
        let reference = fetch.reference;
        *self = Self::default();
        Some((reference, whole))
    }

    fn ask_next_holder(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(mut fetch) = self.fetch.take() else { return };
        fetch.holders.pop_front();
        if !fetch.holders.is_empty() {
            self.fetch = Fetch::new(fetch.reference, fetch.holders, now);
            self.fetch.iter().for_each(|fetch| fetch.ask_first(out));
        }
        // Without a holder left it is asked anew what there is, and newer snapshots will be offered.
    }

    /// Asks again for parts that did not come, of another peer in the end.
    pub(crate) fn retry(&mut self, now: Timestamp, retry_ms: u64, out: &mut Vec<Output>) {
        let Some(fetch) = &self.fetch else { return };
        let patience = Duration::from_millis(retry_ms.saturating_mul(PATIENCE));
        if now >= fetch.progressed_at.saturating_add(patience) {
            self.ask_next_holder(now, out);
        } else {
            fetch.ask_first(out);
        }
    }
}
