//! From commits to state, root and certificates.
//!
//! Invariant: execution is a function of the commits alone. A root is certain when attestations of a quorum
//! to it have themselves been ordered.

use std::collections::{BTreeMap, VecDeque};

use crypto::{Digest, SigningKey};
use exchange::{Genesis, GenesisError, Reading, State, apply_read};
use tree::{Changes, Map, Proof};
use wire::{
    Attestation, Author, Certificate, CommittedPayload, Committee, Event, List, RootSignature, Tally,
};

use crate::snapshot::SnapshotError;

/// Commits for which attestations are still collected.
pub(crate) const OPEN_COMMITS_MAX: usize = 4_096;
/// Commits between two checks of the money, in production too.
const CHECK_EVERY: u64 = 64;

/// What a commit did.
#[derive(Clone, Debug)]
pub struct Executed {
    pub commit: u64,
    pub root: Digest,
    pub events: Vec<Event>,
    /// Roots that became certain by attestations in this commit.
    pub certificates: Vec<Certificate>,
    /// A promise of the exchange that does not hold any more: the validator must stop.
    pub broken_invariant: Option<String>,
}

/// The latest roots by their commits, without gaps.
pub(crate) type Roots = VecDeque<(u64, Digest)>;

/// What was attested to one commit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    pub votes: BTreeMap<Digest, BTreeMap<Author, RootSignature>>,
    pub certified: bool,
}

/// The latest roots, what is collected for them, and the last certificate.
type Attested = (Roots, BTreeMap<u64, Collected>, Option<Certificate>);

/// The deterministic half of a validator.
#[derive(Debug)]
pub struct Execution {
    state: State,
    tree: Map,
    committee: Option<Committee>,
    attest_every: u64,
    roots: Roots,
    collected: BTreeMap<u64, Collected>,
    latest: Option<Certificate>,
}

impl Execution {
    /// The exchange of a genesis, with nobody to attest to it.
    pub fn new(genesis: &Genesis, network: Digest) -> Result<Self, GenesisError> {
        Ok(Self {
            state: State::new(genesis, network)?,
            tree: Map::new(),
            committee: None,
            attest_every: 1,
            roots: VecDeque::new(),
            collected: BTreeMap::new(),
            latest: None,
        })
    }

    /// Collects attestations of a committee, to every `attest_every`-th commit.
    #[must_use]
    pub fn with_committee(mut self, committee: Committee, attest_every: u64) -> Self {
        self.committee = Some(committee);
        self.attest_every = attest_every.max(1);
        self
    }

    /// The next epoch begins: its committee attests from now on, also to the present root. What its predecessors had
    /// not certified they never will.
    pub fn begin_epoch(&mut self, committee: Committee) {
        self.collected.clear();
        self.seat(committee);
    }

    /// Puts another committee in the place of the one that attests.
    pub fn seat(&mut self, committee: Committee) {
        self.committee = self.committee.is_some().then_some(committee);
    }

    /// This validator's word on the present root, when it is one that is attested to.
    pub fn attest_present(&self, key: &SigningKey) -> Option<Attestation> {
        let committee = self.committee.as_ref().filter(|_| self.is_due(self.state.commit()))?;
        let (commit, root) = *self.roots.back()?;
        Some(Attestation::sign(committee.epoch(), commit, root, key))
    }

    /// The execution that comes after these commits.
    pub(crate) fn at(state: State, tree: Map, (roots, collected, latest): Attested) -> Self {
        Self { state, tree, committee: None, attest_every: 1, roots, collected, latest }
    }

    /// Goes on from what another validator of the network saved, or stays as it is.
    pub fn adopt(&mut self, genesis: &Genesis, bytes: &[u8]) -> Result<(), SnapshotError> {
        let network = self.state.parameters().network;
        let adopted = Self::restore(genesis, network, bytes)?;
        let (committee, attest_every) = (self.committee.take(), self.attest_every);
        *self = Self { committee, attest_every, ..adopted };
        Ok(())
    }

    /// The latest roots, what is collected for them, and the last certificate, to be saved.
    pub(crate) fn attested(&self) -> (&Roots, &BTreeMap<u64, Collected>, &Option<Certificate>) {
        let Self { state: _, tree: _, committee: _, attest_every: _, roots, collected, latest } = self;
        (roots, collected, latest)
    }

    /// Applies a commit. The caller hands them over in order and once.
    pub fn apply(&mut self, payload: &CommittedPayload) -> Executed {
        self.apply_read(payload, Reading::of(payload))
    }

    /// Applies a commit that has been read.
    pub fn apply_read(&mut self, payload: &CommittedPayload, reading: Reading) -> Executed {
        let commit = payload.commit.index;
        let mut events = Vec::new();
        apply_read(&mut self.state, (payload, reading), &mut events);
        let mut changes = Changes::new();
        self.state.take_changes(|key, value| changes.add(key.path(), value.as_deref()));
        self.tree.update(changes);
        let root = self.tree.root();
        self.roots.push_back((commit, root));
        if self.roots.len() > OPEN_COMMITS_MAX {
            self.roots.pop_front();
        }
        let certificates = self.collect(payload);
        let checked = if commit.is_multiple_of(CHECK_EVERY) { self.state.check_money() } else { Ok(()) };
        let broken_invariant =
            checked.err().map(|broken| broken.to_string()).or_else(|| self.needs_upgrade());
        Executed { commit, root, events, certificates, broken_invariant }
    }

    /// Why this program cannot execute the next commit, if it cannot: the rules are of a version that it does not know.
    fn needs_upgrade(&self) -> Option<String> {
        let next = self.state.commit().saturating_add(1);
        let (need, have) = (self.state.version_at(next), exchange::VERSION);
        (need > have)
            .then(|| format!("commit {next} needs version {need} of the rules, this program has {have}"))
    }

    /// This validator's word on a root, when the commit is one that is attested to.
    pub fn attest(&self, executed: &Executed, key: &SigningKey) -> Option<Attestation> {
        let committee = self.committee.as_ref()?;
        self.is_due(executed.commit)
            .then(|| Attestation::sign(committee.epoch(), executed.commit, executed.root, key))
    }

    /// Whether the present root is one that is attested to: only of those there can be certificates.
    pub fn is_attested(&self) -> bool {
        self.committee.is_some() && self.is_due(self.state.commit())
    }

    fn is_due(&self, commit: u64) -> bool {
        commit > 0 && commit.is_multiple_of(self.attest_every)
    }

    /// The root after a commit, while it is remembered.
    pub fn root(&self, commit: u64) -> Option<Digest> {
        let first = self.roots.front()?.0;
        let place = usize::try_from(commit.checked_sub(first)?).ok()?;
        self.roots.get(place).map(|(_, root)| *root)
    }

    /// The last certified root.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.latest.as_ref()
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// A proof of a leaf against the present root, with the root.
    pub fn prove(&self, key: &exchange::leaf::LeafKey) -> (Digest, Proof) {
        (self.tree.root(), self.tree.prove(key.path()))
    }

    fn collect(&mut self, payload: &CommittedPayload) -> Vec<Certificate> {
        let Some(committee) = self.committee.clone() else { return Vec::new() };
        let mut certificates = Vec::new();
        for block in &payload.blocks {
            for attestation in &block.attestations {
                certificates.extend(self.count(&committee, block.reference.author, attestation));
            }
        }
        while self.collected.len() > OPEN_COMMITS_MAX {
            self.collected.pop_first();
        }
        certificates
    }

    fn count(&mut self, committee: &Committee, author: Author, it: &Attestation) -> Option<Certificate> {
        let known = self.roots.front().is_some_and(|(first, _)| it.commit >= *first);
        if !known || it.commit > self.state.commit() {
            return None;
        }
        let collected = self.collected.entry(it.commit).or_default();
        let votes = collected.votes.entry(it.root).or_default();
        if collected.certified || votes.contains_key(&author) || !it.verify(committee, author) {
            return None;
        }
        votes.insert(author, RootSignature { author, signature: it.signature });
        let mut tally = Tally::new();
        for author in votes.keys() {
            tally.add(committee, *author);
        }
        if !tally.is_quorum(committee) {
            return None;
        }
        let signatures = List::new(votes.values().copied().collect())?;
        collected.certified = true;
        let certificate =
            Certificate { epoch: committee.epoch(), commit: it.commit, root: it.root, signatures };
        if self.latest.as_ref().is_none_or(|latest| latest.commit < certificate.commit) {
            self.latest = Some(certificate.clone());
        }
        Some(certificate)
    }
}
