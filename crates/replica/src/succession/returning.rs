//! Coming to an epoch that began without this validator: it is new, or was away for too long.
//!
//! Invariant: nobody has to be believed who is not of a committee: changes are checked from what is known, and a
//! snapshot counts when f + 1 of the committee that they lead to name it. Whoever asks about an epoch that is over,
//! and cannot be answered, is told how the committee changed.

use commonware_codec::DecodeExt;
use crypto::PublicKey;
use num::{Duration, Timestamp};
use wire::{AgreedChange, Letter, List, Message, Snapshot, SnapshotRef, limits::CHANGES_ANSWER_MAX};

use super::{Effect, Seats, Succession};
use crate::agreement::{Agreement, Output, pursuit::Pursuit};

/// The way to an epoch that others are in.
#[derive(Debug, Default)]
pub(super) struct Returning {
    /// The furthest committee that is known of, when it is further than the present one.
    seats: Option<Seats>,
    pursuit: Pursuit,
    ask_at: Timestamp,
}

impl Succession {
    /// Tells how the committee changed after an epoch.
    pub(super) fn answer_changes(&self, to: &PublicKey, after: u64, out: &mut Vec<Effect>) {
        let changes = self.changes.iter().filter(|agreed| agreed.change.epoch > after);
        let changes: Vec<AgreedChange> = changes.take(CHANGES_ANSWER_MAX).cloned().collect();
        if let Some(changes) = List::new(changes).filter(|changes| !changes.is_empty()) {
            out.push(Effect::Letter { to: Some(*to), letter: Letter::Changes { changes } });
        }
    }

    /// Follows changes that lead further than what is known.
    pub(super) fn take_changes(&mut self, changes: &[AgreedChange], out: &mut Vec<Effect>) {
        let known = self.returning.seats.take();
        let mut seats = known.unwrap_or_else(|| Seats {
            committee: self.era.committee.clone(),
            changes: self.changes.clone(),
        });
        let known = seats.committee.epoch();
        for agreed in changes {
            if let Ok(next) = agreed.committee_after(self.settings.network, &seats.committee) {
                seats.committee = next;
                seats.changes.push(agreed.clone());
            }
        }
        let epoch = seats.committee.epoch();
        if epoch == self.era.epoch() {
            return;
        }
        let me = self.settings.key.public_key();
        if epoch > known {
            if seats.committee.author_of(&me).is_some() {
                out.push(Effect::Linked(seats.clone()));
            } else if self.era.author(&me).is_some() {
                out.push(Effect::Left { epoch });
            }
            self.returning.pursuit = Pursuit::default();
            self.returning.ask_at = Timestamp::ZERO;
        }
        self.returning.seats = Some(seats);
    }

    /// Asks what there is of an epoch that others are in.
    pub(super) fn chase(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        let is_new = self.era.key.is_none();
        if (!is_new && self.returning.seats.is_none()) || now < self.returning.ask_at {
            return;
        }
        let retry = self.settings.pacing.retry_ms.max(1);
        self.returning.ask_at = now.saturating_add(Duration::from_millis(retry));
        let known = self.returning.seats.as_ref().map_or(self.era.epoch(), |seats| seats.committee.epoch());
        out.push(Effect::Letter { to: None, letter: Letter::FetchChanges { after: known } });
        let Some(seats) = &self.returning.seats else { return };
        if seats.committee.author_of(&self.settings.key.public_key()).is_some() {
            let mut outputs = vec![Output::Broadcast { message: Message::FetchSnapshots }];
            self.returning.pursuit.retry(now, retry, &mut outputs);
            out.extend(outputs.into_iter().map(|output| Effect::Agreement { epoch: known, output }));
        }
    }

    /// Takes a message of the epoch that this validator is on its way to.
    pub(super) fn take_foreign(
        &mut self,
        now: Timestamp,
        from: &PublicKey,
        (epoch, message): (u64, Message),
        out: &mut Vec<Effect>,
    ) {
        let Some(seats) = self.returning.seats.as_ref().filter(|seats| seats.committee.epoch() == epoch)
        else {
            return;
        };
        let Some(author) = seats.committee.author_of(from) else { return };
        let reached = self.head.as_ref().map_or(0, |head| head.index);
        let (mut outputs, mut whole) = (Vec::new(), None);
        let pursuit = &mut self.returning.pursuit;
        match message {
            Message::Snapshots { snapshots } => {
                let offers = snapshots.into_vec();
                pursuit.take_offer((now, author), offers, (&seats.committee, reached), &mut outputs);
            }
            Message::SnapshotPart { digest, part, bytes } => {
                whole = pursuit.take_part((now, author), (digest, part), bytes.into_bytes(), &mut outputs);
            }
            _ => {}
        }
        out.extend(outputs.into_iter().map(|output| Effect::Agreement { epoch, output }));
        if let Some((reference, encoded)) = whole {
            self.arrive(now, (reference, encoded), out);
        }
    }

    /// Goes on from a snapshot that f + 1 of its epoch's committee have named.
    fn arrive(&mut self, now: Timestamp, published: (SnapshotRef, bytes::Bytes), out: &mut Vec<Effect>) {
        let Ok(snapshot) = Snapshot::decode(published.1.clone()) else { return };
        let Ok(next) = Self::resume(self.settings.clone(), &snapshot, published.clone()) else { return };
        if next.era.epoch() <= self.era.epoch() {
            return;
        }
        let seats = next.seats();
        out.push(Effect::Adopted { seats, snapshot: Box::new(snapshot), encoded: published.1 });
        let epoch = next.era.epoch();
        out.extend(next.share.clone().map(|share| Effect::Share { epoch, share }));
        // Whether others have ordered it meanwhile is not known: whoever reads the order takes each intent once.
        let mut unordered = core::mem::take(&mut self.unordered);
        unordered.extend(self.agreement.as_mut().map(Agreement::leave).unwrap_or_default());
        *self = next;
        match &mut self.agreement {
            Some(agreement) => {
                agreement.inherit(unordered.into_iter().map(worker::Unordered::unsealed).collect());
            }
            None => self.unordered = unordered,
        }
        self.start(now, out);
    }
}
