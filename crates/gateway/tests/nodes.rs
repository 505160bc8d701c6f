//! A gateway with several nodes goes on when the one that it follows is gone.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use support::{
    PERPETUAL, Venue,
    http::{self, Answer},
    ws::Client,
};
use tokio::runtime::Runtime;

/// A venue, and a gateway that follows a node of its own before the venue's; the node keeps what it is handed or not.
async fn with_a_node_of_its_own(keeps: bool) -> (Venue, SocketAddr, Runtime) {
    let venue = Venue::open().await;
    let runtime = Runtime::new().expect("threads can be had");
    let mut mortal = venue.sequencer.clone();
    mortal.keeps = keeps;
    let first = mortal.serve_in(runtime.handle()).to_string();
    let second = venue.node.to_string();
    let (address, _gateway) = venue.serve(|config| config.nodes = vec![first, second]).await;
    venue.ready_at(address).await;
    (venue, address, runtime)
}

async fn trader(address: SocketAddr, method: &str, params: Value) -> Answer {
    http::call(address, method, &params, Some(("trader", "secret"))).await
}

fn order(price: f64) -> Value {
    json!({ "instrument_name": PERPETUAL, "amount": 0.01, "type": "limit", "price": price })
}

#[tokio::test]
async fn orders_go_on_through_the_next_node_when_the_first_is_gone() {
    let (_venue, address, runtime) = with_a_node_of_its_own(false).await;
    let before = trader(address, "private/buy", order(60_000.0)).await;
    assert_eq!(before.result()["order"]["order_state"], "open");
    runtime.shutdown_background();
    let after = trader(address, "private/buy", order(60_001.0)).await;
    assert_eq!(after.result()["order"]["order_state"], "open");
    let open = json!({ "instrument_name": PERPETUAL });
    let open = trader(address, "private/get_open_orders_by_instrument", open).await;
    assert_eq!(open.result().as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_a_lost_node_took_and_never_had_ordered_is_handed_to_the_next() {
    let (_venue, address, runtime) = with_a_node_of_its_own(true).await;
    let placing = trader(address, "private/buy", order(60_000.0));
    tokio::pin!(placing);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut placing).await;
    assert!(early.is_err(), "nobody has it ordered");
    runtime.shutdown_background();
    let placed = placing.await;
    assert_eq!(placed.result()["order"]["order_state"], "open");
}

#[tokio::test]
async fn a_node_that_says_it_is_behind_is_left_for_the_next() {
    let venue = Venue::open().await;
    let mut first = venue.sequencer.clone();
    first.behind = Arc::default();
    let nodes = vec![first.serve().to_string(), venue.node.to_string()];
    let (address, _gateway) = venue.serve(|config| config.nodes = nodes).await;
    venue.ready_at(address).await;
    first.behind.store(true, Ordering::Relaxed);
    let placed = trader(address, "private/buy", order(60_000.0)).await;
    assert_eq!(placed.result()["order"]["order_state"], "open");
}

#[tokio::test]
async fn an_account_hears_how_far_its_intents_are() {
    const CHANNEL: &str = "user.clockless.intents";
    let (venue, address, runtime) = with_a_node_of_its_own(true).await;
    let mut client = Client::log_in(address, "trader").await;
    client.subscribe("private", &[CHANNEL]).await;
    let placing = tokio::spawn(trader(address, "private/buy", order(60_000.0)));
    let accepted = client.next_of(CHANNEL).await;
    assert_eq!(accepted["state"], "accepted");
    runtime.shutdown_background();
    let placed = placing.await.expect("the task ends").result().clone();
    let told = client.next_of(CHANNEL).await;
    assert_eq!((&told["state"], &told["commit"]), (&json!("final"), &placed["commit"]));
    let intent = &placed["intent"];
    assert_eq!((&told["intent"], &accepted["intent"]), (intent, intent));
    let commit = placed["commit"].as_u64().expect("a number");
    venue.sequencer.certify(commit - 1);
    venue.sequencer.certify(commit + 1);
    let certified = json!({
        "intent": intent, "state": "certified", "commit": commit, "certified_commit": commit + 1
    });
    assert_eq!(client.next_of(CHANNEL).await, certified);
}

#[tokio::test]
async fn a_node_that_falls_silent_is_left() {
    let (_venue, address, runtime) = with_a_node_of_its_own(true).await;
    let placed = trader(address, "private/buy", order(60_000.0)).await;
    assert_eq!(placed.result()["order"]["order_state"], "open");
    runtime.shutdown_background();
}
