//! A market for a gateway to follow: one underlying, a maker's quotes, a trade, and a combo.
//!
//! Invariant: the same market every time.

use commonware_codec::Encode;
use crypto::{CoinValue, Digest, SigningKey};
use exchange::{
    Genesis,
    genesis::{Faucet, Node, OracleGenesis, Reporter, Surface, UnderlyingGenesis, Units},
};
use gateway::{Config, Limits, Offline, Rate, auth::ApiKeyFile};
use num::{Cash, DAY_MS, Fix, HOUR_MS, Lots, Side, Ticks, Timestamp};
use wire::{
    AccountId, Action, Atomicity, Author, BlockRef, ComboLeg, Commit, CommittedBlock, CommittedPayload,
    InstrumentId, Intent, Label, List, NewOrder, OrderKind, PostOnly, ReduceOnly, Round, TimeInForce,
    Transaction, UnderlyingId,
};

const NETWORK: Digest = Digest::ZERO;
pub const START_MS: u64 = 1_770_000_000_000;
pub const EXPIRY_MS: u64 = START_MS / DAY_MS * DAY_MS + 30 * DAY_MS + 8 * HOUR_MS;
pub const TRADER: u8 = 1;
const MAKER: u8 = 2;
const REPORTER: u8 = 9;

/// A gateway that follows a market with quotes, a trade and a combo.
pub fn venue() -> Offline {
    let member = wire::Member { key: key(0).public_key(), stake: 1 };
    let wide = Rate { rate: 1_000_000, burst: 1_000_000 };
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        nodes: Vec::new(),
        network: NETWORK,
        exchange: genesis(),
        validators: vec!["v0".to_owned()],
        committee: wire::Committee::new(0, vec![member]).expect("invariant: one member is a committee"),
        keys: vec![
            api_key("trader", TRADER, ""),
            api_key("maker", MAKER, ""),
            api_key("treasurer", TRADER, "account:read_write"),
            api_key("spare", TRADER, "account:read"),
        ],
        limits: Limits { connection: wide, account: wide, address: wide, trading: wide },
        clock_offset_ms: 0,
        token_key: [7; 32],
        history: None,
    };
    let venue = Offline::new(config).expect("invariant: the genesis is one");
    let faucet = || Action::Faucet { amount: Cash::from_whole(1_000_000).unwrap_or(Cash::ZERO) };
    let observe = Action::Observe {
        underlying: UnderlyingId(0),
        price: Cash::from_whole(64_000).unwrap_or(Cash::ZERO),
        observed_at: Timestamp::from_millis(START_MS + 1_000),
    };
    let legs = [(0, 1), (2, -2)].map(|(number, ratio)| ComboLeg { instrument: InstrumentId(number), ratio });
    let legs = List::new(legs.to_vec()).unwrap_or_default();
    let quotes = vec![
        order(0, Side::Buy, (100, 127_990)),
        order(0, Side::Sell, (100, 128_010)),
        order(2, Side::Buy, (10, 1_000)),
        order(2, Side::Sell, (10, 4_000)),
    ];
    venue.take(&commit(
        1,
        vec![
            intent(REPORTER, 1, vec![observe]),
            intent(TRADER, 1, vec![faucet()]),
            intent(MAKER, 1, vec![faucet()]),
        ],
    ));
    venue.take(&commit(
        2,
        vec![
            intent(MAKER, 2, quotes),
            intent(TRADER, 2, vec![Action::CreateCombo { legs }, order(0, Side::Buy, (1, 128_010))]),
        ],
    ));
    venue
}

fn api_key(client_id: &str, number: u8, scope: &str) -> ApiKeyFile {
    ApiKeyFile {
        client_id: client_id.to_owned(),
        client_secret: "secret".to_owned(),
        owner: key(number).public_key().to_string(),
        subaccount: 0,
        session_key: key(number).to_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        scope: scope.to_owned(),
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes([number; 32])
}

pub fn order(instrument: u32, side: Side, (lots, price): (u64, i64)) -> Action {
    let order = NewOrder {
        instrument: InstrumentId(instrument),
        side,
        lots: Lots::new(lots),
        kind: OrderKind::Limit { price: Ticks::new(price) },
        time_in_force: TimeInForce::GoodTilCancelled,
        post_only: PostOnly::Off,
        reduce_only: ReduceOnly::Off,
        label: Label::default(),
    };
    Action::Place { order }
}

pub fn intent(number: u8, nonce: u64, actions: Vec<Action>) -> Transaction {
    let intent = Intent {
        network: NETWORK,
        account: AccountId { owner: key(number).public_key(), subaccount: 0 },
        key: key(number).public_key(),
        nonce,
        valid_until: Timestamp::MAX,
        after: None,
        atomicity: Atomicity::Independent,
        actions: List::new(actions).unwrap_or_default(),
    };
    let signed = intent.sign(&key(number)).encode();
    Transaction::new(signed).expect("invariant: a short intent fits")
}

pub fn commit(index: u64, transactions: Vec<Transaction>) -> CommittedPayload {
    let digest = Digest::of("clockless fuzz block", &index.to_be_bytes());
    let reference = BlockRef { round: Round(index), author: Author(0), digest };
    let block = CommittedBlock {
        reference,
        parents: List::default(),
        transactions: List::new(transactions).unwrap_or_default(),
        attestations: List::default(),
        evidence: List::default(),
    };
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: reference,
        time: Timestamp::from_millis(START_MS + 1_000 * index),
        coin: CoinValue([0; 48]),
        blocks: List::new(vec![reference]).unwrap_or_default(),
    };
    CommittedPayload { commit, blocks: List::new(vec![block]).unwrap_or_default() }
}

pub fn instruments() -> [String; 3] {
    let expiry = exchange::calendar::format_expiry(Timestamp::from_millis(EXPIRY_MS));
    ["BTC_USDC-PERPETUAL".to_owned(), format!("BTC_USDC-{expiry}"), format!("BTC_USDC-{expiry}-64000-C")]
}

fn genesis() -> Genesis {
    let node = |percent: i64| Node {
        strike_micros: 64_000 * Cash::SCALE / 100 * percent,
        volatility_billionths: 500_000_000,
    };
    let surface = Surface {
        expiry_ms: EXPIRY_MS,
        forward_billionths: Fix::SCALE,
        nodes: [80, 100, 120].map(node).into(),
    };
    let bitcoin = UnderlyingGenesis {
        pool: 0,
        symbol: "BTC".to_owned(),
        index_micros: 64_000 * Cash::SCALE,
        option: Units { tick_micros: 1_000_000, lot_billionths: 10_000_000 },
        future: Units { tick_micros: 500_000, lot_billionths: 1_000_000 },
        surfaces: vec![surface],
    };
    let reporter = Reporter { key: key(REPORTER).public_key().to_string(), weight: 1 };
    Genesis {
        start_ms: START_MS,
        faucet: Faucet::Open { micros_max: 1_000_000_000_000_000 },
        insurance_micros: 1_000_000_000_000,
        oracle: OracleGenesis {
            reporters: vec![reporter],
            quorum: 1,
            age_ms_max: DAY_MS,
            lead_ms_max: 5_000,
        },
        underlyings: vec![bitcoin],
        instruments: instruments().into(),
        ..Genesis::with_usual_parameters()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// A target whose market is empty would never get far.
    #[test]
    fn the_market_has_quotes_a_trade_and_a_combo() {
        let venue = venue();
        let ask = |target: &str| -> Value {
            let answer = venue.request((target, ""), None).expect("an answer");
            serde_json::from_slice::<Value>(&answer).expect("JSON")["result"].clone()
        };
        let book = ask("/api/v2/public/get_order_book?instrument_name=BTC_USDC-PERPETUAL");
        assert_eq!(book["best_bid_price"], 63_995.0);
        assert_eq!(book["last_price"], 64_005.0);
        assert_eq!(ask("/api/v2/public/get_combos?currency=BTC").as_array().map(Vec::len), Some(1));
    }
}
