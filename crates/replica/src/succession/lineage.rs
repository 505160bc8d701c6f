//! What a snapshot tells of committees, and a validator that goes on from it.
//!
//! Invariant: a lineage follows from the order alone, so validators at one commit write the same one. Taking it up
//! leads to the same committee, key and handover as reading the order from the beginning. Its changes are checked
//! from the genesis on, whoever named the snapshot.

use core::num::NonZeroU32;

use crypto::ThresholdKey;
use wire::{Author, Blob, CommitteeVote, Lineage, List, committee_after};

use super::{Era, Handover, Succession, SuccessionError};

impl Succession {
    /// What the order so far tells of the committees.
    pub(super) fn lineage(&self) -> Lineage {
        let key = match &self.last {
            Some((key, _)) => Some(key),
            None => self.era.key.as_ref(),
        };
        let statements = |it: Option<&Handover>| {
            List::new(it.map(|it| it.statements.clone()).unwrap_or_default()).unwrap_or_default()
        };
        Lineage {
            changes: List::new(self.changes.clone()).unwrap_or_default(),
            key: key.and_then(|key| Blob::new(key.encode())).unwrap_or_default(),
            made: statements(self.last.as_ref().map(|(_, last)| last)),
            votes: List::new(self.votes.values().cloned().collect()).unwrap_or_default(),
            next: self.handover.as_ref().map(|handover| handover.agreed.clone()),
            making: statements(self.handover.as_ref()),
        }
    }

    /// Puts committee, key, share and handover to where a lineage is.
    pub(super) fn take_lineage(&mut self, lineage: &Lineage) -> Result<(), SuccessionError> {
        let network = self.settings.network;
        let changes: &[_] = &lineage.changes;
        let (last, before) =
            changes.split_last().map_or((None, changes), |(last, before)| (Some(last), before));
        let committee = committee_after(network, &self.settings.genesis, before)?;
        let members = NonZeroU32::new(u32::from(committee.size()));
        let key = members.and_then(|members| ThresholdKey::decode(lineage.key.to_vec(), members));
        let key = key.ok_or(SuccessionError::Lineage)?;
        self.era = Era { committee, key: Some(key.clone()) };
        self.changes = changes.to_vec();
        self.last = None;
        self.share = None;
        if let Some(agreed) = last {
            agreed.committee_after(network, &self.era.committee)?;
            let handover = self.era.handover(network, agreed, self.secrets());
            let handover = handover.ok_or(SuccessionError::Lineage)?.with_all(&lineage.made);
            let made = handover.ceremony.key().cloned().ok_or(SuccessionError::Lineage)?;
            self.era = Era { committee: handover.committee.clone(), key: Some(made) };
            self.share = handover.ceremony.share().cloned();
            self.last = Some((key, handover));
        }
        if self.share.is_none() {
            self.share = self.settings.shares.get(&self.era.epoch()).cloned();
        }
        self.take_intentions(lineage);
        Ok(())
    }

    /// Takes what a lineage tells of the next change.
    pub(super) fn take_intentions(&mut self, lineage: &Lineage) {
        let of = |vote: &CommitteeVote| -> Option<(Author, CommitteeVote)> {
            Some((self.era.author(&vote.voter)?, vote.clone()))
        };
        self.votes = lineage.votes.iter().filter_map(of).collect();
        let next = lineage.next.as_ref();
        let handover =
            next.and_then(|agreed| self.era.handover(self.settings.network, agreed, self.secrets()));
        self.handover = handover.map(|handover| handover.with_all(&lineage.making));
    }
}
