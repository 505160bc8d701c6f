//! Connections that keep a window of calls on their way to a gateway.
//!
//! Invariant: a call counts when its answer has come, and an answer comes when the exchange has executed the call.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{rounded, socket::Socket};
use crate::{failure::Failure, local::Process};

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// A method and its parameters.
pub type Call = (&'static str, Value);

/// What a connection calls next, told the result of an earlier call where one succeeded.
pub type Script = Box<dyn FnMut(Option<&Value>) -> Call + Send>;

/// When to count.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Instant,
    to: Instant,
}

/// What connections saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// Of the calls that succeeded, sorted.
    pub latencies_ms: Vec<f64>,
    /// Orders that these calls placed, or left in place.
    pub orders: u64,
    /// Calls, or actions of a call, that were refused.
    pub rejected: u64,
    /// What the processes that were watched took of the processors.
    pub cpu_seconds: f64,
    first_reason: Option<String>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.latencies_ms.extend(other.latencies_ms);
        self.orders += other.orders;
        self.rejected += other.rejected;
        self.first_reason = self.first_reason.take().or(other.first_reason);
    }

    pub fn latency_json(&self) -> Value {
        latency_json(&self.latencies_ms)
    }
}

/// Latencies at the usual parts of a sorted list.
pub fn latency_json(sorted: &[f64]) -> Value {
    let at = |part| super::quantile(sorted, part).map(rounded);
    json!({ "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1.0) })
}

/// Runs a script on each of so many connections, `trader-0` and on, each with `width` calls on their way.
pub async fn run(
    address: SocketAddr,
    scripts: Vec<Script>,
    (width, span): (u16, Duration),
    watched: &[&Process],
) -> Result<Seen, Failure> {
    let mut sockets = Vec::new();
    for number in 0..scripts.len() {
        sockets.push(Socket::log_in(address, &format!("trader-{number}")).await?);
    }
    let from = Instant::now() + WARM_UP;
    let window = Window { from, to: from + span };
    let mut tasks = tokio::task::JoinSet::new();
    for (socket, script) in sockets.into_iter().zip(scripts) {
        tasks.spawn(drive(socket, script, (width, window)));
    }
    let cpu = || watched.iter().filter_map(|process| process.cpu_seconds()).sum::<f64>();
    tokio::time::sleep_until(window.from.into()).await;
    let cpu_before = cpu();
    tokio::time::sleep_until(window.to.into()).await;
    let mut all = Seen { cpu_seconds: cpu() - cpu_before, ..Seen::default() };
    while let Some(seen) = tasks.join_next().await {
        all.add(seen.map_err(|error| Failure::failed(error.to_string()))??);
    }
    if let Some(reason) = &all.first_reason {
        tracing::warn!(reason, rejected = all.rejected, "calls were refused");
    }
    all.latencies_ms.sort_by(f64::total_cmp);
    Ok(all)
}

async fn drive(
    mut socket: Socket,
    mut script: Script,
    (width, window): (u16, Window),
) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    let mut sent: BTreeMap<u64, Instant> = BTreeMap::new();
    for id in 1..=u64::from(width) {
        sent.insert(id, Instant::now());
        send(&mut socket, id, script(None)).await?;
    }
    let mut next = u64::from(width);
    while Instant::now() < window.to {
        let text = socket.next().await?;
        let now = Instant::now();
        let reply: Value = serde_json::from_str(&text).map_err(|error| Failure::failed(error.to_string()))?;
        let Some(at) = reply["id"].as_u64().and_then(|id| sent.remove(&id)) else { continue };
        let is_counted = (window.from..window.to).contains(&now);
        let result = reply.get("result");
        if is_counted {
            count(&mut seen, &reply);
        }
        if is_counted && result.is_some() {
            seen.latencies_ms.push(now.duration_since(at).as_secs_f64() * 1e3);
        }
        next += 1;
        sent.insert(next, Instant::now());
        send(&mut socket, next, script(result)).await?;
    }
    Ok(seen)
}

/// Adds what a reply says of orders and of refusals.
fn count(seen: &mut Seen, reply: &Value) {
    let Some(result) = reply.get("result") else {
        seen.rejected += 1;
        seen.first_reason.get_or_insert_with(|| reply["error"].to_string());
        return;
    };
    seen.orders += u64::from(result["order"].is_object());
    seen.orders += result["orders"].as_array().map_or(0, |orders| u64::try_from(orders.len()).unwrap_or(0));
    if let Some(errors) = result["errors"].as_array().filter(|errors| !errors.is_empty()) {
        seen.rejected += u64::try_from(errors.len()).unwrap_or(0);
        seen.first_reason.get_or_insert_with(|| errors[0].to_string());
    }
}

async fn send(socket: &mut Socket, id: u64, (method, params): Call) -> Result<(), Failure> {
    socket.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await
}

/// For each connection: an order that rests, at one of these names and prices, is placed and cancelled, and so on.
pub fn place_and_cancel(resting: &[(String, f64)], connections: u16) -> Vec<Script> {
    let orders = resting.iter().cycle().take(connections.into());
    let order = |(name, price): &(String, f64)| json!({ "instrument_name": name, "contracts": 10, "type": "limit", "price": price });
    orders.map(|it| one_by_one(order(it))).collect()
}

fn one_by_one(order: Value) -> Script {
    // What a cancel answers with is the order alone.
    Box::new(move |result| match result.and_then(|it| it["order"]["order_id"].as_str()) {
        Some(id) => ("private/cancel", json!({ "order_id": id })),
        None => ("private/buy", order.clone()),
    })
}
