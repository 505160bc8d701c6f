//! Connections that place orders and cancel them, as many at once as their window holds.
//!
//! Invariant: a call counts when its answer has come, and an answer comes when the exchange has executed the call.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Bench, GatewayArguments, Measured, socket::Socket};
use crate::failure::Failure;

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// When to count.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Instant,
    to: Instant,
}

/// What one connection saw.
#[derive(Debug, Default)]
struct Seen {
    latencies_ms: Vec<f64>,
    rejected: u64,
    first_reason: Option<String>,
}

pub(super) async fn run(bench: &Bench, arguments: &GatewayArguments) -> Result<Measured, Failure> {
    let mut sockets = Vec::new();
    for number in 0..arguments.connections {
        sockets.push(Socket::log_in(bench.address, &format!("trader-{number}")).await?);
    }
    let from = Instant::now() + WARM_UP;
    let window = Window { from, to: from + arguments.span };
    let mut tasks = tokio::task::JoinSet::new();
    for (place, socket) in sockets.into_iter().enumerate() {
        let (name, price) = bench.resting[place % bench.resting.len()].clone();
        let order = json!({ "instrument_name": name, "contracts": 10, "type": "limit", "price": price });
        tasks.spawn(trade(socket, order, (arguments.window, window)));
    }
    tokio::time::sleep_until(window.from.into()).await;
    let cpu_before = bench.gateway.cpu_seconds().unwrap_or(0.0);
    tokio::time::sleep_until(window.to.into()).await;
    let cpu = bench.gateway.cpu_seconds().unwrap_or(0.0) - cpu_before;
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen.map_err(|error| Failure::failed(error.to_string()))??;
        all.latencies_ms.extend(seen.latencies_ms);
        all.rejected += seen.rejected;
        all.first_reason = all.first_reason.or(seen.first_reason);
    }
    if let Some(reason) = &all.first_reason {
        tracing::warn!(reason, rejected = all.rejected, "calls were refused");
    }
    all.latencies_ms.sort_by(f64::total_cmp);
    let count = all.latencies_ms.len() as f64;
    Ok(Measured {
        per_s: count / arguments.span.as_secs_f64(),
        latencies_ms: all.latencies_ms,
        rejected: all.rejected,
        cpu_us: cpu * 1e6 / count.max(1.0),
    })
}

async fn trade(mut socket: Socket, order: Value, (width, window): (u16, Window)) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    let mut sent: BTreeMap<u64, Instant> = BTreeMap::new();
    let mut next = 0;
    for _ in 0..width {
        next += 1;
        place(&mut socket, &order, (next, &mut sent)).await?;
    }
    while Instant::now() < window.to {
        let text = socket.next().await?;
        let now = Instant::now();
        let reply: Value = serde_json::from_str(&text).map_err(|error| Failure::failed(error.to_string()))?;
        let Some(at) = reply["id"].as_u64().and_then(|id| sent.remove(&id)) else { continue };
        next += 1;
        if let Some(error) = reply.get("error") {
            seen.rejected += 1;
            seen.first_reason.get_or_insert_with(|| error.to_string());
            place(&mut socket, &order, (next, &mut sent)).await?;
            continue;
        }
        if (window.from..window.to).contains(&now) {
            seen.latencies_ms.push(now.duration_since(at).as_secs_f64() * 1e3);
        }
        match reply["result"]["order"]["order_id"].as_str() {
            Some(placed) => {
                let params = json!({ "order_id": placed });
                call(&mut socket, ("private/cancel", &params), (next, &mut sent)).await?;
            }
            None => place(&mut socket, &order, (next, &mut sent)).await?,
        }
    }
    Ok(seen)
}

type Sent<'a> = (u64, &'a mut BTreeMap<u64, Instant>);

async fn place(socket: &mut Socket, order: &Value, sent: Sent<'_>) -> Result<(), Failure> {
    call(socket, ("private/buy", order), sent).await
}

async fn call(
    socket: &mut Socket,
    (method, params): (&str, &Value),
    (id, sent): Sent<'_>,
) -> Result<(), Failure> {
    sent.insert(id, Instant::now());
    socket.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()).await
}
