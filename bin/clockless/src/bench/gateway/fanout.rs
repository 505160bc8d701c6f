//! Subscribers of raw books, and a maker whose quotes move them at a steady rate.
//!
//! Invariant: a change id is the index of the commit that made the change, so every notification says when its news was
//! made; a subscriber that hears nothing or is cut off fails the bench.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;

use super::{Bench, GatewayArguments, Measured, sequencer::Sequencer, socket::Socket};
use crate::failure::Failure;

/// Before anything is measured.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long the last notifications may take.
const GRACE: Duration = Duration::from_secs(5);
/// Connections that are opened at a time.
const AT_ONCE: usize = 32;

pub(super) async fn run(bench: &Bench, arguments: &GatewayArguments) -> Result<Measured, Failure> {
    let channels: Vec<String> = bench.books.iter().map(|it| format!("book.{}.raw", it.name)).collect();
    let channels = Arc::new(json!({ "channels": channels }));
    let sockets = subscribe(bench, arguments, &channels).await?;
    let from = Instant::now() + WARM_UP;
    let to = from + arguments.span;
    let mut readers = JoinSet::new();
    for socket in sockets {
        readers.spawn(read(socket, bench.sequencer.clone(), (from, to)));
    }
    let cpu = move_books(bench, arguments, (from, to)).await;
    let mut latencies_ms = Vec::new();
    while let Some(read) = readers.join_next().await {
        let heard = read.map_err(|error| Failure::failed(error.to_string()))??;
        if heard.is_empty() {
            return Err(Failure::failed("a subscriber heard nothing"));
        }
        latencies_ms.extend(heard);
    }
    latencies_ms.sort_by(f64::total_cmp);
    let count = latencies_ms.len() as f64;
    let per_s = count / arguments.span.as_secs_f64();
    Ok(Measured { per_s, latencies_ms, rejected: 0, cpu_us: cpu * 1e6 / count.max(1.0) })
}

async fn subscribe(
    bench: &Bench,
    arguments: &GatewayArguments,
    channels: &Arc<serde_json::Value>,
) -> Result<Vec<Socket>, Failure> {
    let mut sockets = Vec::new();
    let mut opening = JoinSet::new();
    for number in 0..arguments.subscribers {
        let (address, channels) = (bench.address, Arc::clone(channels));
        let client_id = format!("trader-{}", number % arguments.connections);
        opening.spawn(async move {
            let mut socket = Socket::log_in(address, &client_id).await?;
            socket.call("private/subscribe", &channels).await?;
            Ok::<Socket, Failure>(socket)
        });
        if opening.len() >= AT_ONCE {
            sockets.extend(joined(&mut opening).await?);
        }
    }
    while !opening.is_empty() {
        sockets.extend(joined(&mut opening).await?);
    }
    Ok(sockets)
}

async fn joined(opening: &mut JoinSet<Result<Socket, Failure>>) -> Result<Option<Socket>, Failure> {
    let joined = opening.join_next().await.transpose().map_err(|error| Failure::failed(error.to_string()))?;
    joined.transpose()
}

/// Quotes one book after the other until `to`; the processor time that the gateway used after `from`.
async fn move_books(bench: &Bench, arguments: &GatewayArguments, (from, to): (Instant, Instant)) -> f64 {
    let mut maker = bench.maker.clone();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / u32::from(arguments.changes));
    let mut cpu_before = None;
    let count = u64::try_from(bench.books.len()).unwrap_or(1);
    for (turn, book) in (0_u64..).zip(bench.books.iter().cycle()) {
        tick.tick().await;
        if Instant::now() >= to {
            break;
        }
        if cpu_before.is_none() && Instant::now() >= from {
            cpu_before = bench.gateway.cpu_seconds();
        }
        bench.sequencer.commit(maker.quote(book, turn / count).into_iter().collect());
    }
    bench.gateway.cpu_seconds().unwrap_or(0.0) - cpu_before.unwrap_or(0.0)
}

/// Reads what comes; how long each change made between `from` and `to` took, in ms.
async fn read(
    mut socket: Socket,
    sequencer: Sequencer,
    (from, to): (Instant, Instant),
) -> Result<Vec<f64>, Failure> {
    let mut latencies = Vec::new();
    loop {
        let left = (to + GRACE).saturating_duration_since(Instant::now());
        let Ok(text) = tokio::time::timeout(left, socket.next()).await else { return Ok(latencies) };
        let (text, now) = (text?, Instant::now());
        let made = change_id(&text).and_then(|commit| sequencer.committed_at(commit));
        if let Some(at) = made.filter(|at| (from..to).contains(at)) {
            latencies.push(now.duration_since(at).as_secs_f64() * 1e3);
        }
    }
}

/// The commit that a change of a book names. Reading all of the JSON would measure the subscribers.
fn change_id(text: &str) -> Option<u64> {
    if !text.contains("\"type\":\"change\"") {
        return None;
    }
    let (_, rest) = text.split_once("\"change_id\":")?;
    let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::change_id;

    #[test]
    fn a_change_names_its_commit_and_a_snapshot_does_not_count() {
        let change = r#"{"params":{"data":{"asks":[],"change_id":17,"prev_change_id":3,"type":"change"}}}"#;
        assert_eq!(change_id(change), Some(17));
        assert_eq!(change_id(&change.replace("change\"}", "snapshot\"}")), None);
        assert_eq!(change_id("{}"), None);
    }
}
