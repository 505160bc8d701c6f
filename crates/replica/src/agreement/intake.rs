//! Messages of peers, and records of the own log.
//!
//! Invariant: nothing a peer sends is trusted: blocks are verified, requests are answered within bounds. A batch is
//! durable before a block that refers to it is accepted.

use bytes::Bytes;
use dag::{Insertion, ReadBlock, VerifiedBlock};
use num::Timestamp;
use ordering::Vertex;
use wire::{Author, Blob, BlockRef, Message, WorkerOrder};

use super::{Agreement, Output, Record};

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
            Message::Worker { worker, message } => self.crew.message(from, (worker, message), out),
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
            Message::FetchBlocks { blocks } => self.answer_blocks(from, &blocks, out),
            Message::FetchRounds { from: round } => self.answer_rounds(from, round, out),
            Message::FetchLatest => self.answer_latest(from, out),
            Message::Latest { block } => self.take_latest(now, from, block.map(Blob::into_bytes), out),
            Message::Snapshots { snapshots } => self.take_offer(now, from, snapshots.into_vec(), out),
            Message::FetchSnapshots => self.offer(from, out),
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
                let batches = &self.batches;
                let mut accepted = Vec::new();
                let insertion = self.dag.insert(block, |batch| batches.is_held(batch), &mut accepted);
                self.note_convictions(out);
                self.add_accepted(now, accepted, out);
                if insertion == Insertion::Waiting || self.is_behind() {
                    self.ask_for(now, from, reference, out);
                }
            }
            Err(fault) => out.push(Output::Fault { peer: from, fault }),
        }
    }

    /// Hands accepted blocks to the log and to the ordering. What that decides waits for `conclude`.
    pub(super) fn add_accepted(&mut self, now: Timestamp, accepted: Vec<BlockRef>, out: &mut Vec<Output>) {
        if accepted.is_empty() {
            return;
        }
        self.progressed_at = self.progressed_at.max(now);
        for reference in accepted {
            self.note_accepted(reference, out);
        }
        self.has_news = true;
    }

    fn note_accepted(&mut self, reference: BlockRef, out: &mut Vec<Output>) {
        let Some(it) = self.dag.accepted().get(&reference) else { return };
        let (batches, encoded) = (it.block.batches.clone(), it.encoded.clone());
        batches.iter().for_each(|batch| self.batches.refer(&batch.digest));
        // What was written long ago is written again, before the block.
        self.crew.order_about(&batches, |batches| WorkerOrder::Refer { batches }, out);
        if let Some(block) = Blob::new(encoded).filter(|_| !self.restoring) {
            self.sections.note_block(self.sections.newest(), reference.round);
            self.persist(Record::Block { block }, out);
        }
        if reference.author == self.config.author {
            for batch in &batches {
                if let Some(own) = self.own.get_mut(&batch.digest) {
                    own.carried = Some(reference.round);
                }
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

    pub(super) fn restore_block(&mut self, section: u64, encoded: Bytes, out: &mut Vec<Output>) {
        use commonware_codec::DecodeExt;
        let Ok(signed) = wire::SignedBlock::decode(encoded.clone()) else { return };
        let reference = signed.block.reference();
        self.sections.note_block(section, reference.round);
        if reference.author == self.config.author {
            self.dag.resume_after(reference);
        }
        let block = VerifiedBlock { reference, block: signed.block, signature: signed.signature, encoded };
        let mut accepted = Vec::new();
        // It was accepted once, so its batches are in the workers' logs.
        self.dag.insert(block, |_| true, &mut accepted);
        self.note_convictions(out);
        self.add_accepted(Timestamp::ZERO, accepted, out);
    }
}
