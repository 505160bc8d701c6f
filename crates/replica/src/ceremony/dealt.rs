//! How far one dealer's dealing has come, by the order.
//!
//! Invariant: everything here but `holding` and `points` is a function of the ordered statements alone.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use crypto::{Dealing, DealingShare, Digest, Holding, Opening, OpeningKey, Point, Terms};
use wire::{SignedCeremonyMessage, Statement, limits::CEREMONY_PART_BYTES_MAX};

/// What a dealing has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Parts are missing.
    Arriving,
    /// It is there and waits for acknowledgements.
    Waiting,
    /// Enough receivers hold their shares: it may count, and those who were cheated can be helped.
    Complete,
    /// The dealer lied, and the order shows it.
    Out,
}

/// One dealer's dealing.
#[derive(Debug)]
pub(super) struct Dealt {
    pub(super) digest: Digest,
    parts: Vec<Option<SignedCeremonyMessage>>,
    pub(super) dealing: Option<Dealing>,
    pub(super) progress: Progress,
    acknowledged: BTreeSet<u16>,
    /// Receivers whose complaint was looked at, and whether it proved something.
    complaints: BTreeMap<u16, Complaint>,
    /// What this validator holds of it, or the proof that it was cheated.
    pub(super) holding: Option<Result<Holding, Opening>>,
    /// What others told of this validator's row.
    points: BTreeMap<u16, Point>,
}

#[derive(Debug)]
enum Complaint {
    False,
    Proven(Box<SignedCeremonyMessage>),
}

/// Into how many statements a dealing on these terms goes.
pub(super) fn parts_of(terms: &Terms) -> u16 {
    u16::try_from(Dealing::size(terms).div_ceil(CEREMONY_PART_BYTES_MAX)).unwrap_or(u16::MAX)
}

impl Dealt {
    /// A dealing of which nothing but its digest is known.
    pub(super) fn new(digest: Digest, terms: &Terms) -> Self {
        Self {
            digest,
            parts: vec![None; usize::from(parts_of(terms))],
            dealing: None,
            progress: Progress::Arriving,
            acknowledged: BTreeSet::new(),
            complaints: BTreeMap::new(),
            holding: None,
            points: BTreeMap::new(),
        }
    }

    pub(super) fn lacks_part(&self, part: u16) -> bool {
        self.parts.get(usize::from(part)).is_some_and(Option::is_none)
    }

    /// Takes a part that was missing. The last one makes the dealing, or shows that there is none.
    pub(super) fn add_part(&mut self, part: u16, message: SignedCeremonyMessage, terms: &Terms, dealer: u16) {
        if let Some(place) = self.parts.get_mut(usize::from(part)) {
            *place = Some(message);
        }
        let parts: Option<Vec<&Bytes>> = self.parts.iter().map(|part| bytes_of(part.as_ref()?)).collect();
        let Some(parts) = parts else { return };
        let whole: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let meant = digest_of(&whole) == self.digest;
        self.dealing = meant.then(|| Dealing::decode(&whole, terms, dealer)).flatten();
        self.progress = if self.dealing.is_some() { Progress::Waiting } else { Progress::Out };
    }

    /// Opens what `me` was dealt, once.
    pub(super) fn open(&mut self, terms: &Terms, dealer: u16, me: u16, key: &OpeningKey) {
        if self.holding.is_none() {
            self.holding = self.dealing.as_ref().map(|dealing| dealing.open(terms, dealer, me, key));
        }
    }

    pub(super) fn is_acknowledged_by(&self, receiver: u16) -> bool {
        self.acknowledged.contains(&receiver)
    }

    /// Counts an acknowledgement; whether it completed the dealing.
    pub(super) fn acknowledge(&mut self, receiver: u16, terms: &Terms) -> bool {
        self.acknowledged.insert(receiver);
        let enough = self.acknowledged.len() >= usize::from(terms.acknowledgements_needed());
        let completes = enough && self.progress == Progress::Waiting;
        if completes {
            self.progress = Progress::Complete;
        }
        completes
    }

    pub(super) fn is_complaint_known(&self, receiver: u16) -> bool {
        self.complaints.contains_key(&receiver)
    }

    /// Judges a complaint; whether it is the first that proves something. One false complaint is all that a
    /// receiver gets.
    pub(super) fn complain(
        &mut self,
        (receiver, opening): (u16, &Opening),
        message: &SignedCeremonyMessage,
        terms: &Terms,
        dealer: u16,
    ) -> bool {
        let refuted =
            self.dealing.as_ref().is_some_and(|it| it.is_refuted_by(terms, dealer, receiver, opening));
        let first = refuted && self.proven().next().is_none();
        let complaint = if refuted { Complaint::Proven(Box::new(message.clone())) } else { Complaint::False };
        self.complaints.insert(receiver, complaint);
        if refuted && self.progress == Progress::Waiting {
            self.progress = Progress::Out;
        }
        first
    }

    /// Receivers that proved to have been cheated.
    pub(super) fn cheated(&self) -> impl Iterator<Item = u16> {
        let proven = |(receiver, complaint): (&u16, &Complaint)| {
            matches!(complaint, Complaint::Proven(_)).then_some(*receiver)
        };
        self.complaints.iter().filter_map(proven)
    }

    fn proven(&self) -> impl Iterator<Item = &SignedCeremonyMessage> {
        self.complaints.values().filter_map(|complaint| match complaint {
            Complaint::Proven(message) => Some(&**message),
            Complaint::False => None,
        })
    }

    /// Takes what `helper` says of `me`'s row, if it is true.
    pub(super) fn take_help(&mut self, me: u16, helper: u16, point: Point) {
        let Some(dealing) = self.dealing.as_ref().filter(|_| !self.points.contains_key(&helper)) else {
            return;
        };
        if dealing.is_point_of(me, helper, &point) {
            self.points.insert(helper, point);
        }
    }

    /// This validator's share of the dealing: dealt, or found with the help of others.
    pub(super) fn share(&self, terms: &Terms) -> Option<DealingShare> {
        if let Some(Ok(holding)) = &self.holding {
            return Some(holding.share());
        }
        let points: Vec<(u16, Point)> = self.points.iter().map(|(helper, point)| (*helper, *point)).collect();
        self.dealing.as_ref()?.recover(terms, &points)
    }

    /// What proves to everybody that the dealer lied: its own statements, and the complaint if they read well.
    pub(super) fn evidence(&self) -> Vec<SignedCeremonyMessage> {
        let parts = self.parts.iter().flatten();
        parts.chain(self.proven().take(1)).cloned().collect()
    }
}

/// A dealing's name.
pub(super) fn digest_of(dealing: &[u8]) -> Digest {
    Digest::of("clockless dealing 2026", dealing)
}

fn bytes_of(message: &SignedCeremonyMessage) -> Option<&Bytes> {
    match &message.message.statement {
        Statement::Part { bytes, .. } => Some(bytes.bytes()),
        _ => None,
    }
}
