//! A small exchange for tests: two underlyings, a few instruments, users with keys, commits one by one.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod exotics;

use std::sync::OnceLock;

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::{CoinValue, Digest, SigningKey};
use exchange::{Genesis, Input, State, apply, snapshot::StateError};
use num::{Cash, Lots, Side, Ticks, Timestamp};
use wire::{
    AccountId, Action, Atomicity, Author, BlockRef, Commit, CommittedBlock, CommittedPayload, Conditions,
    Event, InstrumentId, Intent, Label, List, NewOrder, OrderKind, Outcome, PostOnly, ReduceOnly, Reject,
    Round, SignedIntent, TimeInForce, Transaction,
};

/// 2026-08-08T00:00:00Z.
pub const START_MS: u64 = 1_786_147_200_000;
pub const PERPETUAL: InstrumentId = InstrumentId(0);
pub const FUTURE: InstrumentId = InstrumentId(1);
pub const CALL: InstrumentId = InstrumentId(2);
pub const PUT: InstrumentId = InstrumentId(3);

/// 64,000 USD in ticks of half a dollar: the index of BTC.
pub const AT: i64 = 128_000;

pub fn label(text: &str) -> Label {
    Label::new(text.as_bytes().to_vec()).expect("a test's labels are short")
}

pub fn network() -> Digest {
    Digest::of("clockless test network", b"exchange")
}

pub fn genesis() -> Genesis {
    serde_json::from_str(include_str!("../data/genesis.json")).expect("the test's genesis is well formed")
}

pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes([seed; 32])
}

/// The main account of a key, made once: that is most of what a short test would spend.
pub fn account(seed: u8) -> AccountId {
    static ACCOUNTS: [OnceLock<AccountId>; 256] = [const { OnceLock::new() }; 256];
    let made = || AccountId { owner: key(seed).public_key(), subaccount: 0 };
    *ACCOUNTS[usize::from(seed)].get_or_init(made)
}

/// An exchange, commit by commit; every commit is followed by the check of all invariants.
pub struct Bench {
    pub state: State,
    pub events: Vec<Event>,
    pub now_ms: u64,
    nonce: u64,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A bench of a genesis that differs a little.
    pub fn with(change: impl FnOnce(&mut Genesis)) -> Self {
        let mut genesis = genesis();
        change(&mut genesis);
        let state = State::new(&genesis, network()).expect("the test's genesis is valid");
        Self { state, events: Vec::new(), now_ms: START_MS, nonce: 0 }
    }

    /// A bench on which users 1 to 5 have a million USDC each.
    pub fn funded() -> Self {
        Self::new().fund()
    }

    pub fn fund(self) -> Self {
        let mut bench = self;
        let deposits = (1..=5).map(|user| bench.intent(user, vec![faucet(1_000_000)])).collect();
        bench.commit(deposits);
        bench
    }

    /// User 2 is long with all he has, the price fell, and nobody bids: he is being liquidated.
    pub fn ruined() -> Self {
        Self::funded().ruin()
    }

    pub fn ruin(self) -> Self {
        let mut bench = self;
        bench.act(1, vec![sell(PERPETUAL, 63_000, AT)]);
        bench.act(2, vec![buy(PERPETUAL, 63_000, AT)]);
        bench.report(0, 58_700);
        bench
    }

    pub fn intent(&mut self, user: u8, actions: Vec<Action>) -> SignedIntent {
        self.intent_of(user, actions, Atomicity::Independent)
    }

    pub fn intent_of(&mut self, user: u8, actions: Vec<Action>, atomicity: Atomicity) -> SignedIntent {
        self.nonce += 1;
        let intent = Intent {
            network: network(),
            account: account(user),
            key: account(user).owner,
            nonce: self.nonce,
            valid_until: Timestamp::MAX,
            after: None,
            atomicity,
            actions: List::new(actions).expect("a test signs at most 64 actions"),
        };
        intent.sign(&key(user))
    }

    /// A number that no intent of this bench has, for an offer.
    pub fn next_nonce(&mut self) -> u64 {
        self.nonce += 1;
        self.nonce
    }

    /// Applies one commit of these intents and returns its events.
    #[expect(clippy::needless_pass_by_value, reason = "tests hand over what they have just made")]
    pub fn commit(&mut self, intents: Vec<SignedIntent>) -> Vec<Event> {
        self.commit_raw(intents.iter().map(Encode::encode).collect())
    }

    pub fn commit_raw(&mut self, transactions: Vec<Bytes>) -> Vec<Event> {
        self.now_ms += 10;
        let payload = payload(self.state.commit() + 1, self.now_ms, transactions);
        let mut events = Vec::new();
        apply(&mut self.state, &payload, &mut events);
        self.state.check_invariants().expect("the invariants hold after every commit");
        self.events.extend(events.iter().cloned());
        events
    }

    /// One user, some actions, one commit: the outcomes.
    pub fn act(&mut self, user: u8, actions: Vec<Action>) -> Vec<Outcome> {
        let intent = self.intent(user, actions);
        let events = self.commit(vec![intent]);
        outcomes(&events)
    }

    /// One action: its reject, if any.
    pub fn reject_of(&mut self, user: u8, action: Action) -> Option<Reject> {
        match self.act(user, vec![action]).into_iter().next() {
            Some(Outcome::Rejected { reject }) => Some(reject),
            _ => None,
        }
    }

    pub fn position(&self, user: u8, instrument: InstrumentId) -> i64 {
        let Some(index) = self.state.account_index(&account(user)) else { return 0 };
        let held = self.state.holdings(index).find(|(it, _)| it.id == instrument);
        held.map_or(0, |(_, holding)| holding.position.get())
    }

    pub fn balance(&self, user: u8) -> Cash {
        self.state.account_index(&account(user)).map_or(Cash::ZERO, |index| self.state.balance(index))
    }

    /// All four reporters say a price of an underlying, seen at the time of the last commit.
    pub fn report(&mut self, underlying: u16, usd: i64) -> Vec<Event> {
        let observed_at = Timestamp::from_millis(self.now_ms);
        let price = usdc(usd);
        let action = Action::Observe { underlying: wire::UnderlyingId(underlying), price, observed_at };
        let said = (201..=204).map(|user| self.intent(user, vec![action.clone()])).collect();
        self.commit(said)
    }
}

pub fn payload(index: u64, now_ms: u64, transactions: Vec<Bytes>) -> CommittedPayload {
    let digest = Digest::of("clockless test block", &index.to_be_bytes());
    let reference = BlockRef { round: Round(index), author: Author(0), digest };
    let transactions = transactions.into_iter().filter_map(Transaction::new).collect();
    let block = CommittedBlock {
        reference,
        parents: List::default(),
        transactions: List::new(transactions).expect("a test commits few transactions"),
        attestations: List::default(),
        evidence: List::default(),
    };
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: reference,
        time: Timestamp::from_millis(now_ms),
        coin: CoinValue([0; 48]),
        blocks: List::new(vec![reference]).expect("one block"),
    };
    CommittedPayload { commit, blocks: List::new(vec![block]).expect("one block") }
}

pub fn outcomes(events: &[Event]) -> Vec<Outcome> {
    let of = |event: &Event| match event {
        Event::Receipt { outcomes, .. } => outcomes.to_vec(),
        _ => Vec::new(),
    };
    events.iter().flat_map(of).collect()
}

pub fn usdc(whole: i64) -> Cash {
    Cash::from_whole(whole).expect("a test's amounts fit")
}

pub fn faucet(whole: i64) -> Action {
    Action::Faucet { amount: usdc(whole) }
}

pub fn limit(instrument: InstrumentId, side: Side, lots: u64, price: i64) -> NewOrder {
    NewOrder {
        instrument,
        side,
        lots: Lots::new(lots),
        kind: OrderKind::Limit { price: Ticks::new(price) },
        time_in_force: TimeInForce::GoodTilCancelled,
        post_only: PostOnly::Off,
        reduce_only: ReduceOnly::Off,
        label: Label::default(),
    }
}

/// An order that may do all that `conditions` say.
pub fn with(order: NewOrder, conditions: Conditions) -> Action {
    Action::PlaceWith { order, conditions }
}

pub fn buy(instrument: InstrumentId, lots: u64, price: i64) -> Action {
    Action::Place { order: limit(instrument, Side::Buy, lots, price) }
}

pub fn sell(instrument: InstrumentId, lots: u64, price: i64) -> Action {
    Action::Place { order: limit(instrument, Side::Sell, lots, price) }
}

pub fn saved(state: &State) -> Vec<u8> {
    let mut bytes = Vec::new();
    state.save(&mut bytes);
    bytes
}

/// The state that begins any bytes, and how many of them it is. It is sound, and no other bytes are the same state.
pub fn read_back(genesis: &Genesis, bytes: &[u8]) -> Result<(State, usize), StateError> {
    let mut input = Input::new(bytes);
    let state = State::load(genesis, network(), &mut input)?;
    let read = input.finish().map_or_else(|rest| rest.at, |()| bytes.len());
    assert_eq!(state.check_invariants(), Ok(()));
    let (again, read_bytes) = (saved(&state), &bytes[..read]);
    let differs_at = again.iter().zip(read_bytes).position(|(one, other)| one != other);
    let have = again.len();
    assert!(
        again == read_bytes,
        "{read} bytes were read, {have} are saved; first they differ at {differs_at:?}"
    );
    Ok((state, read))
}

/// The names of all rejects in the order in which they are declared, each group in that of its rules.
pub fn declared_rejects() -> Vec<&'static str> {
    let source = include_str!("../../../wire/src/reject.rs");
    let variants = source.lines().filter_map(|line| {
        let (tag, rest) = line.trim().split_once(" => ")?;
        tag.parse::<u8>().ok()?;
        rest.split([',', ' ']).next()
    });
    variants.collect()
}
