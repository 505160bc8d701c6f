//! Committees that change while others trade: one chain of commits, nothing ordered twice, nothing lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test cannot set up fails it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use crypto::{Digest, OpeningKey, PublicKey, SigningKey, ThresholdShare, deal};
use num::Timestamp;
use ordering::Parameters;
use replica::{
    agreement::{Input, Output, Pacing, Record},
    succession::{Effect, Era, Settings, Succession},
};
use wire::{
    Blob, CommittedPayload, Committee, CommitteeChange, CommitteeVote, Letter, List, Member, Snapshot,
    Successor, Transaction, committee_after,
};

const NETWORK: Digest = Digest([7; 32]);
/// So few that a handover lasts for several checkpoints.
const CHECKPOINT_ROUNDS: u64 = 4;

fn secret(number: u16) -> [u8; 32] {
    Digest::of("clockless test successor", &number.to_le_bytes()).0
}

fn key(number: u16) -> SigningKey {
    SigningKey::from_bytes(secret(number))
}

fn opening(number: u16) -> OpeningKey {
    OpeningKey::from_secret(&secret(number))
}

fn settings(number: u16, genesis: &Committee, share: Option<ThresholdShare>) -> Settings {
    Settings {
        network: NETWORK,
        genesis: genesis.clone(),
        parameters: Parameters {
            wave_length: 4,
            leaders_per_round: 2,
            gc_depth: 60,
            checkpoint_rounds: CHECKPOINT_ROUNDS,
        },
        pacing: Pacing::default(),
        key: key(number),
        opening: opening(number),
        seed: secret(number),
        shares: share.map(|share| (genesis.epoch(), share)).into_iter().collect(),
    }
}

fn change(epoch: u64, members: &[u16]) -> CommitteeChange {
    let member = |it: &u16| Successor {
        key: key(*it).public_key(),
        sealing: opening(*it).sealing_key(),
        stake: 1,
        endpoint: None,
        workers: List::default(),
    };
    let members = List::new(members.iter().map(member).collect()).unwrap();
    CommitteeChange { network: NETWORK, epoch, members }
}

/// What is on a validator's disk.
#[derive(Clone, Default)]
struct Disk {
    snapshot: Option<Snapshot>,
    logs: BTreeMap<u64, Vec<(u64, Record)>>,
}

struct Node {
    succession: Succession,
    settings: Settings,
    disk: Disk,
    /// From commit `1 + skipped` on.
    commits: Vec<CommittedPayload>,
    skipped: usize,
    /// The committees that it has links with.
    linked: BTreeMap<u64, Committee>,
    left: Option<u64>,
    /// Of all lives: what it has said to be durable, and to be ordered.
    accepted: BTreeSet<u64>,
    finals: BTreeSet<u64>,
    /// Submitted in this life, and not final yet.
    waiting: BTreeSet<u64>,
}

/// Validators by number, whichever committee they are in; letters arrive in any order.
struct Net {
    nodes: BTreeMap<u16, Node>,
    first: Era,
    flight: Vec<(u16, u16, Letter)>,
    now: u64,
    seed: u64,
}

impl Net {
    /// Epoch 1 of these members, and others who are not there yet.
    fn new(members: &[u16], others: &[u16], seed: u64) -> Self {
        let rng = crypto::seeded(&[1; 32], &NETWORK);
        let (coin, shares) = deal(rng, NonZeroU32::new(u32::try_from(members.len()).unwrap()).unwrap());
        let committee = members.iter().map(|it| Member { key: key(*it).public_key(), stake: 1 }).collect();
        let first = Era { committee: Committee::new(1, committee).unwrap(), key: Some(coin) };
        let mut net = Self { nodes: BTreeMap::new(), first, flight: Vec::new(), now: 1_000_000, seed };
        let shares = shares.into_iter().map(Some).chain(std::iter::repeat(None));
        for (number, share) in members.iter().chain(others).zip(shares) {
            net.add(*number, settings(*number, &net.first.committee, share), Disk::default());
        }
        net
    }

    /// A validator that starts with what is on its disk. Who has no share of the first epoch is new.
    fn add(&mut self, number: u16, settings: Settings, disk: Disk) {
        let key = self.first.key.clone().filter(|_| settings.shares.contains_key(&1));
        let mut succession = match &disk.snapshot {
            Some(snapshot) => Succession::resume(settings.clone(), snapshot, snapshot.publish()).unwrap(),
            None => Succession::new(settings.clone(), key).unwrap(),
        };
        let mut restored = Vec::new();
        loop {
            let log = disk.logs.get(&succession.era().epoch()).cloned().unwrap_or_default();
            log.into_iter().for_each(|(section, record)| succession.restore(section, record, &mut restored));
            if !succession.turn(&mut restored).unwrap() {
                break;
            }
        }
        let linked = BTreeMap::from([
            (1, self.first.committee.clone()),
            (succession.era().epoch(), succession.era().committee.clone()),
        ]);
        let skipped = disk.snapshot.as_ref().map_or(0, |it| usize::try_from(it.checkpoint.index).unwrap());
        let commits = restored.into_iter().filter_map(|effect| match effect {
            Effect::Agreement { output: Output::Commit(payload), .. } => Some(payload),
            _ => None,
        });
        let node = Node {
            succession,
            settings,
            disk,
            commits: commits.collect(),
            skipped,
            linked,
            left: None,
            accepted: BTreeSet::new(),
            finals: BTreeSet::new(),
            waiting: BTreeSet::new(),
        };
        self.nodes.insert(number, node);
        self.with(number, |it, now, out| it.start(now, out));
    }

    /// kill -9, and again from the disk.
    fn restart(&mut self, number: u16) {
        let Node { settings, disk, accepted, finals, .. } = self.nodes.remove(&number).unwrap();
        self.add(number, settings, disk);
        let node = self.nodes.get_mut(&number).unwrap();
        (node.accepted, node.finals) = (accepted, finals);
    }

    fn numbers(&self) -> Vec<u16> {
        self.nodes.keys().copied().collect()
    }

    fn random(&mut self, below: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % below
    }

    fn with(&mut self, number: u16, act: impl FnOnce(&mut Succession, Timestamp, &mut Vec<Effect>)) {
        let mut out = Vec::new();
        let now = Timestamp::from_millis(self.now);
        act(&mut self.nodes.get_mut(&number).unwrap().succession, now, &mut out);
        out.into_iter().for_each(|effect| self.perform(number, effect));
    }

    fn number_of(&self, key_of: PublicKey) -> u16 {
        // Also of one that is not there yet.
        (0..64).find(|it| key(*it).public_key() == key_of).unwrap()
    }

    /// The members of an epoch that this node knows of, in their order.
    fn members(&self, number: u16, epoch: u64) -> Vec<u16> {
        let committee = &self.nodes[&number].linked[&epoch];
        committee.authors().map(|it| self.number_of(committee.key(it).unwrap())).collect()
    }

    fn perform(&mut self, number: u16, effect: Effect) {
        let node = self.nodes.get_mut(&number).unwrap();
        match effect {
            Effect::Agreement { epoch, output } => self.perform_output(number, epoch, output),
            Effect::Letter { to, letter } => {
                let to = to.map_or_else(|| self.numbers(), |to| vec![self.number_of(to)]);
                let others = to.into_iter().filter(|to| *to != number);
                self.flight.extend(others.map(|to| (number, to, letter.clone())));
            }
            Effect::Blame(blame) => panic!("validator {number} blames {}", blame.dealer),
            Effect::Checkpoint { checkpoint, lineage } => {
                assert_eq!(checkpoint.index, reached(node));
                let snapshot = Snapshot { checkpoint, lineage: *lineage, state: Blob::default() };
                let (reference, encoded) = snapshot.publish();
                node.disk.snapshot = Some(snapshot);
                self.with(number, |it, now, out| it.take(now, Input::Saved { reference, encoded }, out));
            }
            Effect::Began { seats, after } => {
                assert_eq!(after, reached(node));
                let proven = committee_after(NETWORK, &self.first.committee, &seats.changes).unwrap();
                assert_eq!(proven.epoch(), seats.committee.epoch());
                node.linked.insert(proven.epoch(), proven);
            }
            Effect::Linked(seats) => drop(node.linked.insert(seats.committee.epoch(), seats.committee)),
            Effect::Adopted { seats, snapshot, .. } => {
                node.skipped = usize::try_from(snapshot.checkpoint.index).unwrap();
                node.commits.clear();
                node.linked.insert(seats.committee.epoch(), seats.committee);
                node.disk.snapshot = Some(*snapshot);
            }
            Effect::Share { .. } => {}
            Effect::Left { epoch } => node.left = Some(epoch),
        }
    }

    fn perform_output(&mut self, number: u16, epoch: u64, output: Output) {
        let node = self.nodes.get_mut(&number).unwrap();
        match output {
            Output::Persist { section, record } => {
                node.disk.logs.entry(epoch).or_default().push((section, record));
            }
            Output::Send { to, message } => {
                let to = self.members(number, epoch)[usize::from(to.0)];
                self.flight.push((number, to, Letter::Agreement { epoch, message }));
            }
            Output::Broadcast { message } => {
                let others = self.members(number, epoch).into_iter().filter(|to| *to != number);
                self.flight.extend(
                    others.map(|to| (number, to, Letter::Agreement { epoch, message: message.clone() })),
                );
            }
            Output::Commit(payload) => node.commits.push(payload),
            Output::Accepted { ticket } => drop(node.accepted.insert(ticket)),
            Output::Final { ticket, .. } => {
                node.finals.insert(ticket);
                node.waiting.remove(&ticket);
            }
            Output::Cut { keep } => {
                node.disk.logs.entry(epoch).or_default().retain(|(section, _)| *section >= keep);
            }
            Output::Adopt { snapshot, .. } => {
                node.skipped = usize::try_from(snapshot.checkpoint.index).unwrap();
                node.commits.clear();
                node.disk.snapshot = Some(*snapshot);
            }
            Output::WakeAt(_) => {}
            other => panic!("validator {number}: {other:?}"),
        }
    }

    fn submit(&mut self, number: u16, ticket: u64, transaction: Transaction) {
        let input = Input::Submit { client: 0, ticket, transaction };
        self.nodes.get_mut(&number).unwrap().waiting.insert(ticket);
        self.with(number, |it, now, out| it.step(now, input, out));
    }

    /// These members vote for a change.
    fn vote(&mut self, voters: &[u16], change: &CommitteeChange) {
        for voter in voters {
            let vote = change.clone().vote(&key(*voter)).to_transaction().unwrap();
            self.submit(*voter, 2_000_000 + change.epoch, vote);
        }
    }

    /// Delivers what is on its way; then five milliseconds pass.
    fn turn(&mut self) {
        while !self.flight.is_empty() {
            let next = self.random(self.flight.len());
            let (from, to, letter) = self.flight.swap_remove(next);
            self.deliver(from, to, letter);
        }
        self.now += 5;
        for number in self.numbers() {
            self.with(number, |it, now, out| it.step(now, Input::Tick, out));
        }
    }

    fn deliver(&mut self, from: u16, to: u16, letter: Letter) {
        if self.nodes.contains_key(&to) {
            let from = key(from).public_key();
            self.with(to, |it, now, out| it.take_letter(now, &from, letter, out));
        }
    }

    /// Trades at these validators until all of them are in `epoch`.
    fn trade_until(&mut self, epoch: u64, traders: &[u16], submitted: &mut Vec<(u16, u64, Transaction)>) {
        for turn in 0.. {
            assert!(turn < 3_000, "epoch {epoch} never begins");
            let active = |it: &u16| {
                let succession = &self.nodes[it].succession;
                succession.era().epoch() == epoch && succession.is_active()
            };
            if traders.iter().all(active) {
                return;
            }
            let trader = traders[self.random(traders.len())];
            if turn % 2 == 0 && self.nodes[&trader].succession.is_active() {
                let ticket = u64::try_from(submitted.len()).unwrap();
                let transaction = Blob::new(format!("trade {ticket}").into_bytes()).unwrap();
                submitted.push((trader, ticket, transaction.clone()));
                self.submit(trader, ticket, transaction);
            }
            self.turn();
        }
    }

    /// One chain for all, and in it once every trade that was accepted; who was not killed has accepted all.
    fn check(&self, submitted: &[(u16, u64, Transaction)]) {
        let whole = self.nodes.values().filter(|node| node.skipped == 0);
        let longest = whole.map(|node| &node.commits).max_by_key(|commits| commits.len()).unwrap();
        let mut before = Digest::ZERO;
        for (payload, index) in longest.iter().zip(1..) {
            assert_eq!((payload.commit.index, payload.commit.previous), (index, before));
            before = payload.commit.digest();
        }
        for (number, node) in &self.nodes {
            let known = longest.len().min(node.skipped + node.commits.len()).saturating_sub(node.skipped);
            assert_eq!(node.commits[..known], longest[node.skipped..][..known], "validator {number}");
        }
        let ordered: Vec<&Transaction> =
            longest.iter().flat_map(|it| it.blocks.iter()).flat_map(|it| it.transactions.iter()).collect();
        for (trader, ticket, transaction) in submitted {
            let times = ordered.iter().filter(|it| **it == transaction).count();
            let node = &self.nodes[trader];
            let is_known = node.accepted.contains(ticket) || node.finals.contains(ticket);
            assert!(times <= 1, "trade {ticket} of validator {trader}: {times} times");
            assert!(times == 1 || !is_known, "trade {ticket} of validator {trader} is lost");
            assert!(!node.waiting.contains(ticket), "trade {ticket} of validator {trader} is never final");
        }
    }
}

/// The last commit of a validator.
fn reached(node: &Node) -> u64 {
    node.commits.last().map_or(u64::try_from(node.skipped).unwrap(), |last| last.commit.index)
}

#[test]
fn shares_are_refreshed_and_members_leave_and_join_while_others_trade() {
    let mut net = Net::new(&[0, 1, 2, 3], &[4], 1);
    let mut submitted = Vec::new();
    for (epoch, members, traders) in [
        (2, vec![0, 1, 2, 3], vec![0, 1, 2, 3]),
        (3, vec![1, 2, 3, 4], vec![1, 2, 3]),
        (4, vec![4, 3, 2, 1, 0], vec![1, 2, 3, 4]),
    ] {
        net.vote(&traders[..3], &change(epoch, &members));
        net.trade_until(epoch, &traders, &mut submitted);
        // All who are members come to take part, also those who begin at a snapshot.
        for _ in 0..400 {
            net.turn();
        }
        for number in members {
            let succession = &net.nodes[&number].succession;
            assert!(succession.is_active(), "{number} in epoch {epoch}");
            assert_eq!(succession.era().epoch(), epoch);
            let (first, key) = (net.first.key.as_ref().unwrap(), succession.era().key.as_ref().unwrap());
            assert!(first.has_same_public_as(key));
        }
        net.check(&submitted);
        if epoch == 3 {
            assert_eq!(net.nodes[&0].left, Some(3));
            assert!(net.nodes[&4].skipped > 0, "it came by a snapshot");
            // Whoever left comes back as somebody new.
            net.nodes.remove(&0);
            net.add(0, settings(0, &net.first.committee, None), Disk::default());
        }
    }
    assert!(submitted.len() >= 10, "{} trades", submitted.len());
}

#[test]
fn a_member_that_was_away_while_the_committee_changed_comes_by_a_snapshot() {
    let mut net = Net::new(&[0, 1, 2, 3, 4, 5, 6], &[], 2);
    let mut submitted = Vec::new();
    let away = net.nodes.remove(&6).unwrap();
    for epoch in [2, 3] {
        net.vote(&[0, 1, 2, 3, 4], &change(epoch, &[0, 1, 2, 3, 4, 5, 6]));
        net.trade_until(epoch, &[0, 1, 2, 3, 4, 5], &mut submitted);
    }
    net.add(6, away.settings, away.disk);
    net.trade_until(3, &[6], &mut submitted);
    for _ in 0..200 {
        net.turn();
    }
    assert!(net.nodes[&6].skipped > 0);
    submitted.push((6, 1_999_999, Blob::new(&b"I am back"[..]).unwrap()));
    net.submit(6, 1_999_999, submitted[submitted.len() - 1].2.clone());
    for _ in 0..200 {
        net.turn();
    }
    net.check(&submitted);
}

#[test]
fn only_a_quorum_of_members_changes_the_committee_and_only_to_the_next_epoch() {
    let mut net = Net::new(&[0, 1, 2, 3], &[], 1);
    let right = change(2, &[0, 1, 2, 3]);
    let stranger = right.clone().vote(&key(9));
    let forged = CommitteeVote { voter: key(2).public_key(), ..stranger.clone() };
    let elsewhere = CommitteeChange { network: Digest([8; 32]), ..right.clone() }.vote(&key(2));
    let votes = [
        right.clone().vote(&key(0)),
        right.clone().vote(&key(0)),
        right.clone().vote(&key(1)),
        stranger,
        forged,
        elsewhere,
        change(3, &[0, 1, 2, 3]).vote(&key(2)),
        change(2, &[0, 1, 8, 9]).vote(&key(2)),
        change(2, &[0, 1, 2, 9]).vote(&key(2)),
    ];
    for (ticket, vote) in (1..).zip(votes) {
        net.submit(0, ticket, vote.to_transaction().unwrap());
    }
    for _ in 0..300 {
        net.turn();
    }
    assert!((1..=9).all(|ticket| net.nodes[&0].finals.contains(&ticket)));
    assert!(net.nodes.values().all(|node| node.succession.era().epoch() == 1));
    net.vote(&[3], &right);
    net.trade_until(2, &[0, 1, 2, 3], &mut Vec::new());
}

#[test]
fn a_restart_in_the_middle_of_a_handover_goes_on_from_the_disk() {
    for moment in [1, 2, 3, 4, 5, 7, 10, 20, 40] {
        let mut net = Net::new(&[0, 1, 2, 3], &[], moment);
        // Before there are votes, so that snapshots hold a part of the handover.
        for _ in 0..moment * 7 {
            net.turn();
        }
        net.vote(&[1, 2, 3], &change(2, &[0, 1, 2, 3]));
        let mut submitted = Vec::new();
        for _ in 0..moment {
            net.turn();
        }
        net.restart(2);
        net.trade_until(2, &[0, 1, 2, 3], &mut submitted);
        net.restart(1);
        net.restart(2);
        net.trade_until(2, &[0, 1, 2, 3], &mut submitted);
        for _ in 0..100 {
            net.turn();
        }
        net.check(&submitted);
    }
}
