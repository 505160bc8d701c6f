//! The exchange that is measured: two underlyings, 1,502 instruments, makers and traders with money.
//!
//! Invariant: everything is made from constants, so that two runs measure the same commits.

use commonware_codec::Encode;
use crypto::{CoinValue, Digest, SigningKey};
use exchange::{
    Genesis,
    genesis::{Faucet, Node, OracleGenesis, Reporter, Surface, UnderlyingGenesis, Units},
    name::{self, Contract, Right},
};
use num::{Cash, DAY_MS, Fix, HOUR_MS, Timestamp};
use wire::{
    AccountId, Action, Atomicity, Author, BlockRef, Commit, CommittedBlock, CommittedPayload, Intent, List,
    Round, Transaction,
};

use crate::failure::Failure;

/// 2026-08-08T00:00:00Z.
pub const START_MS: u64 = 1_786_147_200_000;
pub const REPORTERS: u64 = 4;
/// Days until each expiry, and strikes of each: 2 x 10 x 37 x 2 options.
const TERMS: [u64; 10] = [1, 2, 3, 6, 13, 20, 27, 48, 83, 139];
const STRIKES: i64 = 18;
/// Symbol, spot and distance between strikes in whole USD, units of options and of futures.
const UNDERLYINGS: [(&str, i64, i64, Units, Units); 2] = [
    ("BTC", 64_000, 1_000, units(1_000_000, 10_000_000), units(500_000, 1_000_000)),
    ("ETH", 2_000, 40, units(100_000, 100_000_000), units(50_000, 10_000_000)),
];

const fn units(tick_micros: i64, lot_billionths: i64) -> Units {
    Units { tick_micros, lot_billionths }
}

/// Someone who signs; its nonces count up.
pub struct Signer {
    key: SigningKey,
    nonce: u64,
}

/// Makes commits of one block: the exchange does not care who ordered what.
pub struct Builder {
    commit: u64,
    now_ms: u64,
}

impl Signer {
    pub fn new(group: u8, number: u64) -> Self {
        let mut secret = [group; 32];
        secret[..8].copy_from_slice(&number.to_be_bytes());
        Self { key: SigningKey::from_bytes(secret), nonce: 0 }
    }

    pub fn account(&self) -> AccountId {
        AccountId { owner: self.key.public_key(), subaccount: 0 }
    }

    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    pub const fn next_nonce(&mut self) -> u64 {
        self.nonce += 1;
        self.nonce
    }

    pub fn sign(&mut self, network: Digest, actions: Vec<Action>) -> Result<Transaction, Failure> {
        let nonce = self.next_nonce();
        let intent = Intent {
            network,
            account: self.account(),
            key: self.key.public_key(),
            nonce,
            valid_until: Timestamp::MAX,
            after: None,
            atomicity: Atomicity::Independent,
            actions: List::new(actions).ok_or_else(|| Failure::failed("more than 64 actions"))?,
        };
        let bytes = intent.sign(&self.key).encode();
        Transaction::new(bytes).ok_or_else(|| Failure::failed("a transaction is too large"))
    }
}

impl Builder {
    pub const fn new() -> Self {
        Self { commit: 0, now_ms: START_MS }
    }

    /// The next commit, so much later than the last.
    pub fn commit(
        &mut self,
        transactions: Vec<Transaction>,
        later_ms: u64,
    ) -> Result<CommittedPayload, Failure> {
        self.commit += 1;
        self.now_ms += later_ms;
        let payload = one_block(self.commit, Timestamp::from_millis(self.now_ms), transactions);
        payload.ok_or_else(|| Failure::failed("a block takes fewer transactions"))
    }
}

/// A commit of one block; `None` for more transactions than that takes.
pub fn one_block(index: u64, time: Timestamp, transactions: Vec<Transaction>) -> Option<CommittedPayload> {
    let digest = Digest::of("clockless bench block 2026", &index.to_be_bytes());
    let reference = BlockRef { round: Round(index), author: Author(0), digest };
    let block = CommittedBlock {
        reference,
        parents: List::default(),
        transactions: List::new(transactions)?,
        attestations: List::default(),
        evidence: List::default(),
    };
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: reference,
        time,
        coin: CoinValue([0; 48]),
        blocks: List::new(vec![reference])?,
    };
    Some(CommittedPayload { commit, blocks: List::new(vec![block])? })
}

/// 1,480 options, 20 futures, 2 perpetuals.
pub fn genesis() -> Genesis {
    let reporter =
        |number| Reporter { key: Signer::new(b'r', number).account().owner.to_string(), weight: 1 };
    let (mut instruments, mut underlyings) = (Vec::new(), Vec::new());
    for (symbol, spot, step, option, future) in UNDERLYINGS {
        instruments.push(name::format(symbol, &Contract::Perpetual));
        for expiry in expiries() {
            instruments.push(name::format(symbol, &Contract::Future { expiry }));
            for strike in strikes(spot, step) {
                let name = |right| name::format(symbol, &Contract::Option { expiry, strike, right });
                instruments.extend([Right::Call, Right::Put].map(name));
            }
        }
        underlyings.push(UnderlyingGenesis {
            symbol: symbol.to_owned(),
            pool: 0,
            index_micros: usd(spot).micros(),
            option,
            future,
            surfaces: expiries().map(|expiry| surface(expiry, (spot, step))).collect(),
        });
    }
    Genesis {
        start_ms: START_MS,
        faucet: Faucet::Open { micros_max: 1_000_000_000_000_000 },
        insurance_micros: 10_000_000_000_000,
        oracle: OracleGenesis {
            reporters: (0..REPORTERS).map(reporter).collect(),
            quorum: 3,
            age_ms_max: 60_000,
            lead_ms_max: 5_000,
        },
        underlyings,
        instruments,
        ..Genesis::with_usual_parameters()
    }
}

fn expiries() -> impl Iterator<Item = Timestamp> {
    TERMS.iter().map(|days| Timestamp::from_millis(START_MS + days * DAY_MS + 8 * HOUR_MS))
}

fn strikes(spot: i64, step: i64) -> impl Iterator<Item = Cash> {
    (-STRIKES..=STRIKES).map(move |place| usd(spot + place * step))
}

/// A smile: 50 % at the money, and 0.1 more for each step away, squared.
fn surface(expiry: Timestamp, (spot, step): (i64, i64)) -> Surface {
    let node = |(place, strike): (i64, Cash)| Node {
        strike_micros: strike.micros(),
        volatility_billionths: 500_000_000 + place * place * 1_000_000,
    };
    Surface {
        expiry_ms: expiry.millis(),
        forward_billionths: Fix::SCALE,
        nodes: (-STRIKES..).zip(strikes(spot, step)).map(node).collect(),
    }
}

pub fn usd(whole: i64) -> Cash {
    Cash::from_whole(whole).unwrap_or(Cash::ZERO)
}
