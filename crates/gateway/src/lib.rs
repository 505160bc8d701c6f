//! Deribit-compatible JSON-RPC, WebSocket and REST server, and the trading page.
//!
//! Invariant: a gateway follows the commits of a node and runs the same deterministic program on them, so what
//! it shows is what the validators decided; two gateways that saw the same commits answer the same.
//! Left out on purpose: trust. The gateway holds session keys that can trade and cannot withdraw.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::as_conversions,
    reason = "the shell: clocks, and numbers for JSON"
)]

pub mod api_key;
pub mod auth;
mod channel;
mod code;
mod commits;
mod credits;
pub mod decimal;
mod feed;
mod follow;
mod heartbeat;
mod history;
mod http;
mod hub;
mod intents;
mod json;
mod liquidation;
mod methods;
mod metrics;
mod model;
mod network;
mod nodes;
mod offline;
mod openapi;
mod outcome;
mod page;
mod progress;
mod proofs;
mod protection;
mod rfq;
mod rpc;
mod scope;
mod selection;
mod session;
mod settings;
mod socket;
mod store;
mod token;
mod view;
mod volatility;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use client::Wallet;
use crypto::Digest;
use serde_json::Value;
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use wire::{AccountId, Action, Committee, IntentId, OrderId, OrderTarget};

use crate::{
    auth::{ApiKeyFile, Identity, Keyring},
    channel::{Channel, Private, RfqRole},
    credits::{Payer, Pools},
    feed::Feed,
    hub::{ConnectionId, Hub, Topic},
    intents::Waiting,
    methods::{Listening, Switch},
    metrics::Metrics,
    network::Network,
    nodes::Nodes,
    progress::Progress,
    protection::Groups,
    rfq::RequestBook,
    rpc::{Answer, Code, Request, RpcError, now_us},
    session::Session,
    store::Store,
    view::View,
};
pub use crate::{
    credits::{Limits, Rate},
    offline::{Heard, Offline},
    store::StoreError,
};

const TICK: Duration = Duration::from_millis(100);

/// What a gateway is started with.
#[derive(Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// The nodes to follow and to submit to: one at a time, and the next when it is gone. One at least.
    pub nodes: Vec<String>,
    pub network: Digest,
    pub exchange: exchange::Genesis,
    /// Names of the validators, in the order of the committee.
    pub validators: Vec<String>,
    /// The validators' keys and stakes, for those who verify proofs.
    pub committee: Committee,
    pub keys: Vec<ApiKeyFile>,
    /// How much callers may ask for.
    pub limits: Limits,
    /// What the validators' clocks are ahead of this machine's, in milliseconds; zero but on test networks that
    /// live on another day.
    pub clock_offset_ms: i64,
    /// Unpredictable bytes that tokens are derived from.
    pub token_key: [u8; 32],
    /// Where history is kept beyond what memory holds: `sqlite:FILE?mode=rwc` or `postgres://…`.
    pub history: Option<String>,
}

/// Why a gateway did not start or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("{0}")]
    Keys(#[from] auth::KeyFileError),
    #[error("genesis: exchange: {0}")]
    Genesis(#[from] exchange::GenesisError),
    #[error("{address}: {source}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("{0}")]
    Node(#[from] client::NodeError),
    #[error("{0}")]
    History(#[from] StoreError),
}

/// A running gateway.
pub struct Gateway {
    pub(crate) keyring: Keyring,
    pub(crate) hub: Hub,
    pub(crate) metrics: Metrics,
    pub(crate) pools: Pools,
    /// Requests for quotes and their answers. Whoever needs a view beside it takes the view first.
    pub(crate) rfq: Mutex<RequestBook>,
    /// That a quote came which an acceptance may have waited for.
    pub(crate) quoted: Notify,
    /// Market makers' groups by name.
    pub(crate) groups: Mutex<Groups>,
    /// Who changes API keys: one after the other.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Who may play what could become of an account.
    pub(crate) envelopes: Semaphore,
    view: RwLock<View>,
    feed: Mutex<Feed>,
    network: Mutex<Network>,
    committee: Value,
    waiting: Mutex<BTreeMap<IntentId, Waiting>>,
    progress: Mutex<Progress>,
    wallets: Mutex<BTreeMap<String, Wallet>>,
    /// Accounts whose connections cancel what they placed when they end.
    cancelling: Mutex<BTreeSet<AccountId>>,
    store: Option<Store>,
    nodes: Nodes,
    network_digest: Digest,
    clock_offset_ms: i64,
}

/// Serves until the socket fails.
pub async fn serve(config: Config) -> Result<(), GatewayError> {
    let address = config.listen;
    let listen = |source| GatewayError::Listen { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(listen)?;
    serve_on(listener, config).await
}

/// The same on a socket that listens already; `config.listen` is for messages only.
pub async fn serve_on(listener: tokio::net::TcpListener, config: Config) -> Result<(), GatewayError> {
    let address = config.listen;
    let listen = |source| GatewayError::Listen { address, source };
    let store = match &config.history {
        Some(url) => Some(Store::open(url, &config.network).await?),
        None => None,
    };
    let nodes = Nodes::new(&config.nodes)?;
    nodes.reach().await?;
    let gateway = Arc::new(Gateway::new(config, store, nodes)?);
    gateway.recall().await?;
    tracing::info!(%address, node = gateway.nodes.current().1.address(), "gateway is up");
    // Ends with this call.
    let mut tasks = JoinSet::new();
    tasks.spawn(tick(Arc::clone(&gateway)));
    tasks.spawn(commits::follow(Arc::clone(&gateway)));
    tasks.spawn(methods::follow_quotes(Arc::clone(&gateway)));
    let service = http::router(gateway).into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = axum::serve(listener, service) => served.map_err(listen),
        _ = tasks.join_next() => Ok(()),
    }
}

async fn tick(gateway: Arc<Gateway>) {
    let mut interval = tokio::time::interval(TICK);
    for count in 0_u64.. {
        interval.tick().await;
        gateway.tick(count);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl core::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Gateway").field("nodes", &self.nodes).finish_non_exhaustive()
    }
}

impl Gateway {
    fn new(config: Config, store: Option<Store>, nodes: Nodes) -> Result<Self, GatewayError> {
        let state = exchange::State::new(&config.exchange, config.network)?;
        Ok(Self {
            keyring: Keyring::new(config.keys, config.token_key)?,
            hub: Hub::default(),
            metrics: Metrics::default(),
            pools: Pools::new(config.limits),
            rfq: Mutex::default(),
            quoted: Notify::new(),
            groups: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            envelopes: Semaphore::new(1),
            view: RwLock::new(View::new(state)),
            feed: Mutex::default(),
            committee: network::committee(&config.committee, &config.validators),
            network: Mutex::new(Network::new(config.validators)),
            waiting: Mutex::default(),
            progress: Mutex::default(),
            wallets: Mutex::default(),
            cancelling: Mutex::default(),
            store,
            nodes,
            network_digest: config.network,
            clock_offset_ms: config.clock_offset_ms,
        })
    }

    pub(crate) fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is due every `TICK`.
    fn tick(&self, count: u64) {
        self.metrics.connections.set(i64::try_from(self.hub.connections()).unwrap_or(i64::MAX));
        lock(&self.network).tick();
        self.forget_late_intents();
        let view = self.view();
        lock(&self.feed).tick(self, &view, count);
        self.expire_requests(&view);
        drop(view);
        if count.is_multiple_of(2) {
            self.publish_dag();
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.view().commit_index() > 0
    }

    /// The network as a view of one commit shows it. Takes the view that the caller holds: asking for a
    /// second one while a commit waits to be written would wait for ever.
    pub(crate) fn network(&self, view: &View) -> Value {
        let active = view.instruments().iter().filter(|it| it.is_active()).count();
        let mut shown = lock(&self.network).show(view.commit_index(), active);
        shown["faucet_max"] = decimal::cash(view.faucet_max());
        shown
    }

    /// Answers a call.
    pub(crate) async fn call(&self, session: &Session, request: Request) -> Answer {
        self.metrics.requests.inc();
        let result = methods::dispatch(self, session, &request.method, &request.params).await;
        if result.is_err() {
            self.metrics.errors.inc();
        }
        result
    }

    /// Lets a connection listen to a channel; `identity` is who asks.
    pub(crate) fn listen(
        &self,
        connection: ConnectionId,
        identity: Option<&Identity>,
        name: &str,
    ) -> Listening {
        let view = self.view();
        let Some(channel) = Channel::parse(&view, name) else { return Listening::NoSuchChannel };
        if identity.is_none() && (channel.is_private() || channel.is_raw()) {
            return Listening::NeedsLogin;
        }
        let account = identity.filter(|_| channel.is_private()).map(|identity| identity.account);
        if let (Some(maker), Channel::Private(Private::BlockRfq(RfqRole::Maker, _))) = (account, &channel) {
            lock(&self.rfq).note_maker(self.keyring.name_of(&maker), maker);
        }
        let topic = Topic { channel: name.to_owned(), account };
        if lock(&self.feed).listen((self, &view), connection, (topic, channel)) {
            Listening::Yes
        } else {
            Listening::TooMany
        }
    }

    /// Makes a connection an identity's.
    pub(crate) fn log_in(&self, session: &Session, identity: Identity) {
        if self.cancels_on_disconnect(&identity.account) && session.connection.is_some() {
            session.set_cancel_on_disconnect(Some(BTreeSet::new()));
        }
        if let Some(connection) = session.connection {
            self.hub.note_client(connection, &identity.client_id);
        }
        session.log_in(identity);
    }

    /// Ends what an API key has opened; the caller's own connection once he is answered.
    pub(crate) fn end_sessions(&self, client_id: &str, caller: &Session) {
        self.keyring.forget_client(client_id);
        for connection in self.hub.connections_of(client_id) {
            if caller.connection == Some(connection) {
                caller.log_out();
            } else {
                self.hub.send(connection, hub::Frame::Close);
            }
        }
    }

    pub(crate) fn cancels_on_disconnect(&self, account: &AccountId) -> bool {
        lock(&self.cancelling).contains(account)
    }

    pub(crate) fn set_cancel_on_disconnect(&self, account: AccountId, switch: Switch) {
        let mut cancelling = lock(&self.cancelling);
        match switch {
            Switch::On => cancelling.insert(account),
            Switch::Off => cancelling.remove(&account),
        };
    }

    /// Takes back what a connection placed and left behind.
    pub(crate) async fn cancel_orders(&self, identity: &Identity, orders: &BTreeSet<OrderId>) {
        let open: Vec<OrderId> = {
            let view = self.view();
            let is_open = |id: &&OrderId| view.history().find_order(**id).is_some_and(model::Order::is_open);
            orders.iter().filter(is_open).copied().collect()
        };
        for part in open.chunks(wire::limits::ACTIONS_MAX) {
            let cancel = |id: &OrderId| Action::Cancel { target: OrderTarget::Id { order: *id } };
            let cancelled = self.execute_each(identity, part.iter().map(cancel).collect()).await;
            if let Err(error) = cancelled {
                tracing::warn!(client = %identity.client_id, ?error, "cancel on disconnect failed");
            }
        }
    }

    /// Whether an account may send one more call that trades.
    pub(crate) fn may_trade_now(&self, account: AccountId) -> Result<(), RpcError> {
        if self.pools.spend(Payer::Trading(account), now_us()) {
            return Ok(());
        }
        let Rate { rate, .. } = self.pools.limits.trading;
        Err(RpcError::new(Code::TooManyRequests, format!("more than {rate} orders a second")))
    }

    /// Whose signatures make a root certain.
    pub(crate) fn committee_json(&self) -> Value {
        self.committee.clone()
    }

    fn publish_dag(&self) {
        let topic = Topic { channel: "clockless.dag".to_owned(), account: None };
        let mut network = lock(&self.network);
        if network.has_dag_news() {
            let news = network.take_dag();
            drop(network);
            self.hub.publish(&topic, &news);
        }
    }
}
