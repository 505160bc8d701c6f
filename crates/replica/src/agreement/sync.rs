//! Asking for what is missing, and answering those who ask.
//!
//! Invariant: a question is asked of one peer at a time and again of another after a while, so that whoever can
//! answer is asked in the end; an answer is bounded in items and bytes. Nobody makes this validator keep a list of
//! its questions.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Digest;
use num::{Duration, Timestamp};
use wire::{
    Author, BatchRef, Blob, BlockRef, List, Message, Round, WorkerOrder,
    limits::{ANSWER_ITEMS_MAX, FETCH_MAX, MESSAGE_BYTES_MAX},
};

use super::{Agreement, Output};

/// Rounds behind the quorum from which on whole rounds are asked for and no block is proposed.
pub const SYNC_LAG: u64 = 20;
/// Bytes of one answer, framing left out.
const ANSWER_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 2;

/// Questions on their way.
#[derive(Debug, Default)]
pub(super) struct Asked {
    blocks: BTreeMap<BlockRef, Timestamp>,
    /// When a worker was last told that a batch is missing.
    batches: BTreeMap<Digest, Timestamp>,
    /// Who was asked for a range of rounds, and when.
    range: Option<(Author, Timestamp)>,
    /// Who was asked last for blocks, and for rounds. Each goes round on its own: sharing one, two kinds of
    /// question asked in turn would each reach only half of the peers.
    blocks_turn: u16,
    range_turn: u16,
}

impl Asked {
    pub(super) fn range_answered(&mut self, by: Author) {
        if self.range.is_some_and(|(asked, _)| asked == by) {
            self.range = None;
        }
    }

    pub(super) fn batch_arrived(&mut self, batch: &Digest) {
        self.batches.remove(batch);
    }
}

impl Agreement {
    /// Whether so much is missing that taking part would only add to the load.
    pub(super) fn is_behind(&self) -> bool {
        let reached = self.dag.highest_round();
        reached.after(SYNC_LAG) < self.dag.quorum_round()
    }

    /// Asks for what a waiting block lacks; its sender first, who must have it.
    pub(super) fn ask_for(&mut self, now: Timestamp, from: Author, _block: BlockRef, out: &mut Vec<Output>) {
        if self.is_behind() {
            self.ask_range(now, Some(from), out);
        }
        // Also behind: what lies below the range is missing for ever otherwise.
        self.ask_parents(now, Some(from), out);
        self.ask_batches(now, Some(from), out);
    }

    /// Asks for all rounds from the highest accepted one on.
    pub(super) fn ask_range(&mut self, now: Timestamp, of: Option<Author>, out: &mut Vec<Output>) {
        let patience = Duration::from_millis(self.config.pacing.retry_ms);
        if self.range_is_open(now, patience) {
            return;
        }
        let others = of.filter(|peer| *peer != self.config.author);
        let Some(peer) = others.or_else(|| self.peer_from(self.asked.range_turn)) else { return };
        self.asked.range_turn = peer.0 + 1;
        self.asked.range = Some((peer, now));
        let from = self.dag.highest_round().before(2).unwrap_or_default().next();
        out.push(Output::Send { to: peer, message: Message::FetchRounds { from } });
    }

    fn range_is_open(&self, now: Timestamp, patience: Duration) -> bool {
        self.asked.range.is_some_and(|(_, at)| now < at.saturating_add(patience))
    }

    fn ask_parents(&mut self, now: Timestamp, of: Option<Author>, out: &mut Vec<Output>) {
        let again = now.saturating_sub(Duration::from_millis(self.config.pacing.retry_ms));
        let asked = &self.asked.blocks;
        let wanted: Vec<BlockRef> = self
            .dag
            .missing_parents()
            .filter(|block| asked.get(block).is_none_or(|at| *at <= again))
            .take(FETCH_MAX)
            .copied()
            .collect();
        if wanted.is_empty() {
            return;
        }
        let Some(peer) = of.or_else(|| self.peer_from(self.asked.blocks_turn)) else { return };
        self.asked.blocks_turn = peer.0 + 1;
        self.asked.blocks.extend(wanted.iter().map(|block| (*block, now)));
        if let Some(blocks) = List::new(wanted) {
            out.push(Output::Send { to: peer, message: Message::FetchBlocks { blocks } });
        }
    }

    /// A batch may still be on its way behind its block: its worker asks for it when it has had time to come. Its
    /// author is asked first, then the others: the author may be gone, and whoever accepted the block has its batches.
    fn ask_batches(&mut self, now: Timestamp, of: Option<Author>, out: &mut Vec<Output>) {
        let again = now.saturating_sub(Duration::from_millis(self.config.pacing.retry_ms));
        let ask_at_once = self.is_behind() || of.is_none();
        let asked = &self.asked.batches;
        let missing = self.dag.missing_batches().take(4 * FETCH_MAX);
        let due = missing.filter(|batch| asked.get(&batch.digest).is_none_or(|at| *at <= again));
        let wanted: Vec<(BatchRef, Author)> = due.map(|batch| (*batch, of.unwrap_or(batch.author))).collect();
        self.asked.batches.extend(wanted.iter().map(|(batch, _)| (batch.digest, now)));
        if ask_at_once {
            self.crew.order_wanted(&wanted, |batches| WorkerOrder::Fetch { batches }, out);
        } else {
            self.crew.order_wanted(&wanted, |batches| WorkerOrder::Expect { batches }, out);
        }
    }

    /// The first peer in a circle of validators that begins at `place`.
    fn peer_from(&self, place: u16) -> Option<Author> {
        let size = self.config.committee.size();
        let mut circle = (0..size).map(|step| Author((place % size + step) % size));
        circle.find(|peer| *peer != self.config.author)
    }

    /// A tick: asks again, and reminds the others when nothing has moved for a while.
    pub(super) fn retry(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let patience = Duration::from_millis(self.config.pacing.retry_ms);
        let missing: BTreeSet<BlockRef> = self.dag.missing_parents().copied().collect();
        self.asked.blocks.retain(|block, _| missing.contains(block));
        let missing: BTreeSet<Digest> = self.dag.missing_batches().map(|batch| batch.digest).collect();
        self.asked.batches.retain(|batch, _| missing.contains(batch));
        if self.is_behind() {
            self.ask_range(now, None, out);
        }
        self.ask_parents(now, None, out);
        self.ask_batches(now, None, out);
        self.ask_latest(out);
        self.retry_snapshot(now, out);
        if now >= self.progressed_at.saturating_add(patience).saturating_add(self.heartbeat()) {
            self.progressed_at = now;
            self.rebroadcast(out);
            self.ask_range(now, None, out);
        }
    }

    fn heartbeat(&self) -> Duration {
        Duration::from_millis(self.config.pacing.heartbeat_ms)
    }

    /// Sends the last own block, and the batches of own blocks that are not ordered, once more.
    pub(super) fn rebroadcast(&self, out: &mut Vec<Output>) {
        let own = self.dag.own_latest();
        if let Some(block) = self.dag.accepted().get(&own).and_then(|it| Blob::new(it.encoded.clone())) {
            out.push(Output::Broadcast { message: Message::Block { block } });
        }
    }

    pub(super) fn greet(&mut self, now: Timestamp, peer: Author, out: &mut Vec<Output>) {
        let own = self.dag.own_latest();
        if let Some(block) = self.dag.accepted().get(&own).and_then(|it| Blob::new(it.encoded.clone())) {
            out.push(Output::Send { to: peer, message: Message::Block { block } });
        }
        self.ask_range(now, Some(peer), out);
        if self.recovery.is_open() {
            out.push(Output::Send { to: peer, message: Message::FetchLatest });
        }
    }

    pub(super) fn answer_blocks(&self, to: Author, blocks: &[BlockRef], out: &mut Vec<Output>) {
        let found = blocks.iter().filter_map(|block| self.dag.accepted().get(block));
        let mut answer = Answer::default();
        for it in found {
            if !answer.add(&it.encoded) {
                break;
            }
        }
        if let Some(blocks) = List::new(answer.into_blobs()) {
            out.push(Output::Send { to, message: Message::Blocks { blocks } });
        }
    }

    pub(super) fn answer_rounds(&self, to: Author, from: Round, out: &mut Vec<Output>) {
        let kept = self.dag.accepted().lowest_round().unwrap_or_default();
        if from.next() < kept {
            self.offer(to, out);
            return;
        }
        let mut answer = Answer::default();
        for (_, it) in self.dag.accepted().from_round(from) {
            if !answer.add(&it.encoded) {
                break;
            }
        }
        if let Some(blocks) = List::new(answer.into_blobs()) {
            out.push(Output::Send { to, message: Message::Blocks { blocks } });
        }
    }
}

/// An answer that grows up to its bounds.
#[derive(Debug, Default)]
struct Answer {
    items: Vec<bytes::Bytes>,
    bytes: usize,
}

impl Answer {
    /// False when it is full; the first item always fits.
    fn add(&mut self, item: &bytes::Bytes) -> bool {
        let full = self.items.len() >= ANSWER_ITEMS_MAX || self.bytes + item.len() > ANSWER_BYTES_MAX;
        if full && !self.items.is_empty() {
            return false;
        }
        self.bytes += item.len();
        self.items.push(item.clone());
        true
    }

    fn into_blobs<const MAX: usize>(self) -> Vec<Blob<MAX>> {
        self.items.into_iter().filter_map(Blob::new).collect()
    }
}
