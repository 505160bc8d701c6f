//! A live gateway on sockets, in front of a node that commits whatever comes, and clients to talk to it.
#![allow(dead_code, unreachable_pub, missing_debug_implementations, reason = "each test file uses its part")]

pub mod http;
pub mod node;
pub mod postgres;
pub mod ws;

use std::net::SocketAddr;

use client::Wallet;
use crypto::{Digest, SigningKey};
use exchange::{
    Genesis,
    genesis::{Faucet, Node, OracleGenesis, Reporter, Surface, UnderlyingGenesis, Units},
};
use gateway::auth::ApiKeyFile;
use num::{Cash, DAY_MS, Fix, Lots, Side, Ticks, Timestamp};
use wire::{
    AccountId, Action, Atomicity, InstrumentId, Label, NewOrder, OrderKind, Permission, PostOnly, ReduceOnly,
    TimeInForce, UnderlyingId,
};

use node::Sequencer;

pub const PERPETUAL: &str = "BTC_USDC-PERPETUAL";
const BTC: i64 = 64_000;
const ETH: i64 = 3_000;

/// Who takes part; each has a key of this number.
pub const TRADER: u8 = 1;
pub const MAKER: u8 = 2;
const REPORTER: u8 = 9;
const SESSION: u8 = 11;
const READER: u8 = 12;

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes([number; 32])
}

/// A running gateway with a quoted market.
pub struct Venue {
    pub address: SocketAddr,
    pub node: SocketAddr,
    pub sequencer: Sequencer,
    /// Names of the instruments in the order of their numbers.
    pub names: Vec<String>,
    genesis: Genesis,
    network: Digest,
    nonce: std::sync::atomic::AtomicU64,
}

impl Venue {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// Opens one whose configuration was changed.
    pub async fn open_with(change: impl FnOnce(&mut gateway::Config)) -> Self {
        let sequencer = Sequencer::new();
        let node = sequencer.serve();
        let genesis = genesis(node::now_ms());
        let network = Digest::of("clockless test network", b"gateway");
        let names = genesis.instruments.clone();
        let nonce = 1.into();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut venue = Self { address, node, sequencer, names, genesis, network, nonce };
        (venue.address, _) = venue.serve(change).await;
        venue.fund();
        venue.report(0, BTC);
        venue.report(1, ETH);
        venue.quote();
        venue.ready().await;
        venue
    }

    /// Starts a gateway on the venue's commits; it ends when the task is aborted.
    pub async fn serve(
        &self,
        change: impl FnOnce(&mut gateway::Config),
    ) -> (SocketAddr, tokio::task::JoinHandle<Result<(), gateway::GatewayError>>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let committee = wire::Committee::new(0, vec![wire::Member { key: key(0).public_key(), stake: 1 }]);
        let mut config = gateway::Config {
            listen: address,
            nodes: vec![self.node.to_string()],
            network: self.network,
            exchange: self.genesis.clone(),
            validators: vec!["v0".to_owned()],
            committee: committee.expect("one member"),
            keys: keys(),
            limits: gateway::Limits::default(),
            clock_offset_ms: 0,
            token_key: [7; 32],
            history: None,
        };
        change(&mut config);
        (address, tokio::spawn(gateway::serve_on(listener, config)))
    }

    /// Waits until the gateway has seen everything that was committed.
    pub async fn ready(&self) {
        self.ready_at(self.address).await;
    }

    /// The same for another gateway of the venue.
    pub async fn ready_at(&self, address: SocketAddr) {
        let last = self.sequencer.commit(Vec::new());
        loop {
            let seen = http::get(address, "/api/v2/public/clockless/get_network").await;
            if seen.body["result"]["commit_index"].as_u64() >= Some(last) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Signs and commits actions of somebody's main account.
    pub fn act(&self, number: u8, actions: Vec<Action>) {
        let nonce = self.nonce.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut wallet = Wallet::of_owner(self.network, key(number), nonce);
        let (_, transaction) = wallet.sign(actions, Atomicity::Independent).expect("few actions");
        self.sequencer.commit(vec![transaction]);
    }

    pub fn report(&self, underlying: u16, usd: i64) {
        let observed_at = Timestamp::from_millis(self.sequencer.time_ms());
        let price = Cash::from_whole(usd).expect("a test's price fits");
        let underlying = UnderlyingId(underlying);
        self.act(REPORTER, vec![Action::Observe { underlying, price, observed_at }]);
    }

    fn fund(&self) {
        let faucet = |whole| Action::Faucet { amount: Cash::from_whole(whole).expect("it fits") };
        let register = |number, permission| Action::RegisterKey {
            key: key(number).public_key(),
            permission,
            valid_until: Timestamp::MAX,
        };
        let session = register(SESSION, Permission::Trade);
        let reader = register(READER, Permission::Read);
        self.act(TRADER, vec![faucet(1_000_000), session, reader]);
        self.act(MAKER, vec![faucet(100_000_000)]);
    }

    /// The maker quotes two levels a side in the first perpetual and one in the first option.
    fn quote(&self) {
        let sides =
            [(Side::Buy, 127_990), (Side::Buy, 127_900), (Side::Sell, 128_010), (Side::Sell, 128_100)];
        let mut orders: Vec<Action> =
            sides.map(|(side, price)| limit(InstrumentId(0), side, (1_000, price))).into();
        orders.push(limit(InstrumentId(2), Side::Buy, (100, 1_000)));
        orders.push(limit(InstrumentId(2), Side::Sell, (100, 4_000)));
        self.act(MAKER, orders);
    }

    /// The same HTTP call with the credentials of `client_id`.
    pub async fn private(&self, client_id: &str, method: &str, params: &serde_json::Value) -> http::Answer {
        http::call(self.address, method, params, Some((client_id, "secret"))).await
    }

    pub async fn public(&self, method: &str, params: &serde_json::Value) -> http::Answer {
        http::call(self.address, method, params, None).await
    }
}

pub fn limit(instrument: InstrumentId, side: Side, (lots, price): (u64, i64)) -> Action {
    let order = NewOrder {
        instrument,
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

/// The URL of a history in a file of a folder, made when it is not there.
pub fn history_in(folder: &tempfile::TempDir, name: &str) -> String {
    format!("sqlite:{}?mode=rwc", folder.path().join(name).display())
}

/// API keys: "trader", "reader" (the same account, may only read), "maker"; and of the trader's account a spare one and two
/// that may change keys, the secretary of those that read.
fn keys() -> Vec<ApiKeyFile> {
    let file = |client_id: &str, owner: u8, session: u8, scope: &str| ApiKeyFile {
        client_id: client_id.to_owned(),
        client_secret: "secret".to_owned(),
        owner: key(owner).public_key().to_string(),
        subaccount: 0,
        session_key: hex::encode(key(session).to_bytes()),
        scope: scope.to_owned(),
    };
    vec![
        file("trader", TRADER, SESSION, ""),
        file("reader", TRADER, READER, "trade:read"),
        file("maker", MAKER, MAKER, ""),
        file("spare", TRADER, SESSION, "account:read"),
        file("treasurer", TRADER, SESSION, "account:read_write"),
        file("secretary", TRADER, READER, "account:read_write trade:read"),
    ]
}

/// The account of a key.
pub fn account(number: u8) -> AccountId {
    AccountId { owner: key(number).public_key(), subaccount: 0 }
}

fn genesis(now_ms: u64) -> Genesis {
    let expiry_ms = (now_ms / DAY_MS + 30) * DAY_MS + 8 * num::HOUR_MS;
    let expiry = exchange::calendar::format_expiry(Timestamp::from_millis(expiry_ms));
    let names = |symbol: &str, strike: i64| {
        [
            format!("{symbol}_USDC-PERPETUAL"),
            format!("{symbol}_USDC-{expiry}"),
            format!("{symbol}_USDC-{expiry}-{strike}-C"),
            format!("{symbol}_USDC-{expiry}-{strike}-P"),
        ]
    };
    let reporter = Reporter { key: key(REPORTER).public_key().to_string(), weight: 1 };
    Genesis {
        start_ms: now_ms - 1,
        faucet: Faucet::Open { micros_max: 1_000_000_000_000_000 },
        insurance_micros: 1_000_000_000_000,
        oracle: OracleGenesis {
            reporters: vec![reporter],
            quorum: 1,
            age_ms_max: 86_400_000,
            lead_ms_max: 5_000,
        },
        underlyings: vec![underlying("BTC", BTC, expiry_ms), underlying("ETH", ETH, expiry_ms)],
        instruments: [names("BTC", BTC), names("ETH", ETH)].concat(),
        ..Genesis::with_usual_parameters()
    }
}

fn underlying(symbol: &str, usd: i64, expiry_ms: u64) -> UnderlyingGenesis {
    let index_micros = usd * Cash::SCALE;
    let node = |percent: i64| Node {
        strike_micros: index_micros / 100 * percent,
        volatility_billionths: 500_000_000 + (percent - 100).abs() * 2_000_000,
    };
    UnderlyingGenesis {
        pool: 0,
        symbol: symbol.to_owned(),
        index_micros,
        option: Units { tick_micros: 1_000_000, lot_billionths: 10_000_000 },
        future: Units { tick_micros: 500_000, lot_billionths: 1_000_000 },
        surfaces: vec![Surface {
            expiry_ms,
            forward_billionths: Fix::SCALE,
            nodes: [80, 100, 120].map(node).into(),
        }],
    }
}
