//! What this validator has to say, as long as the order does not hold it.
//!
//! Invariant: what is due follows from the order and the secrets, so a restart says again what was not ordered, and
//! says the same. Whoever has the others order its statements twice is counted once.

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::{Digest, PublicKey, deal_by};
use wire::{
    Blob, CeremonyMessage, List, SignedCeremonyMessage, Statement,
    limits::{CEREMONY_PART_BYTES_MAX, COMMITTEE_MAX},
};

use super::{
    Ceremony, Step,
    dealt::{Dealt, Progress, digest_of, parts_of},
};

impl Ceremony {
    /// What is due and was not said in this life. To be asked after the order was replayed, and after every step.
    pub fn speak(&mut self, out: &mut Vec<Step>) {
        let mut due = Vec::new();
        if self.key.is_none() {
            self.parts_due(&mut due);
            self.acknowledgements_due(&mut due);
            self.help_due(&mut due);
        }
        self.complaints_due(&mut due);
        for statement in due {
            let signed = self.sign(statement);
            if !self.said.insert(Digest::of("clockless said 2026", &signed.message.encode())) {
                continue;
            }
            out.push(match self.key {
                None => Step::Order(signed.to_transaction()),
                Some(_) => Step::Ask(signed),
            });
        }
    }

    /// Everything that is still due is due again: what was said may have been lost.
    pub fn remind(&mut self, out: &mut Vec<Step>) {
        self.forget_said();
        self.speak(out);
    }

    /// What was said in this life counts as not said: it was lost on its way.
    pub fn forget_said(&mut self) {
        self.said.clear();
    }

    fn sign(&self, statement: Statement) -> SignedCeremonyMessage {
        let sender = self.secrets.key.public_key();
        CeremonyMessage { ceremony: self.id, sender, statement }.sign(&self.secrets.key)
    }

    fn parts_due(&mut self, due: &mut Vec<Statement>) {
        let Some(me) = self.dealer else { return };
        if self.dealt.get(&me).is_some_and(|dealt| dealt.progress != Progress::Arriving) {
            return;
        }
        if self.own.is_none() {
            let mut random = crypto::seeded(&self.secrets.seed, &self.id);
            self.own = deal_by(&mut random, &self.terms, me, self.secrets.share.as_ref());
        }
        let Some(own) = self.own.as_ref().map(|own| Bytes::from(own.encode())) else { return };
        let (dealing, parts) = (digest_of(&own), parts_of(&self.terms));
        for (part, bytes) in (0..parts).zip(own.chunks(CEREMONY_PART_BYTES_MAX)) {
            let lacks =
                self.dealt.get(&me).is_none_or(|dealt| dealt.digest == dealing && dealt.lacks_part(part));
            let bytes = Blob::new(own.slice_ref(bytes)).filter(|_| lacks);
            due.extend(bytes.map(|bytes| Statement::Part { dealing, part, parts, bytes }));
        }
    }

    fn acknowledgements_due(&self, due: &mut Vec<Statement>) {
        let Some(me) = self.receiver else { return };
        let wanted = |dealt: &&Dealt| {
            matches!(dealt.progress, Progress::Waiting | Progress::Complete)
                && matches!(dealt.holding, Some(Ok(_)))
                && !dealt.is_acknowledged_by(me)
        };
        // Each in a statement of its own, so that what is said does not depend on when it is asked for.
        for dealt in self.dealt.values().filter(wanted) {
            let dealings: Option<List<Digest, COMMITTEE_MAX>> = List::new(vec![dealt.digest]);
            due.extend(dealings.map(|dealings| Statement::Acknowledgement { dealings }));
        }
    }

    fn complaints_due(&self, due: &mut Vec<Statement>) {
        let Some(me) = self.receiver.filter(|_| self.share.is_none()) else { return };
        for (dealer, dealt) in &self.dealt {
            let open = match self.key {
                None => dealt.progress != Progress::Out && !dealt.is_complaint_known(me),
                Some(_) => self.chosen.contains(dealer) && dealt.share(&self.terms).is_none(),
            };
            if let (true, Some(Err(opening))) = (open, &dealt.holding) {
                due.push(Statement::Complaint { dealing: dealt.digest, opening: *opening });
            }
        }
    }

    /// Help for everybody who was cheated by a dealing that counts.
    fn help_due(&self, due: &mut Vec<Statement>) {
        for dealer in &self.chosen {
            let Some(dealt) = self.dealt.get(dealer) else { continue };
            due.extend(dealt.cheated().filter_map(|receiver| help(dealt, receiver)));
        }
    }

    pub(super) fn answer(&self, dealer: u16, receiver: u16, to: PublicKey, out: &mut Vec<Step>) {
        let Some(dealt) = self.dealt.get(&dealer) else { return };
        if dealt.cheated().any(|cheated| cheated == receiver) {
            let help = help(dealt, receiver).filter(|_| self.receiver.is_some());
            out.extend(help.map(|help| Step::Answer { receiver: to, message: self.sign(help) }));
        }
    }
}

fn help(dealt: &Dealt, receiver: u16) -> Option<Statement> {
    let Some(Ok(holding)) = &dealt.holding else { return None };
    Some(Statement::Help { dealing: dealt.digest, receiver, point: holding.point_for(receiver) })
}
