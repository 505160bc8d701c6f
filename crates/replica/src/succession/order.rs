//! What the order says of committees, and what follows from it.
//!
//! Invariant: commits are read in their order. What a step has ordered is done after the commits at hand were read, so
//! that none is read before an earlier one.

use num::{Duration, Timestamp};
use wire::{
    AgreedChange, BlockRef, ChangeSignature, Checkpoint, CommittedPayload, CommitteeVote, Letter, List,
    Round, Tally, Transaction,
};

use super::{Effect, Era, Succession, era::Handover};
use crate::{
    agreement::{Input, Output, Record},
    ceremony::Step,
};

use super::OWN_TICKETS;

impl Succession {
    /// Passes the present agreement's outputs on, up to the last commit of its epoch and what became final with it.
    pub(super) fn perform(&mut self, now: Timestamp, outputs: Vec<Output>, out: &mut Vec<Effect>) {
        if outputs.is_empty() {
            return;
        }
        let epoch = self.era.epoch();
        let (mut steps, mut has_read, mut is_over) = (Vec::new(), false, false);
        for output in outputs {
            match output {
                Output::Commit(_) if is_over => break,
                Output::Commit(payload) => {
                    self.read(&payload, &mut steps);
                    has_read = true;
                    is_over = steps.iter().any(|step| matches!(step, Step::Key(_)));
                    out.push(Effect::Agreement { epoch, output: Output::Commit(payload) });
                }
                // What the last commit has ordered is said behind it.
                Output::Final { .. } | Output::Order { .. } => self.pass_on(epoch, output, out),
                _ if is_over => {}
                output => self.pass_on(epoch, output, out),
            }
        }
        self.obey(now, steps, out);
        if has_read {
            self.speak(now, out);
        }
    }

    /// The last commit that was read.
    fn reached(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.index)
    }

    /// Passes on what concerns others, and not only what this validator itself has ordered.
    fn pass_on(&mut self, epoch: u64, output: Output, out: &mut Vec<Effect>) {
        match output {
            Output::Final { ticket, .. } | Output::Refused { ticket, .. } => {
                if ticket < OWN_TICKETS {
                    out.push(Effect::Agreement { epoch, output });
                } else if let (Output::Refused { .. }, Some(handover)) = (&output, &mut self.handover) {
                    // It is said again after the next commit.
                    handover.ceremony.forget_said();
                }
            }
            Output::Accepted { ticket } if ticket >= OWN_TICKETS => {}
            Output::Checkpoint(checkpoint) => {
                out.push(Effect::Checkpoint { checkpoint, lineage: Box::new(self.lineage()) });
            }
            Output::Adopt { snapshot, encoded } => {
                self.note_head(&snapshot.checkpoint);
                self.take_intentions(&snapshot.lineage);
                out.push(Effect::Agreement { epoch, output: Output::Adopt { snapshot, encoded } });
            }
            output => out.push(Effect::Agreement { epoch, output }),
        }
    }

    /// Reads a commit for votes and statements.
    pub(super) fn read(&mut self, payload: &CommittedPayload, steps: &mut Vec<Step>) {
        let commit = &payload.commit;
        self.note_head(&Checkpoint {
            epoch: self.era.epoch(),
            index: commit.index,
            digest: commit.digest(),
            leader: commit.leader,
            time: commit.time,
            floor: Round(0),
            next_round: Round(1),
            next_rank: 0,
            ordered: List::default(),
        });
        for transaction in payload.blocks.iter().flat_map(|block| block.transactions.iter()) {
            match &mut self.handover {
                Some(handover) => {
                    let said = handover.ceremony.ordered(transaction, steps);
                    handover.statements.extend(said);
                }
                None => self.handover = self.vote(transaction),
            }
        }
    }

    /// Notes the last commit; what comes after it in another epoch begins with round 0.
    pub(super) fn note_head(&mut self, at: &Checkpoint) {
        self.head = Some(Checkpoint {
            epoch: at.epoch + 1,
            floor: Round(0),
            next_round: Round(1),
            next_rank: 0,
            ordered: List::default(),
            ..at.clone()
        });
    }

    /// Counts a vote, the last one of each member; the handover that begins when a quorum is for one change.
    fn vote(&mut self, transaction: &Transaction) -> Option<Handover> {
        let vote = CommitteeVote::of_transaction(transaction)?;
        let author = self.era.author(&vote.voter)?;
        let present = &self.era.committee;
        vote.change.committee_after(self.settings.network, present).ok()?;
        if self.votes.get(&author) == Some(&vote) || !vote.verify() {
            return None;
        }
        let change = vote.change.clone();
        self.votes.insert(author, vote);
        let (mut tally, mut signatures) = (Tally::new(), Vec::new());
        for (author, vote) in self.votes.iter().filter(|(_, vote)| vote.change == change) {
            tally.add(present, *author);
            signatures.push(ChangeSignature { author: *author, signature: vote.signature });
        }
        if !tally.is_quorum(present) {
            return None;
        }
        self.votes.clear();
        let agreed = AgreedChange { change, signatures: List::new(signatures)? };
        self.era.handover(self.settings.network, &agreed, self.secrets())
    }

    pub(super) fn speak(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let mut steps = Vec::new();
        if let Some(handover) = &mut self.handover {
            handover.ceremony.speak(&mut steps);
        }
        self.obey(now, steps, out);
    }

    pub(super) fn obey(&mut self, now: Timestamp, steps: Vec<Step>, out: &mut Vec<Effect>) {
        for step in steps {
            match step {
                Step::Order(transaction) => self.order(now, transaction, out),
                Step::Ask(message) => {
                    out.push(Effect::Letter { to: None, letter: Letter::Ceremony { message } });
                }
                Step::Answer { receiver, message } => {
                    let (to, letter) = (Some(receiver), Letter::Ceremony { message });
                    out.push(Effect::Letter { to, letter });
                }
                Step::Blame(blame) => out.push(Effect::Blame(blame)),
                Step::Key(key) => self.end_epoch(key, out),
                Step::Share(share) => self.begin_epoch(now, share, out),
            }
        }
    }

    fn order(&mut self, now: Timestamp, transaction: Transaction, out: &mut Vec<Effect>) {
        let Some(agreement) = &mut self.agreement else { return };
        self.tickets += 1;
        let mut outputs = Vec::new();
        agreement.take(now, Input::Submit { client: 0, ticket: self.tickets, transaction }, &mut outputs);
        self.perform(now, outputs, out);
    }

    pub(super) fn end_epoch(&mut self, key: crypto::ThresholdKey, out: &mut Vec<Effect>) {
        let (Some(handover), Some(before)) = (self.handover.take(), self.era.key.take()) else { return };
        let era = Era { committee: handover.committee.clone(), key: Some(key) };
        let before_committee = core::mem::replace(&mut self.era, era).committee;
        self.changes.push(handover.agreed.clone());
        self.last = Some((before, handover));
        self.share = None;
        self.ended = self.agreement.take().map(|ended| (before_committee, ended));
        out.push(Effect::Began { seats: self.seats(), after: self.reached() });
        let epoch = self.era.epoch();
        if self.era.author(&self.settings.key.public_key()).is_none() {
            self.save_head(out);
            out.push(Effect::Left { epoch });
        } else if let Some((_, ended)) = &mut self.ended {
            self.unordered = ended.leave();
        }
    }

    /// Has the execution saved as it is between two epochs: who is new begins here.
    fn save_head(&self, out: &mut Vec<Effect>) {
        if let Some(checkpoint) = self.head.clone() {
            out.push(Effect::Checkpoint { checkpoint, lineage: Box::new(self.lineage()) });
        }
    }

    /// Takes the share of the present epoch and takes part in it.
    fn begin_epoch(&mut self, now: Timestamp, share: crypto::ThresholdShare, out: &mut Vec<Effect>) {
        let epoch = self.era.epoch();
        self.share = Some(share.clone());
        out.push(Effect::Share { epoch, share });
        self.agreement =
            self.open_agreement().expect("invariant: a change's committee suits, and the share is the key's");
        let (Some(agreement), Some(head)) = (&mut self.agreement, &self.head) else { return };
        let (mut outputs, unordered) = (Vec::new(), core::mem::take(&mut self.unordered));
        let is_first = self.standing.is_none();
        if let Some((snapshot, reference, encoded)) = self.standing.take() {
            // What earlier lives have said is not known: the others are asked.
            agreement.resume(&snapshot, (reference, encoded));
            agreement.inherit(unordered.into_iter().map(worker::Unordered::unsealed).collect());
        } else {
            agreement.begin_after(head);
            agreement.inherit(unordered);
            let author = self.era.committee.author_of(&self.settings.key.public_key()).unwrap_or_default();
            let (batches, sequences) = (List::default(), List::default());
            let record = Record::Own { latest: BlockRef::genesis(author), batches, sequences };
            outputs.push(Output::Persist { section: 0, record });
        }
        agreement.begin(now, &mut outputs);
        self.perform(now, outputs, out);
        // Not before what was inherited is in the new log: whoever begins at the snapshot does not read the old one.
        if is_first {
            self.save_head(out);
        }
    }

    /// Asks again for a share that is missing.
    pub(super) fn remind(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let Some((_, last)) = self.last.as_mut().filter(|_| self.share.is_none()) else { return };
        if now < self.remind_at {
            return;
        }
        self.remind_at = now.saturating_add(Duration::from_millis(self.settings.pacing.retry_ms.max(1)));
        let mut steps = Vec::new();
        last.ceremony.remind(&mut steps);
        self.obey(now, steps, out);
    }
}
