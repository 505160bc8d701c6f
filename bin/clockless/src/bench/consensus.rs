//! `clockless bench consensus`: transactions through separate validator processes, each with its coin, its
//! encrypted links and its synchronised log; nothing executes them.
//!
//! Load comes from outside through client streams, or with `--local-load` is made inside the validators, as
//! other projects measure. Latency runs from the moment a transaction was due to the moment its maker knows it
//! is final.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;

use crate::{
    bench::{clients::Client, quantile, rounded},
    commands::{
        block_on,
        genesis::{CoinOrigin, Plan},
    },
    demo::parse_span,
    failure::Failure,
    load::{BYTES_MIN, Load},
    local::LocalNetwork,
    node::config::{ExecutionMode, LoadConfig, PacingConfig},
};

/// Before anything is measured.
pub(super) const WARM_UP: Duration = Duration::from_secs(3);

#[derive(Args, Debug)]
pub struct ConsensusArguments {
    #[arg(long, default_value_t = 4)]
    validators: u16,
    /// Size of a transaction, 16 to 16,384.
    #[arg(long, default_value_t = 512)]
    tx_bytes: usize,
    /// Transactions a second, over all validators.
    #[arg(long, default_value_t = 20_000)]
    load: u64,
    #[arg(long = "for", value_parser = parse_span, default_value = "30s")]
    span: Duration,
    /// Makes the load inside the validators instead of through client sockets.
    #[arg(long)]
    local_load: bool,
    /// Leaves the log unsynchronised: only to see what synchronising costs.
    #[arg(long)]
    no_fsync: bool,
    /// The least time between two blocks of a validator under load.
    #[arg(long)]
    round_delay_ms: Option<u64>,
    /// How long a transaction waits for company.
    #[arg(long)]
    batch_delay_ms: Option<u64>,
    /// Workers of each validator, in its process.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    workers: u8,
    #[arg(long)]
    json: bool,
}

/// What was counted between two moments.
struct Measured {
    seconds: f64,
    committed: f64,
    refused: u64,
    latencies_ms: (f64, f64),
    cpu_seconds: f64,
    rounds: u64,
}

pub fn run(arguments: &ConsensusArguments) -> Result<(), Failure> {
    let bytes_max = wire::limits::TRANSACTION_BYTES_MAX;
    if !(BYTES_MIN..=bytes_max).contains(&arguments.tx_bytes) {
        let have = arguments.tx_bytes;
        return Err(Failure::bad_input(format!(
            "--tx-bytes {have}: {BYTES_MIN} to {bytes_max} are possible"
        )));
    }
    let each = LoadConfig {
        transactions_per_s: arguments.load / u64::from(arguments.validators.max(1)),
        transaction_bytes: arguments.tx_bytes,
    };
    let plan = Plan {
        execution: ExecutionMode::None,
        fsync: !arguments.no_fsync,
        workers: arguments.workers,
        pacing: PacingConfig {
            round_delay_ms_min: arguments.round_delay_ms,
            batch_delay_ms: arguments.batch_delay_ms,
            ..PacingConfig::default()
        },
        load: arguments.local_load.then_some(each),
        coin: CoinOrigin::Dealer,
        ..Plan::default()
    };
    let mut network = LocalNetwork::start(arguments.validators, plan)?;
    let measured = block_on(async {
        if arguments.local_load {
            inside(&network, arguments.span).await
        } else {
            outside(&network, each, arguments.span).await
        }
    })??;
    network.check_alive(None)?;
    let memory = network.nodes.iter().filter_map(crate::local::Process::memory_peak_mb).fold(0.0, f64::max);
    let out = json!({
        "validators": arguments.validators,
        "workers": arguments.workers,
        "tx_bytes": arguments.tx_bytes,
        "load_tps": arguments.load,
        "local_load": arguments.local_load,
        "fsync": !arguments.no_fsync,
        "seconds": rounded(measured.seconds),
        "committed_tps": (measured.committed / measured.seconds).round(),
        "p50_ms": rounded(measured.latencies_ms.0),
        "p99_ms": rounded(measured.latencies_ms.1),
        "cpu_us_per_tx": rounded(measured.cpu_seconds * 1e6 / measured.committed.max(1.0)),
        "rss_mb_max": memory.round(),
        "rounds_per_s": (measured.rounds as f64 / measured.seconds).round(),
        "refused": measured.refused,
    });
    let text = if arguments.json { out.to_string() } else { format!("{out:#}") };
    println!("{text}");
    if measured.committed == 0.0 {
        return Err(Failure::failed("nothing was committed"));
    }
    Ok(())
}

fn cpu_seconds(network: &LocalNetwork) -> f64 {
    network.nodes.iter().filter_map(crate::local::Process::cpu_seconds).sum()
}

async fn outside(network: &LocalNetwork, each: LoadConfig, span: Duration) -> Result<Measured, Failure> {
    let started =
        (0..).zip(&network.rpc).map(|(maker, address)| Client::start(*address, Load::new(each, maker)));
    let mut clients: Vec<Client> = started.collect();
    tokio::time::sleep(WARM_UP).await;
    let (before, began, cpu) = (read(&network.metrics).await?, Instant::now(), cpu_seconds(network));
    tokio::time::sleep(span).await;
    let (ended, cpu_seconds) = (Instant::now(), cpu_seconds(network) - cpu);
    let rounds = read(&network.metrics).await?.round - before.round;
    for client in &mut clients {
        client.check().await?;
    }
    let mut latencies: Vec<f64> = clients.iter().flat_map(|client| client.latencies(began, ended)).collect();
    latencies.sort_by(f64::total_cmp);
    let at = |part| quantile(&latencies, part).unwrap_or(f64::INFINITY);
    let refused = clients.iter().map(|client| client.refused(began, ended)).sum::<usize>();
    Ok(Measured {
        seconds: ended.duration_since(began).as_secs_f64(),
        committed: latencies.len() as f64,
        refused: u64::try_from(refused).unwrap_or(u64::MAX),
        latencies_ms: (at(0.5), at(0.99)),
        cpu_seconds,
        rounds,
    })
}

/// A reading of the validators' own histograms, added up.
#[derive(Default)]
struct Reading {
    /// How many took at most so many microseconds.
    at_most: BTreeMap<u64, u64>,
    refused: u64,
    /// The highest round.
    round: u64,
}

async fn inside(network: &LocalNetwork, span: Duration) -> Result<Measured, Failure> {
    tokio::time::sleep(WARM_UP).await;
    let (before, began, cpu) = (read(&network.metrics).await?, Instant::now(), cpu_seconds(network));
    tokio::time::sleep(span).await;
    let (after, seconds) = (read(&network.metrics).await?, began.elapsed().as_secs_f64());
    let cpu_seconds = cpu_seconds(network) - cpu;
    let counts: Vec<(u64, u64)> = after
        .at_most
        .iter()
        .map(|(bound, count)| (*bound, count - before.at_most.get(bound).copied().unwrap_or(0)))
        .collect();
    let all = counts.last().map_or(0, |(_, count)| *count);
    let at = |part: f64| {
        let wanted = (part * all as f64).ceil() as u64;
        counts.iter().find(|(_, count)| *count >= wanted).map_or(f64::INFINITY, |(us, _)| *us as f64 / 1e3)
    };
    Ok(Measured {
        seconds,
        committed: all as f64,
        refused: after.refused - before.refused,
        latencies_ms: (at(0.5), at(0.99)),
        cpu_seconds,
        rounds: after.round - before.round,
    })
}

async fn read(addresses: &[SocketAddr]) -> Result<Reading, Failure> {
    let mut reading = Reading::default();
    for address in addresses {
        let text = http_get(*address, "/metrics").await?;
        for line in text.lines() {
            if let Some((bound, count)) = bucket(line) {
                *reading.at_most.entry(bound).or_default() += count;
            } else if let Some(count) = line.strip_prefix("clockless_node_load_refused_total ") {
                reading.refused += count.parse::<u64>().unwrap_or(0);
            } else if let Some(round) = line.strip_prefix("clockless_node_round ") {
                reading.round = reading.round.max(round.parse().unwrap_or(0));
            }
        }
    }
    Ok(reading)
}

/// The bound in microseconds and the count of a line of the histogram.
fn bucket(line: &str) -> Option<(u64, u64)> {
    let rest = line.strip_prefix("clockless_node_load_finality_seconds_bucket{le=\"")?;
    let (bound, count) = rest.split_once("\"} ")?;
    let bound = match bound {
        "+Inf" => u64::MAX,
        bound => (bound.parse::<f64>().ok()? * 1e6).round() as u64,
    };
    Some((bound, count.trim().parse().ok()?))
}

/// The body of a page: a node's metrics need no more of HTTP than this.
async fn http_get(address: SocketAddr, path: &str) -> Result<String, Failure> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let failed = |error: std::io::Error| Failure::failed(format!("{address}{path}: {error}"));
    let mut stream = tokio::net::TcpStream::connect(address).await.map_err(failed)?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_histogram_is_read_in_microseconds() {
        let line = "clockless_node_load_finality_seconds_bucket{le=\"0.0125\"} 42";
        assert_eq!(bucket(line), Some((12_500, 42)));
        let last = "clockless_node_load_finality_seconds_bucket{le=\"+Inf\"} 43";
        assert_eq!(bucket(last), Some((u64::MAX, 43)));
        assert_eq!(bucket("clockless_node_commits_total 5"), None);
    }
}
