//! The language that DAGs are drawn in.
//!
//! Statements are lines, or parts of a line between semicolons:
//! ```text
//! stakes 1 1 1 1        members A, B, C, ... and their stake; four of stake 1 when absent
//! wave 5                rounds of a wave; leaders 1; gc 20
//! coin 3 DB             the first leaders of round 3; `coin * ABCD` for rounds not named (the default)
//! 1-4: A B C D          one block of each in each of the rounds
//! 5: A[B4] C[-B] C'     parents in brackets; a prime marks a twin
//! time A5 700           a timestamp in ms; 100 * round + place of the author when absent
//! share A5 wrong        a wrong coin share; `none` for an absent one
//! ```
//! A block without brackets has its own block of the round before first and the others after it by author.
//! `[A4 B' +...]`: parents in stored order, of the round before when no round is given. `[-B -C +D2]`: the
//! default without B and C, and an older link to D2 after it.
//!
//! Invariant: a drawing that is not understood panics with its statement.

use std::collections::BTreeMap;

use crypto::CoinShare;
use num::Timestamp;
use ordering::{Parameters, Vertex};
use wire::{Author, BlockRef, Round, Stake};

use crate::{
    coin::{right_share, value_for, wrong_share},
    dag::{Dag, committee, reference},
};

struct Drawing {
    stakes: Vec<Stake>,
    parameters: Parameters,
    leaders: BTreeMap<u64, Vec<u16>>,
    leaders_elsewhere: Vec<u16>,
    vertices: Vec<Vertex>,
}

/// The DAG that `text` draws.
pub fn draw(text: &str) -> Dag {
    let mut drawing = Drawing {
        stakes: vec![1; 4],
        parameters: Parameters { wave_length: 5, leaders_per_round: 1, gc_depth: 20, checkpoint_rounds: 16 },
        leaders: BTreeMap::new(),
        leaders_elsewhere: vec![0],
        vertices: Vec::new(),
    };
    for statement in text.split(['\n', ';']).map(str::trim).filter(|statement| !statement.is_empty()) {
        drawing.read(statement);
    }
    drawing.finish()
}

impl Drawing {
    fn read(&mut self, statement: &str) {
        if let Some((rounds, blocks)) = statement.split_once(':') {
            let (first, last) = rounds.split_once('-').unwrap_or((rounds, rounds));
            (number(first)..=number(last)).for_each(|round| self.layer(Round(round), blocks));
            return;
        }
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words[..] {
            ["stakes", ref stakes @ ..] => self.stakes = stakes.iter().map(|stake| number(stake)).collect(),
            ["wave", rounds] => self.parameters.wave_length = u8::try_from(number(rounds)).unwrap(),
            ["leaders", count] => self.parameters.leaders_per_round = u16::try_from(number(count)).unwrap(),
            ["gc", depth] => self.parameters.gc_depth = number(depth),
            ["coin", "*", leaders] => self.leaders_elsewhere = letters(leaders),
            ["coin", round, leaders] => drop(self.leaders.insert(number(round), letters(leaders))),
            ["time", block, millis] => self.block(block).timestamp = Timestamp::from_millis(number(millis)),
            ["share", block, "none"] => self.block(block).coin_share = None,
            ["share", block, "wrong"] => self.block(block).coin_share = Some(wrong_share(0)),
            _ => panic!("not understood: {statement}"),
        }
    }

    fn layer(&mut self, round: Round, blocks: &str) {
        for block in split_blocks(blocks) {
            let (name, parents) = block.split_once('[').unwrap_or((block, "-"));
            let (author, twin) = (author_of(name), name.matches('\'').count());
            let parents = self.parents(author, round, parents.trim_end_matches(']'));
            self.vertices.push(Vertex {
                reference: reference(author, round, twin),
                parents,
                timestamp: Timestamp::from_millis(100 * round.0 + u64::from(author.0)),
                coin_share: self.share(author, round),
            });
        }
    }

    fn share(&self, author: Author, round: Round) -> Option<CoinShare> {
        let wave =
            round.0.checked_sub(u64::from(self.parameters.wave_length) - 1).filter(|wave| *wave > 0)?;
        Some(right_share(author, wave))
    }

    fn parents(&self, author: Author, round: Round, text: &str) -> Vec<BlockRef> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let below = Round(round.0 - 1);
        if !words.iter().all(|word| word.starts_with(['-', '+'])) {
            return words.iter().map(|word| self.find(word, below)).collect();
        }
        let mut parents = self.default_parents(author, below);
        for word in words {
            match word.split_at(1) {
                ("-", "") => {}
                ("-", left_out) => parents.retain(|parent| parent.author != author_of(left_out)),
                (_, added) => parents.push(self.find(added, below)),
            }
        }
        parents
    }

    fn default_parents(&self, author: Author, below: Round) -> Vec<BlockRef> {
        let members = u16::try_from(self.stakes.len()).unwrap();
        let others = (0..members).map(Author).filter(|other| *other != author);
        let all = core::iter::once(author).chain(others).map(|author| reference(author, below, 0));
        all.filter(|parent| below == Round(0) || self.vertices.iter().any(|it| it.reference == *parent))
            .collect()
    }

    /// `B`, `B'`, `B2` or `B2'`.
    fn find(&self, name: &str, below: Round) -> BlockRef {
        let digits = name[1..].trim_end_matches('\'');
        let round = if digits.is_empty() { below } else { Round(number(digits)) };
        let found = reference(author_of(name), round, name.matches('\'').count());
        let known = self.vertices.iter().any(|vertex| vertex.reference == found);
        assert!(known || round == Round(0), "no block {name} under {below}");
        found
    }

    fn block(&mut self, name: &str) -> &mut Vertex {
        let found = self.find(name, Round(0));
        self.vertices.iter_mut().find(|vertex| vertex.reference == found).expect("found above")
    }

    fn finish(self) -> Dag {
        let members = u16::try_from(self.stakes.len()).unwrap();
        let elsewhere = value_for(&self.leaders_elsewhere, members);
        let highest = self.vertices.iter().map(|vertex| vertex.reference.round.0).max().unwrap_or(0);
        let coin = |round| self.leaders.get(&round).map_or(elsewhere, |leaders| value_for(leaders, members));
        Dag {
            committee: committee(&self.stakes),
            parameters: self.parameters,
            coins: (1..=highest).map(|round| (round, coin(round))).collect(),
            vertices: self.vertices,
        }
    }
}

fn split_blocks(text: &str) -> Vec<&str> {
    let mut inside = false;
    let between = |letter: char| {
        inside = letter == '[' || inside && letter != ']';
        letter == ' ' && !inside
    };
    text.split(between).filter(|block| !block.is_empty()).collect()
}

fn author_of(name: &str) -> Author {
    letters(&name[..1]).first().copied().map(Author).expect("a letter names an author")
}

fn letters(text: &str) -> Vec<u16> {
    text.bytes().map(|letter| u16::from(letter - b'A')).collect()
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("no number: {text}"))
}
