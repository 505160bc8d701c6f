//! Epoch 0 in one thread, from a seed: validators that come late, crash, stay silent, or lose their disk.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test cannot set up fails it")]

use crypto::{Coin, CoinValue, Digest, OpeningKey, SigningKey, ThresholdCoin, ThresholdKey, ThresholdShare};
use num::Timestamp;
use proptest::prelude::{ProptestConfig, any, proptest};
use replica::{
    agreement::{Input, Output, Pacing, Record},
    founding::{Effect, Founders, Founding, Past},
};
use wire::{Author, Committee, Letter, Member};

fn secret(author: u16) -> [u8; 32] {
    Digest::of("clockless test founder", &author.to_le_bytes()).0
}

struct Node {
    founding: Option<Founding>,
    log: Vec<(u64, Record)>,
    key: Option<ThresholdKey>,
    share: Option<ThresholdShare>,
}

/// Validators in epoch 0, and letters on their way, which the seed delivers in any order.
struct Net {
    nodes: Vec<Node>,
    flight: Vec<(u16, u16, Letter)>,
    now: u64,
    seed: u64,
}

impl Net {
    fn new(size: u16, seed: u64) -> Self {
        let node = |_| Node { founding: None, log: Vec::new(), key: None, share: None };
        Self { nodes: (0..size).map(node).collect(), flight: Vec::new(), now: 1_000_000, seed }
    }

    fn authors(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.nodes.len()).unwrap()
    }

    fn random(&mut self, below: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % below
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn founding(&self, author: u16) -> Founding {
        let key = |author| SigningKey::from_bytes(secret(author));
        let members = self.authors().map(|it| Member { key: key(it).public_key(), stake: 1 }).collect();
        let sealing = self.authors().map(|it| OpeningKey::from_secret(&secret(it)).sealing_key()).collect();
        let founders = Founders {
            network: Digest([7; 32]),
            committee: Committee::new(0, members).unwrap(),
            sealing,
            author: Author(author),
            pacing: Pacing::default(),
        };
        Founding::new(founders, key(author), OpeningKey::from_secret(&secret(author)), secret(author))
            .unwrap()
    }

    /// The first life, with a seed that was made just now.
    fn begin(&mut self, author: u16) {
        self.start_with(author, Past::None);
    }

    /// A new life from the log of the earlier ones.
    fn start(&mut self, author: u16) {
        self.start_with(author, Past::Unknown);
    }

    fn start_with(&mut self, author: u16, past: Past) {
        let mut founding = self.founding(author);
        for (section, record) in self.nodes[usize::from(author)].log.clone() {
            founding.restore(section, record);
        }
        let mut out = Vec::new();
        founding.start(self.time(), past, &mut out);
        self.nodes[usize::from(author)].founding = Some(founding);
        self.perform(author, out);
    }

    fn kill(&mut self, author: u16) {
        self.nodes[usize::from(author)].founding = None;
    }

    fn with(&mut self, author: u16, act: impl FnOnce(&mut Founding, Timestamp, &mut Vec<Effect>)) {
        let (now, mut out) = (self.time(), Vec::new());
        if let Some(founding) = &mut self.nodes[usize::from(author)].founding {
            act(founding, now, &mut out);
        }
        self.perform(author, out);
    }

    fn perform(&mut self, author: u16, effects: Vec<Effect>) {
        let others: Vec<u16> = self.authors().filter(|other| *other != author).collect();
        for effect in effects {
            let node = &mut self.nodes[usize::from(author)];
            match effect {
                Effect::Agreement(Output::Persist { section, record }) => node.log.push((section, record)),
                Effect::Agreement(Output::Send { to, message }) => {
                    self.flight.push((author, to.0, Letter::Agreement { epoch: 0, message }));
                }
                Effect::Agreement(Output::Broadcast { message }) => {
                    let letter = Letter::Agreement { epoch: 0, message };
                    self.flight.extend(others.iter().map(|to| (author, *to, letter.clone())));
                }
                Effect::Agreement(Output::WakeAt(_)) => {}
                Effect::Agreement(other) => panic!("validator {author}: {other:?}"),
                Effect::Ask(message) => {
                    let letter = Letter::Ceremony { message };
                    self.flight.extend(others.iter().map(|to| (author, *to, letter.clone())));
                }
                Effect::Answer { to, message } => {
                    self.flight.push((author, to.0, Letter::Ceremony { message }));
                }
                Effect::Blame(blame) => panic!("validator {author} blames {}", blame.dealer),
                Effect::Key(key) => assert_eq!(*node.key.get_or_insert(key.clone()), key),
                Effect::Share(share) => assert_eq!(*node.share.get_or_insert(share.clone()), share),
            }
        }
    }

    /// Delivers everything that is on its way, in any order; then five milliseconds pass.
    fn turn(&mut self) {
        while !self.flight.is_empty() {
            let next = self.random(self.flight.len());
            let (from, to, letter) = self.flight.swap_remove(next);
            match letter {
                Letter::Agreement { message, .. } => {
                    let input = Input::Message { from: Author(from), message };
                    self.with(to, |founding, now, out| founding.step(now, input, out));
                }
                Letter::Ceremony { message } => {
                    self.with(to, |founding, now, out| founding.hear(now, &message, out));
                }
                Letter::FetchChanges { .. } | Letter::Changes { .. } => {}
            }
        }
        self.now += 5;
        self.authors().for_each(|author| self.with(author, |it, now, out| it.step(now, Input::Tick, out)));
    }

    /// Until these have their shares.
    fn run(&mut self, authors: &[u16]) {
        let mut turns = 0;
        while authors.iter().any(|author| self.nodes[usize::from(*author)].share.is_none()) {
            self.turn();
            turns += 1;
            assert!(turns < 3_000, "no key after {turns} turns");
        }
    }

    /// The coin of a wave, which must be the same by every quorum of the given validators.
    fn coin(&self, authors: &[u16]) -> CoinValue {
        let coin = |author: &u16| {
            let node = &self.nodes[usize::from(*author)];
            ThresholdCoin::new(node.key.clone().unwrap(), node.share.clone().unwrap(), 1).unwrap()
        };
        let coins: Vec<ThresholdCoin> = authors.iter().map(coin).collect();
        let shares: Vec<_> =
            authors.iter().zip(&coins).map(|(author, coin)| (*author, coin.share(3))).collect();
        let value = coins[0].recover(3, &shares).unwrap();
        assert_eq!(coins[coins.len() - 1].recover(3, &shares[1..]).unwrap_or(value), value);
        value
    }
}

#[test]
fn a_network_founds_itself_and_goes_quiet() {
    for size in [1u16, 4, 7] {
        let mut net = Net::new(size, 1);
        net.authors().for_each(|author| net.begin(author));
        let all: Vec<u16> = net.authors().collect();
        net.run(&all);
        net.coin(&all);
        for _ in 0..300 {
            net.turn();
        }
        let logs: Vec<usize> = net.nodes.iter().map(|node| node.log.len()).collect();
        for _ in 0..300 {
            net.turn();
        }
        assert_eq!(logs, net.nodes.iter().map(|node| node.log.len()).collect::<Vec<_>>(), "{size}");
    }
}

#[test]
fn a_validator_that_comes_when_all_is_over_finds_its_share() {
    let mut net = Net::new(4, 2);
    (0..3).for_each(|author| net.begin(author));
    net.run(&[0, 1, 2]);
    let value = net.coin(&[0, 1, 2]);
    net.begin(3);
    net.run(&[3]);
    assert_eq!(net.coin(&[1, 2, 3]), value);
    // A lost disk is no loss: the key file and the others are enough.
    net.kill(2);
    net.nodes[2].log.clear();
    net.nodes[2].share = None;
    net.start(2);
    net.run(&[2]);
    assert_eq!(net.coin(&[0, 2, 3]), value);
}

#[test]
fn everybody_killed_at_any_moment_comes_to_the_same_key() {
    for moment in [1, 4, 8, 12, 20, 40] {
        let mut net = Net::new(4, moment);
        net.authors().for_each(|author| net.begin(author));
        for _ in 0..moment {
            net.turn();
        }
        net.flight.clear();
        net.authors().for_each(|author| net.kill(author));
        net.authors().for_each(|author| net.start(author));
        net.run(&[0, 1, 2, 3]);
        let value = net.coin(&[0, 1, 2, 3]);
        // And once more when all is over.
        net.authors().for_each(|author| net.kill(author));
        net.authors().for_each(|author| net.start(author));
        assert_eq!(net.coin(&[0, 1, 2, 3]), value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn crashes_one_after_another_do_not_matter(seed in any::<u64>()) {
        let mut net = Net::new(4, seed);
        net.authors().for_each(|author| net.begin(author));
        for _ in 0..4 {
            let down = u16::try_from(net.random(4)).unwrap();
            net.kill(down);
            for _ in 0..net.random(12) {
                net.turn();
            }
            net.start(down);
            for _ in 0..net.random(6) {
                net.turn();
            }
        }
        net.run(&[0, 1, 2, 3]);
        net.coin(&[0, 1, 2, 3]);
    }
}
