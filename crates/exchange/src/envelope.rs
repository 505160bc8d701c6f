//! The margin envelope: what an account's own intents that are not ordered yet can still make of it.
//!
//! Agreement decides which of them are ordered, and in which order; so every subset in every order is a state
//! that the network may still decide. Each is played on a copy of the exchange; the best and the worst that
//! was met are told with the order that leads there. Beyond a few intents only the most promising next one is
//! followed, and the envelope says so.
//!
//! Invariant: the state that is asked about does not change, and the empty sequence is always among those
//! looked at: the envelope holds what is.
//! Left out on purpose: what others may still do; resting orders count at their worst in every margin.

use crypto::{CoinValue, Digest};
use num::Cash;
use wire::{
    AccountId, Author, BlockRef, Commit, CommittedBlock, CommittedPayload, IntentId, List, Round,
    SignedIntent, Transaction,
};

use commonware_codec::Encode;

use crate::{apply, state::State};

/// Intents up to which every subset in every order is looked at: 326 sequences.
const EXACT_MAX: usize = 5;

/// What an account has and needs after some of its intents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub equity: Cash,
    pub initial: Cash,
    pub maintenance: Cash,
    /// The intents that were ordered, in that order.
    pub witness: Vec<IntentId>,
}

/// The ends of what may become of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub best: Point,
    pub worst: Point,
    /// Whether every subset in every order was looked at.
    pub is_exact: bool,
}

/// Which end a greedy search is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Best,
    Worst,
}

impl Point {
    /// Equity beyond the initial margin, in micros; negative when it is not covered.
    pub fn free(&self) -> i128 {
        i128::from(self.equity.micros()) - i128::from(self.initial.micros())
    }
}

/// What an account's intents can still make of it. Intents of others among them are played too.
pub fn envelope(state: &State, account: &AccountId, pending: &[SignedIntent]) -> Envelope {
    let is = point(state, account, &[]);
    let is_exact = pending.len() <= EXACT_MAX;
    let mut found = Envelope { best: is.clone(), worst: is, is_exact };
    if is_exact {
        found.look_at_all(state, account, (pending, &mut Vec::new()));
    } else {
        found.follow(state, account, (pending, End::Best));
        found.follow(state, account, (pending, End::Worst));
    }
    found
}

impl Envelope {
    fn note(&mut self, point: Point) {
        if point.free() > self.best.free() {
            self.best = point;
        } else if point.free() < self.worst.free() {
            self.worst = point;
        }
    }

    /// Every sequence that goes on from a state.
    fn look_at_all(
        &mut self,
        state: &State,
        account: &AccountId,
        (pending, taken): (&[SignedIntent], &mut Vec<usize>),
    ) {
        for next in 0..pending.len() {
            if taken.contains(&next) {
                continue;
            }
            taken.push(next);
            let then = after(state, &pending[next]);
            let witness: Vec<IntentId> = taken.iter().map(|at| pending[*at].intent.id()).collect();
            self.note(point(&then, account, &witness));
            self.look_at_all(&then, account, (pending, taken));
            taken.pop();
        }
    }

    /// One sequence: always the intent that leads farthest toward an end.
    fn follow(&mut self, state: &State, account: &AccountId, (pending, end): (&[SignedIntent], End)) {
        let mut left: Vec<&SignedIntent> = pending.iter().collect();
        let (mut now, mut witness) = (state.clone(), Vec::new());
        while !left.is_empty() {
            let reached = left.iter().map(|intent| {
                let then = after(&now, intent);
                let free = point(&then, account, &[]).free();
                (if end == End::Best { -free } else { free }, then)
            });
            let farthest = reached.enumerate().min_by_key(|(_, (rank, _))| *rank);
            let Some((place, (_, then))) = farthest else { break };
            witness.push(left.remove(place).intent.id());
            self.note(point(&then, account, &witness));
            now = then;
        }
    }
}

fn point(state: &State, account: &AccountId, witness: &[IntentId]) -> Point {
    let summary = state.account_index(account).map(|index| state.margin_summary(index));
    let (equity, margin) = summary.unwrap_or_default();
    let (initial, maintenance) = (margin.initial, margin.maintenance);
    Point { equity, initial, maintenance, witness: witness.to_vec() }
}

/// The exchange after a commit of one intent at the present time.
fn after(state: &State, intent: &SignedIntent) -> State {
    let mut then = state.clone();
    if let Some(payload) = commit_of(state, intent) {
        apply(&mut then, &payload, &mut Vec::new());
    }
    then
}

/// `None` for an intent that no transaction holds: it can never be ordered.
fn commit_of(state: &State, intent: &SignedIntent) -> Option<CommittedPayload> {
    let index = state.commit() + 1;
    let digest = Digest::of("clockless envelope 2026", &intent.intent.id().0.0);
    let reference = BlockRef { round: Round(index), author: Author(0), digest };
    let block = CommittedBlock {
        reference,
        parents: List::default(),
        transactions: List::new(vec![Transaction::new(intent.encode())?])?,
        attestations: List::default(),
        evidence: List::default(),
    };
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: reference,
        time: state.time(),
        coin: CoinValue([0; 48]),
        blocks: List::new(vec![reference])?,
    };
    Some(CommittedPayload { commit, blocks: List::new(vec![block])? })
}
