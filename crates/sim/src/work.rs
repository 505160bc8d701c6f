//! The users of a run: deposits, orders, cancels, observations, all signed, so that the whole exchange runs
//! under the network's adversary.
//!
//! Invariant: every transaction is different, so that an ordered one can be told from every other.

use commonware_codec::Encode;
use crypto::{Digest, SigningKey};
use exchange::{Genesis, genesis};
use num::{Cash, Lots, Side, Ticks, Timestamp};
use wire::{
    AccountId, Action, Atomicity, InstrumentId, Intent, Label, List, NewOrder, OrderKind, PostOnly,
    ReduceOnly, TimeInForce, Transaction, UnderlyingId,
};

use crate::{random::Random, setup::Executes};

const USERS: u64 = 5;
/// 2026-08-08T00:00:00Z.
const START_MS: u64 = 1_786_147_200_000;
const PRICE_USD: i64 = 64_000;

/// Where transactions come from.
#[derive(Debug)]
pub(crate) enum Work {
    /// The users of an exchange.
    Intents(Box<Users>),
    /// Bytes that mean nothing, for runs that are about their order only.
    Bytes { made: u64, each: usize },
}

/// A source of signed intents.
#[derive(Debug)]
pub(crate) struct Users {
    genesis: Genesis,
    users: Vec<SigningKey>,
    reporters: Vec<SigningKey>,
    made: u64,
}

/// The network that all runs of the simulator are on.
pub(crate) fn network() -> Digest {
    Digest::of("clockless sim network", b"")
}

impl Work {
    pub(crate) fn new(executes: Executes, random: &mut Random) -> Self {
        match executes {
            Executes::Exchange => Self::Intents(Box::new(Users::new(random))),
            Executes::Nothing => Self::Bytes { made: 0, each: 64 },
        }
    }

    /// Bytes of that size, in words of eight.
    pub(crate) fn of_size(bytes: u64) -> Self {
        Self::Bytes { made: 0, each: usize::try_from(bytes).unwrap_or(64) }
    }

    /// The genesis of the exchange that the transactions are for.
    pub(crate) const fn genesis(&self) -> Option<&Genesis> {
        match self {
            Self::Intents(users) => Some(&users.genesis),
            Self::Bytes { .. } => None,
        }
    }

    /// The next transaction.
    pub(crate) fn next(&mut self, random: &mut Random) -> Transaction {
        match self {
            Self::Intents(users) => users.next(random),
            Self::Bytes { made, each } => {
                *made += 1;
                let bytes = made.to_be_bytes().repeat(*each / 8);
                Transaction::new(bytes).expect("invariant: so many bytes fit a transaction")
            }
        }
    }
}

impl Users {
    fn new(random: &mut Random) -> Self {
        let users = (0..USERS).map(|_| SigningKey::from_bytes(random.bytes())).collect();
        let reporters: Vec<SigningKey> = (0..4).map(|_| SigningKey::from_bytes(random.bytes())).collect();
        Self { genesis: genesis_of(&reporters), users, reporters, made: 0 }
    }

    fn next(&mut self, random: &mut Random) -> Transaction {
        self.made += 1;
        let place = |of: u64| usize::try_from(of).unwrap_or(0);
        if self.made <= USERS {
            let user = self.users[place(self.made - 1)].clone();
            return self.sign(&user, vec![Action::Faucet { amount: Cash::from_micros(1_000_000_000_000) }]);
        }
        if random.chance(8) {
            let reporter = self.reporters[place(random.below(4))].clone();
            let price = Cash::from_micros((PRICE_USD + signed(random, 500)) * Cash::SCALE);
            let observed_at = Timestamp::from_millis(START_MS + random.below(60_000));
            return self
                .sign(&reporter, vec![Action::Observe { underlying: UnderlyingId(0), price, observed_at }]);
        }
        let user = self.users[place(random.below(USERS))].clone();
        let count = random.between(1, 6);
        let actions = (0..count).map(|_| action(random)).collect();
        self.sign(&user, actions)
    }

    fn sign(&self, key: &SigningKey, actions: Vec<Action>) -> Transaction {
        let intent = Intent {
            network: network(),
            account: AccountId { owner: key.public_key(), subaccount: 0 },
            key: key.public_key(),
            nonce: self.made,
            valid_until: Timestamp::MAX,
            after: None,
            atomicity: if self.made.is_multiple_of(7) {
                Atomicity::AllOrNothing
            } else {
                Atomicity::Independent
            },
            actions: List::new(actions).unwrap_or_default(),
        };
        Transaction::new(intent.sign(key).encode()).expect("invariant: a few actions fit a transaction")
    }
}

fn action(random: &mut Random) -> Action {
    if random.chance(6) {
        return Action::CancelAll { instrument: None };
    }
    let (instrument, around) = if random.chance(2) { (0, 2 * PRICE_USD) } else { (1, 1_500) };
    let order = NewOrder {
        instrument: InstrumentId(instrument),
        side: if random.chance(2) { Side::Buy } else { Side::Sell },
        lots: Lots::new(random.between(1, 40)),
        kind: OrderKind::Limit { price: Ticks::new(around + signed(random, 30)) },
        time_in_force: if random.chance(4) {
            TimeInForce::ImmediateOrCancel
        } else {
            TimeInForce::GoodTilCancelled
        },
        post_only: if random.chance(4) { PostOnly::Reject } else { PostOnly::Off },
        reduce_only: ReduceOnly::Off,
        label: Label::default(),
    };
    Action::Place { order }
}

fn signed(random: &mut Random, most: u64) -> i64 {
    let size = i64::try_from(random.between(0, most)).unwrap_or(0);
    if random.chance(2) { size } else { -size }
}

fn genesis_of(reporters: &[SigningKey]) -> Genesis {
    let expiry_ms = START_MS + 20 * num::DAY_MS + 8 * num::HOUR_MS;
    let reporter = |key: &SigningKey| genesis::Reporter { key: key.public_key().to_string(), weight: 1 };
    let smile = [(50_000, 650), (64_000, 500), (80_000, 550)];
    let node = |(strike, volatility): (i64, i64)| genesis::Node {
        strike_micros: strike * Cash::SCALE,
        volatility_billionths: volatility * 1_000_000,
    };
    Genesis {
        start_ms: START_MS,
        faucet: genesis::Faucet::Open { micros_max: 1_000_000_000_000_000 },
        insurance_micros: 1_000_000_000_000,
        oracle: genesis::OracleGenesis {
            reporters: reporters.iter().map(reporter).collect(),
            quorum: 3,
            age_ms_max: 60_000,
            lead_ms_max: 100_000_000_000_000,
        },
        underlyings: vec![genesis::UnderlyingGenesis {
            pool: 0,
            symbol: "BTC".to_owned(),
            index_micros: PRICE_USD * Cash::SCALE,
            option: genesis::Units { tick_micros: 1_000_000, lot_billionths: 10_000_000 },
            future: genesis::Units { tick_micros: 500_000, lot_billionths: 1_000_000 },
            surfaces: vec![genesis::Surface {
                expiry_ms,
                forward_billionths: num::Fix::SCALE,
                nodes: smile.into_iter().map(node).collect(),
            }],
        }],
        instruments: vec!["BTC_USDC-PERPETUAL".to_owned(), "BTC_USDC-28AUG26-70000-C".to_owned()],
        ..Genesis::with_usual_parameters()
    }
}
