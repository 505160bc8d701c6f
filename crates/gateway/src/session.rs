//! What the gateway knows of one connection.
//!
//! Invariant: a private call needs an identity, from the connection itself or from the request's own header
//! or token; nothing else grants one.

use std::sync::{Mutex, PoisonError};

use crate::{
    auth::Identity,
    hub::ConnectionId,
    rpc::{Code, RpcError},
};

/// The state of one connection; a plain HTTP request has a session of its own that ends with it.
#[derive(Debug, Default)]
pub struct Session {
    /// `None` for HTTP: nothing can be pushed there.
    pub connection: Option<ConnectionId>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    identity: Option<Identity>,
    heartbeat_seconds: Option<u64>,
    cancel_on_disconnect: bool,
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

    pub fn log_out(&self) {
        self.lock().identity = None;
    }

    pub fn identity(&self) -> Result<Identity, RpcError> {
        let identity = self.lock().identity.clone();
        identity.ok_or_else(|| RpcError::new(Code::Unauthorized, "authenticate with public/auth first"))
    }

    pub fn is_authenticated(&self) -> bool {
        self.lock().identity.is_some()
    }

    pub fn set_heartbeat(&self, seconds: Option<u64>) {
        self.lock().heartbeat_seconds = seconds;
    }

    pub fn heartbeat_seconds(&self) -> Option<u64> {
        self.lock().heartbeat_seconds
    }

    pub fn set_cancel_on_disconnect(&self, enabled: bool) {
        self.lock().cancel_on_disconnect = enabled;
    }

    pub fn cancel_on_disconnect(&self) -> bool {
        self.lock().cancel_on_disconnect
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
