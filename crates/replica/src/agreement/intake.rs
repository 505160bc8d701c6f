//! Messages of peers, and records of the own log.
//!
//! Invariant: nothing a peer sends is trusted: blocks are verified, batches are taken by their digest, requests
//! are answered within bounds. A batch is durable before a block that refers to it is accepted.

use std::collections::BTreeSet;

use bytes::Bytes;
use crypto::Digest;
use dag::{Fault, Insertion, ReadBlock, VerifiedBlock};
use num::Timestamp;
use ordering::Vertex;
use wire::{Author, Blob, BlockRef, Message, Round};
use worker::{Held, Shelf};

use super::{Agreement, Output, OwnBatch, Record};

impl Agreement {
    pub(super) fn take_message(
        &mut self,
        now: Timestamp,
        from: Author,
        message: Message,
        out: &mut Vec<Output>,
    ) {
        match message {
            Message::Block { block } => self.take_block(now, from, block.into_bytes(), out),
            Message::Batch { batch } => self.take_batch(from, batch.into_bytes(), out),
            Message::Blocks { blocks } => {
                self.asked.range_answered(from);
                let before = self.dag.accepted().highest_round();
                for block in blocks.into_vec() {
                    self.take_block(now, from, block.into_bytes(), out);
                }
                // An answer that did not help is no reason to ask the same at once.
                if self.dag.accepted().highest_round() > before && self.is_behind() {
                    self.ask_range(now, Some(from), out);
                }
            }
            Message::Batches { batches } => {
                for batch in batches.into_vec() {
                    self.take_batch(from, batch.into_bytes(), out);
                }
            }
            Message::FetchBlocks { blocks } => self.answer_blocks(from, &blocks, out),
            Message::FetchBatches { batches } => self.answer_batches(from, &batches, out),
            Message::FetchRounds { from: round } => self.answer_rounds(from, round, out),
            Message::FetchLatest => self.answer_latest(from, out),
            Message::Latest { block } => self.take_latest(now, from, block.map(Blob::into_bytes), out),
            Message::Snapshots { snapshots } => self.take_offer(now, from, snapshots.into_vec(), out),
            Message::FetchSnapshot { digest, part } => self.answer_part(from, digest, part, out),
            Message::SnapshotPart { digest, part, bytes } => {
                self.take_part((now, from), (digest, part), bytes.into_bytes(), out);
            }
        }
    }

    pub(super) fn take_block(&mut self, now: Timestamp, from: Author, encoded: Bytes, out: &mut Vec<Output>) {
        let read = match ReadBlock::read(encoded) {
            // Peers that catch up, and twice-told news, cost no signature.
            Ok(read) if self.dag.is_known(&read.reference) => return,
            read => read,
        };
        match read.and_then(|read| self.dag.rules().verify(read)) {
            Ok(block) => {
                let reference = block.reference;
                let shelf = &self.shelf;
                let mut accepted = Vec::new();
                let insertion = self.dag.insert(block, |batch| shelf.contains(batch), &mut accepted);
                self.note_convictions(out);
                self.add_accepted(now, accepted, out);
                if insertion == Insertion::Waiting || self.is_behind() {
                    self.ask_for(now, from, reference, out);
                }
            }
            Err(fault) => out.push(Output::Fault { peer: from, fault }),
        }
    }

    fn take_batch(&mut self, from: Author, encoded: Bytes, out: &mut Vec<Output>) {
        let Some((digest, held)) = Shelf::read(encoded) else {
            out.push(Output::Fault { peer: from, fault: Fault::Batch });
            return;
        };
        let batch = &held.batch;
        let wanted =
            batch.epoch == self.config.committee.epoch() && self.config.committee.contains(batch.author);
        let asked_for = self.asked.batch_arrived(&digest);
        if !wanted {
            out.push(Output::Fault { peer: from, fault: Fault::Batch });
            return;
        }
        // An answer that comes too late is nobody's fault, and nobody's to keep.
        if batch.author != from && !asked_for {
            return;
        }
        if self.shelf.add(digest, held) {
            self.persist_batch(&digest, out);
        }
        // Also when it was there: a validator that lost its disk may have made its own batch again.
        let mut accepted = Vec::new();
        self.dag.batch_held(&digest, &mut accepted);
        self.add_accepted(self.progressed_at, accepted, out);
    }

    /// Hands accepted blocks to the log and to the ordering, and takes what that decides.
    pub(super) fn add_accepted(&mut self, now: Timestamp, accepted: Vec<BlockRef>, out: &mut Vec<Output>) {
        let mut accepted = accepted;
        while !accepted.is_empty() {
            self.progressed_at = self.progressed_at.max(now);
            for reference in accepted.drain(..) {
                self.note_accepted(reference, out);
            }
            self.decide(out, &mut accepted);
        }
    }

    fn note_accepted(&mut self, reference: BlockRef, out: &mut Vec<Output>) {
        let Some(it) = self.dag.accepted().get(&reference) else { return };
        let batches = it.block.batches.clone();
        if let Some(block) = Blob::new(it.encoded.clone()).filter(|_| !self.restoring) {
            let old = batches.iter().map(|batch| batch.digest).filter(|batch| self.sections.is_old(batch));
            old.collect::<Vec<_>>().iter().for_each(|batch| self.persist_batch(batch, out));
            self.sections.note_block(self.sections.newest(), reference.round);
            self.persist(Record::Block { block }, out);
        }
        for batch in &batches {
            self.shelf.refer(&batch.digest);
            if reference.author == self.config.author
                && let Some(own) = self.own.get_mut(&batch.digest)
            {
                own.carried = Some(reference.round);
            }
        }
        if !batches.is_empty() {
            self.unordered_payload.insert(reference, ());
        }
        self.order(&reference);
    }

    /// Hands an accepted block to the ordering.
    pub(super) fn order(&mut self, reference: &BlockRef) {
        let Some(it) = self.dag.accepted().get(reference) else { return };
        self.ordering.accept(Vertex {
            reference: *reference,
            parents: it.block.parents.to_vec(),
            timestamp: it.block.timestamp,
            coin_share: it.block.coin_share,
        });
    }

    /// Writes a record to the newest section of the log.
    pub(super) fn persist(&self, record: Record, out: &mut Vec<Output>) {
        out.push(Output::Persist { section: self.sections.newest(), record });
    }

    /// Writes a batch that is held, perhaps not for the first time.
    pub(super) fn persist_batch(&mut self, batch: &Digest, out: &mut Vec<Output>) {
        let Some(encoded) = self.shelf.get(batch).and_then(|held| Blob::new(held.encoded.clone())) else {
            return;
        };
        self.sections.note_batch(self.sections.newest(), *batch);
        self.persist(Record::Batch { batch: encoded }, out);
    }

    /// What of the own still mattered at this place of the log.
    pub(super) fn restore_own(&mut self, latest: BlockRef, batches: &[Digest]) {
        self.recovery.remember();
        self.dag.resume_after(latest);
        let open: BTreeSet<&Digest> = batches.iter().collect();
        self.own.retain(|batch, _| open.contains(batch));
        self.own_queue.retain(|batch| open.contains(batch));
    }

    pub(super) fn restore_batch(&mut self, section: u64, encoded: Bytes) {
        let Some((digest, held)) = Shelf::read(encoded) else { return };
        self.sections.note_batch(section, digest);
        // A later section may hold it again: what became of it since its first record stands.
        if held.batch.author == self.config.author && !self.shelf.contains(&digest) {
            self.builder.resume_after(held.batch.sequence);
            self.add_own(digest, &held, Vec::new());
        }
        self.shelf.add(digest, held);
    }

    pub(super) fn restore_block(&mut self, section: u64, encoded: Bytes, out: &mut Vec<Output>) {
        use commonware_codec::DecodeExt;
        let Ok(signed) = wire::SignedBlock::decode(encoded.clone()) else { return };
        let reference = signed.block.reference();
        self.sections.note_block(section, reference.round);
        if reference.author == self.config.author {
            self.dag.resume_after(reference);
        }
        let block = VerifiedBlock { reference, block: signed.block, signature: signed.signature, encoded };
        let (mut accepted, shelf) = (Vec::new(), &self.shelf);
        self.dag.insert(block, |batch| shelf.contains(batch), &mut accepted);
        self.note_convictions(out);
        self.add_accepted(Timestamp::ZERO, accepted, out);
    }

    pub(super) fn add_own(&mut self, digest: Digest, held: &Held, tickets: Vec<u64>) {
        let reference = wire::BatchRef { author: held.batch.author, worker: held.batch.worker, digest };
        self.own.insert(digest, OwnBatch { reference, tickets, carried: None });
        self.own_queue.push(digest);
    }

    /// Own batches whose carrier fell under the floor, or that never had one, go into the next block.
    pub(super) fn requeue_uncarried(&mut self) {
        let floor = self.ordering.floor();
        let lost = |carried: Option<Round>| carried.is_some_and(|round| round <= floor);
        let mut queue = Vec::new();
        for (digest, own) in &mut self.own {
            if lost(own.carried) {
                own.carried = None;
            }
            if own.carried.is_none() {
                queue.push(*digest);
            }
        }
        self.own_queue.retain(|digest| queue.contains(digest));
        queue.retain(|digest| !self.own_queue.contains(digest));
        self.own_queue.append(&mut queue);
    }
}
