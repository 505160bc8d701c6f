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
    Author, Blob, CommittedPayload, Committee, CommitteeChange, Letter, List, Member, SignedCommitteeChange,
    Successor, Transaction,
};

const NETWORK: Digest = Digest([7; 32]);

fn secret(number: u16) -> [u8; 32] {
    Digest::of("clockless test successor", &number.to_le_bytes()).0
}

fn key(number: u16) -> SigningKey {
    SigningKey::from_bytes(secret(number))
}

fn opening(number: u16) -> OpeningKey {
    OpeningKey::from_secret(&secret(number))
}

fn governance() -> SigningKey {
    key(999)
}

fn settings(number: u16) -> Settings {
    Settings {
        network: NETWORK,
        governance: governance().public_key(),
        parameters: Parameters {
            wave_length: 4,
            leaders_per_round: 2,
            gc_depth: 60,
            checkpoint_rounds: 1_000_000,
        },
        pacing: Pacing::default(),
        key: key(number),
        opening: opening(number),
        seed: secret(number),
    }
}

fn change(epoch: u64, members: &[u16]) -> SignedCommitteeChange {
    let member =
        |it: &u16| Successor { key: key(*it).public_key(), sealing: opening(*it).sealing_key(), stake: 1 };
    let members = List::new(members.iter().map(member).collect()).unwrap();
    CommitteeChange { network: NETWORK, epoch, members }.sign(&governance())
}

struct Node {
    succession: Succession,
    logs: BTreeMap<u64, Vec<(u64, Record)>>,
    commits: Vec<CommittedPayload>,
    /// How many commits it has read that others published.
    followed: usize,
    /// The eras it has seen, with its share of each.
    eras: Vec<(Era, Option<ThresholdShare>)>,
    finals: BTreeSet<u64>,
}

/// Validators by number, whichever committee they are in; letters arrive in any order.
struct Net {
    nodes: BTreeMap<u16, Node>,
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
        let era = Era {
            committee: Committee::new(1, committee).unwrap(),
            sealing: members.iter().map(|it| opening(*it).sealing_key()).collect(),
            key: coin,
        };
        let mut net = Self { nodes: BTreeMap::new(), flight: Vec::new(), now: 1_000_000, seed };
        let shares = shares.into_iter().map(Some).chain(std::iter::repeat(None));
        for (number, share) in members.iter().chain(others).zip(shares) {
            let succession = Succession::new(settings(*number), era.clone(), share.clone()).unwrap();
            let eras = vec![(era.clone(), share)];
            let (logs, commits, finals) = (BTreeMap::new(), Vec::new(), BTreeSet::new());
            net.nodes.insert(*number, Node { succession, logs, commits, followed: 0, eras, finals });
        }
        for number in net.numbers() {
            net.with(number, |it, now, out| it.start(now, out));
        }
        net
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
        self.numbers().into_iter().find(|it| key(*it).public_key() == key_of).unwrap()
    }

    /// The members of an epoch that this node knows of, in their order.
    fn members(&self, number: u16, epoch: u64) -> Vec<u16> {
        let eras = &self.nodes[&number].eras;
        let (era, _) = eras.iter().find(|(era, _)| era.epoch() == epoch).unwrap();
        era.committee.authors().map(|it| self.number_of(era.committee.key(it).unwrap())).collect()
    }

    fn perform(&mut self, number: u16, effect: Effect) {
        let node = self.nodes.get_mut(&number).unwrap();
        match effect {
            Effect::Agreement { epoch, output } => self.perform_output(number, epoch, output),
            Effect::Submit(transaction) => {
                let to = self.members(number, self.nodes[&number].succession.era().epoch())[1];
                self.submit(to, u64::from(number) + 1_000_000, transaction);
            }
            Effect::Ask(message) => {
                let all = self.numbers().into_iter().filter(|to| *to != number);
                self.flight.extend(all.map(|to| (number, to, Letter::Ceremony { message: message.clone() })));
            }
            Effect::Answer { to, message } => {
                let to = self.number_of(to);
                self.flight.push((number, to, Letter::Ceremony { message }));
            }
            Effect::Blame(blame) => panic!("validator {number} blames {}", blame.dealer),
            Effect::Began { era, after } => {
                assert_eq!(after, node.commits.last().unwrap().commit.index);
                node.eras.push((era, None));
            }
            Effect::Share { epoch, share } => {
                let (era, own) = node.eras.last_mut().unwrap();
                assert_eq!(era.epoch(), epoch);
                *own = Some(share);
            }
        }
    }

    fn perform_output(&mut self, number: u16, epoch: u64, output: Output) {
        let node = self.nodes.get_mut(&number).unwrap();
        match output {
            Output::Persist { section, record } => {
                node.logs.entry(epoch).or_default().push((section, record));
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
            Output::Final { ticket, .. } => drop(node.finals.insert(ticket)),
            Output::Accepted { .. } | Output::WakeAt(_) => {}
            other => panic!("validator {number}: {other:?}"),
        }
    }

    fn submit(&mut self, number: u16, ticket: u64, transaction: Transaction) {
        let epoch = self.nodes[&number].succession.era().epoch();
        let input = Input::Submit { client: 0, ticket, transaction };
        self.with(number, |it, now, out| it.step(now, (epoch, input), out));
    }

    /// Delivers what is on its way; those without a part in the epoch read on; then five milliseconds pass.
    fn turn(&mut self) {
        while !self.flight.is_empty() {
            let next = self.random(self.flight.len());
            let (from, to, letter) = self.flight.swap_remove(next);
            self.deliver(from, to, letter);
        }
        for number in self.numbers() {
            if !self.nodes[&number].succession.is_active() {
                self.follow(number);
            }
        }
        self.now += 5;
        for number in self.numbers() {
            let epoch = self.nodes[&number].succession.era().epoch();
            self.with(number, |it, now, out| it.step(now, (epoch, Input::Tick), out));
        }
    }

    fn deliver(&mut self, from: u16, to: u16, letter: Letter) {
        match letter {
            Letter::Agreement { epoch, message } => {
                let known = self.nodes[&to].eras.iter().any(|(era, _)| era.epoch() == epoch);
                if known {
                    let place = self.members(to, epoch).iter().position(|it| *it == from).unwrap();
                    let from = Author(u16::try_from(place).unwrap());
                    let input = Input::Message { from, message };
                    self.with(to, |it, now, out| it.step(now, (epoch, input), out));
                }
            }
            Letter::Ceremony { message } => self.with(to, |it, now, out| it.hear(now, &message, out)),
        }
    }

    /// Reads the next commit of another, who has it.
    fn follow(&mut self, number: u16) {
        let next = self.nodes[&number].commits.len();
        let payload = self.nodes.values().find_map(|other| other.commits.get(next)).cloned();
        if let Some(payload) = payload {
            let node = self.nodes.get_mut(&number).unwrap();
            node.commits.push(payload.clone());
            node.followed += 1;
            self.with(number, |it, now, out| it.follow(now, &payload, out));
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

    /// One chain for all, and every trade in it once.
    fn check(&self, submitted: &[(u16, u64, Transaction)]) {
        let longest =
            self.nodes.values().map(|node| &node.commits).max_by_key(|commits| commits.len()).unwrap();
        let mut before = Digest::ZERO;
        for (payload, index) in longest.iter().zip(1..) {
            assert_eq!((payload.commit.index, payload.commit.previous), (index, before));
            before = payload.commit.digest();
        }
        for (number, node) in &self.nodes {
            assert_eq!(node.commits[..], longest[..node.commits.len()], "validator {number}");
        }
        let ordered: Vec<&Transaction> =
            longest.iter().flat_map(|it| it.blocks.iter()).flat_map(|it| it.transactions.iter()).collect();
        for (trader, ticket, transaction) in submitted {
            let times = ordered.iter().filter(|it| **it == transaction).count();
            assert_eq!(times, 1, "trade {ticket} of validator {trader}");
            assert!(self.nodes[trader].finals.contains(ticket), "trade {ticket} of validator {trader}");
        }
    }
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
        let transaction = change(epoch, &members).to_transaction().unwrap();
        net.submit(traders[0], 2_000_000 + epoch, transaction);
        net.trade_until(epoch, &traders, &mut submitted);
        // All who are members come to take part, also those who only read until now.
        for _ in 0..400 {
            net.turn();
        }
        for number in net.numbers() {
            let node = &net.nodes[&number];
            assert_eq!(node.succession.is_active(), members.contains(&number), "{number} in epoch {epoch}");
            assert_eq!(node.succession.era().epoch(), epoch);
            assert!(node.eras[0].0.key.has_same_public_as(&node.succession.era().key));
        }
        net.check(&submitted);
    }
    assert!(submitted.len() >= 10, "{} trades", submitted.len());
    assert!(net.nodes[&4].followed > 0);
}

#[test]
fn only_whoever_governs_changes_the_committee_and_only_to_the_next_epoch() {
    let mut net = Net::new(&[0, 1, 2, 3], &[], 1);
    let right = change(2, &[0, 1, 2, 3]);
    let forged = SignedCommitteeChange { signature: change(3, &[0]).signature, ..right.clone() };
    let elsewhere = CommitteeChange { network: Digest([8; 32]), ..right.change }.sign(&governance());
    for (ticket, wrong) in [(1, forged), (2, elsewhere), (3, change(3, &[0, 1])), (4, change(1, &[0]))] {
        net.submit(0, ticket, wrong.to_transaction().unwrap());
    }
    for _ in 0..300 {
        net.turn();
    }
    assert!((1..=4).all(|ticket| net.nodes[&0].finals.contains(&ticket)));
    assert!(net.nodes.values().all(|node| node.succession.era().epoch() == 1));
}

#[test]
fn a_restart_in_the_middle_of_a_handover_goes_on_from_the_log() {
    for moment in [3, 10, 20, 40] {
        let mut net = Net::new(&[0, 1, 2, 3], &[], moment);
        net.submit(0, 1, change(2, &[0, 1, 2, 3]).to_transaction().unwrap());
        for _ in 0..moment {
            net.turn();
        }
        let node = net.nodes.get_mut(&2).unwrap();
        let (era, share) = node.eras.last().cloned().unwrap();
        let mut again = Succession::new(settings(2), era.clone(), share).unwrap();
        let mut restored = Vec::new();
        for (section, record) in node.logs.get(&era.epoch()).cloned().unwrap_or_default() {
            again.restore(section, record, &mut restored);
        }
        node.succession = again;
        net.with(2, |it, now, out| it.start(now, out));
        net.trade_until(2, &[0, 1, 2, 3], &mut Vec::new());
    }
}
