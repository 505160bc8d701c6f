//! What the gateway knows of one connection.
//!
//! Invariant: a private call needs an identity, from the connection itself or from the request's own header
//! or token; nothing else grants one.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use wire::OrderId;

use crate::{
    auth::Identity,
    heartbeat::{Beat, Heart},
    hub::ConnectionId,
    rpc::{Code, RpcError},
};

/// Orders remembered for the end of a connection.
const ORDERS_MAX: usize = 100_000;

/// The state of one connection; a plain HTTP request has a session of its own that ends with it.
#[derive(Debug)]
pub struct Session {
    /// `None` for HTTP: nothing can be pushed there.
    pub connection: Option<ConnectionId>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    identity: Option<Identity>,
    heartbeat_seconds: Option<u64>,
    heart: Heart,
    /// Orders that it placed, while they are to be cancelled at its end.
    orders: Option<BTreeSet<OrderId>>,
    ends: bool,
}

impl Session {
    pub fn of_connection(connection: ConnectionId) -> Self {
        Self { connection: Some(connection), state: Mutex::default() }
    }

    pub fn of_request(identity: Option<Identity>) -> Self {
        let state = State { identity, ..State::default() };
        Self { connection: None, state: Mutex::new(state) }
    }

    pub fn log_in(&self, identity: Identity) {
        self.lock().identity = Some(identity);
    }

    /// Forgets who it is and ends without cancelling anything, once what was asked before is answered.
    pub fn log_out(&self) {
        let mut state = self.lock();
        (state.identity, state.orders, state.ends) = (None, None, true);
    }

    pub fn ends(&self) -> bool {
        self.lock().ends
    }

    pub fn identity(&self) -> Result<Identity, RpcError> {
        let identity = self.lock().identity.clone();
        identity.ok_or_else(|| RpcError::new(Code::Unauthorized, "authenticate with public/auth first"))
    }

    pub fn set_heartbeat(&self, seconds: Option<u64>) {
        let mut state = self.lock();
        state.heartbeat_seconds = seconds;
        state.heart.hear();
    }

    pub fn heartbeat_seconds(&self) -> Option<u64> {
        self.lock().heartbeat_seconds
    }

    /// The other end said something.
    pub fn hear(&self) {
        self.lock().heart.hear();
    }

    /// An interval of the heartbeat has passed.
    pub fn beat(&self) -> Beat {
        self.lock().heart.beat()
    }

    /// Whether orders placed from now on are cancelled at the end.
    pub fn set_cancel_on_disconnect(&self, orders: Option<BTreeSet<OrderId>>) {
        let mut state = self.lock();
        if state.orders.is_none() || orders.is_none() {
            state.orders = orders;
        }
    }

    pub fn cancel_on_disconnect(&self) -> bool {
        self.lock().orders.is_some()
    }

    pub fn note_orders(&self, placed: &[OrderId]) {
        if let Some(orders) = &mut self.lock().orders {
            orders.extend(placed);
            while orders.len() > ORDERS_MAX {
                orders.pop_first();
            }
        }
    }

    /// The orders to cancel now that it has ended.
    pub fn take_orders(&self) -> BTreeSet<OrderId> {
        self.lock().orders.take().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
