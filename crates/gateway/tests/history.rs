//! History that memory has forgotten: the same answers from SQLite, from PostgreSQL, after a restart, and from a gateway
//! that began anew.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "the test's node reads the clock, and a test fails by a panic"
)]

mod support;

use std::net::SocketAddr;

use num::{Lots, Side, Ticks};
use serde_json::{Value, json};
use support::{MAKER, PERPETUAL, TRADER, Venue, account, history_in, http, limit, postgres::Postgres};
use wire::{Action, InstrumentId, QuoteSide};

/// More than memory holds of anything that is asked for here.
const ROUNDS: usize = 34;
const TRADES: u64 = 34 * 64;

/// Trades 64 times a round, one lot each, with blocks after the first, and rests once.
async fn trade_a_lot(venue: &Venue) {
    for round in 0..ROUNDS {
        if round == 1 {
            trade_blocks(venue).await;
        }
        let side = |place| if place % 2 == 0 { (Side::Buy, 130_000) } else { (Side::Sell, 126_000) };
        let orders = (0..64).map(|place| limit(InstrumentId(0), side(place).0, (1, side(place).1)));
        venue.act(TRADER, orders.collect());
    }
    venue.act(MAKER, vec![limit(InstrumentId(0), Side::Buy, (1_000, 127_990))]);
}

/// Three blocks of two options each, the last with a future.
async fn trade_blocks(venue: &Venue) {
    let leg = |name: &str, price: u64| json!({ "instrument_name": name, "price": price, "amount": 0.1, "direction": "buy" });
    for nonce in ["a", "b", "c"] {
        let mut trades = vec![leg(&venue.names[2], 2_500), leg(&venue.names[3], 2_500)];
        trades.extend((nonce == "c").then(|| leg(&venue.names[1], 64_000)));
        let mut agreed = json!({ "timestamp": 1, "nonce": nonce, "role": "maker", "trades": trades });
        let signed = venue.private("maker", "private/verify_block_trade", &agreed).await;
        agreed["counterparty_signature"] = signed.result()["signature"].clone();
        agreed["role"] = json!("taker");
        venue.private("trader", "private/execute_block_trade", &agreed).await.result();
    }
}

/// What a caller is told that goes back further than memory does.
async fn told(address: SocketAddr) -> Vec<Value> {
    let all = json!({ "instrument_name": PERPETUAL, "start_timestamp": 0, "count": 1_000 });
    let by_number = json!({ "instrument_name": PERPETUAL, "start_seq": 5, "end_seq": 9 });
    let currency = json!({ "currency": "USDC", "kind": "future", "start_id": "2", "count": 3 });
    let log = json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": u64::MAX, "count": 250 });
    let deposits =
        json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": u64::MAX, "query": "deposit" });
    let nothing = json!({ "currency": "EURR", "start_timestamp": 0, "end_timestamp": u64::MAX });
    let page = json!({ "currency": "USDC", "count": 40, "with_continuation": true });
    let options = json!({ "currency": "BTC", "kind": "option", "count": 2 });
    let older = json!({ "currency": "BTC", "start_id": "BLOCK-67" });
    let futures = json!({ "currency": "BTC", "kind": "future" });
    let one = json!({ "id": "BLOCK-67" });
    let mut answers = Vec::new();
    for (method, params) in [
        ("public/get_last_trades_by_instrument", &all),
        ("public/get_last_trades_by_instrument", &by_number),
        ("public/get_last_trades_by_currency", &currency),
        ("private/get_user_trades_by_instrument", &all),
        ("private/get_user_trades_by_currency", &currency),
        ("private/get_transaction_log", &log),
        ("private/get_transaction_log", &deposits),
        ("private/get_transaction_log", &nothing),
        ("private/get_order_history_by_currency", &page),
        ("private/get_block_trades", &options),
        ("private/get_block_trades", &older),
        ("private/get_block_trades", &futures),
        ("private/get_block_trade", &one),
    ] {
        let answer = http::call(address, method, params, Some(("trader", "secret"))).await;
        answers.push(answer.result().clone());
    }
    answers
}

fn check(answers: &[Value]) {
    let (answers, blocks) = answers.split_at(9);
    let [trades, by_number, by_currency, fills, own, log, _deposits, nothing, orders] = answers else {
        panic!("nine answers and blocks")
    };
    check_blocks(blocks);
    assert_eq!(trades["trades"].as_array().map(Vec::len), Some(1_000));
    assert_eq!((&trades["trades"][0]["trade_seq"], &trades["has_more"]), (&json!(1), &json!(true)));
    let numbers = |it: &Value, name: &str| -> Vec<Value> {
        it["trades"].as_array().into_iter().flatten().map(|trade| trade[name].clone()).collect()
    };
    assert_eq!(numbers(by_number, "trade_seq"), [5, 6, 7, 8, 9].map(|it| json!(it)));
    assert_eq!(numbers(by_currency, "trade_id"), ["2", "3", "4"].map(|it| json!(it)));
    assert_eq!(numbers(own, "trade_id"), ["2", "3", "4"].map(|it| json!(it)));
    assert_eq!(fills["trades"][0]["trade_id"], "1");
    assert_eq!(fills["trades"][0]["liquidity"], "T");
    assert_eq!(nothing["logs"], json!([]));
    assert_eq!(log["logs"].as_array().map(Vec::len), Some(250));
    assert_eq!(log["logs"][0]["username"], "trader");
    assert_eq!(orders["orders"].as_array().map(Vec::len), Some(40));
    assert!(orders["continuation"].is_string(), "{orders}");
}

fn check_blocks(answers: &[Value]) {
    let ids = |list: &Value| -> Vec<String> {
        let ids =
            list.as_array().into_iter().flatten().map(|it| it["id"].as_str().unwrap_or_default().to_owned());
        ids.collect()
    };
    let [options, older, futures, one] = answers else { panic!("four answers") };
    assert_eq!(ids(options), ["BLOCK-69", "BLOCK-67"]);
    assert_eq!((ids(older), ids(futures)), (vec!["BLOCK-65".to_owned()], vec!["BLOCK-69".to_owned()]));
    assert_eq!(one, &options[1]);
    let sides: Vec<&Value> =
        one["trades"].as_array().into_iter().flatten().map(|it| &it["direction"]).collect();
    assert_eq!(sides, ["sell", "sell"]);
}

/// Walks through all orders of an account page by page.
async fn count_orders(address: SocketAddr) -> usize {
    let (mut seen, mut continuation) = (std::collections::BTreeSet::new(), json!("none"));
    while !continuation.is_null() {
        let params = json!({ "currency": "USDC", "count": 700, "with_continuation": true, "continuation": continuation });
        let answer =
            http::call(address, "private/get_order_history_by_currency", &params, Some(("trader", "secret")))
                .await;
        let orders = answer.result()["orders"].as_array().expect("a list");
        seen.extend(orders.iter().map(|order| order["order_id"].to_string()));
        continuation = answer.result()["continuation"].clone();
    }
    seen.len()
}

async fn forgets_nothing(url: String, fresh_url: String) {
    let venue = Venue::open().await;
    let (first, killed) = venue.serve(|config| config.history = Some(url.clone())).await;
    venue.ready_at(first).await;
    trade_a_lot(&venue).await;
    venue.ready_at(first).await;
    let before = told(first).await;
    check(&before);
    assert_eq!(count_orders(first).await, usize::try_from(TRADES).expect("it fits"));
    let oldest = before[3]["trades"][0]["order_id"].clone();
    let order = http::call(
        first,
        "private/get_order_state",
        &json!({ "order_id": oldest }),
        Some(("trader", "secret")),
    )
    .await;
    assert_eq!(order.result()["order_state"], "filled");
    let of_order = json!({ "order_id": oldest });
    let stranger = http::call(first, "private/get_order_state", &of_order, Some(("maker", "secret"))).await;
    assert_eq!(stranger.code(), 10_004);
    killed.abort();
    let (second, _) = venue.serve(|config| config.history = Some(url)).await;
    venue.ready_at(second).await;
    assert_eq!(told(second).await, before, "after a restart");
    let (third, _) = venue.serve(|config| config.history = Some(fresh_url)).await;
    venue.ready_at(third).await;
    assert_eq!(told(third).await, before, "rebuilt from the commits");
    assert_ne!(account(TRADER), account(MAKER));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_holds_what_memory_forgot_and_outlives_the_gateway() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = |name: &str| history_in(&folder, name);
    forgets_nothing(url("first.sqlite"), url("second.sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_holds_the_same() {
    let Some(postgres) = Postgres::start() else {
        println!("skipped: no PostgreSQL is installed (Debian: apt-get install postgresql)");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let fresh = history_in(&folder, "fresh.sqlite");
    forgets_nothing(postgres.url.clone(), fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_that_never_traded_is_not_stored_and_every_other_order_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = history_in(&folder, "history.sqlite");
    let venue = Venue::open().await;
    let (address, _) = venue.serve(|config| config.history = Some(url)).await;
    venue.ready_at(address).await;
    venue.act(MAKER, vec![limit(InstrumentId(0), Side::Buy, (7, 120_000))]);
    venue.act(MAKER, vec![Action::CancelAll { instrument: None }]);
    let quote = |bid| {
        let side = |price| Some(QuoteSide { price: Ticks::new(price), lots: Lots::new(5) });
        Action::Quote { instrument: InstrumentId(0), protection: None, bid: side(bid), ask: side(130_000) }
    };
    venue.act(MAKER, vec![quote(126_000)]);
    venue.act(TRADER, vec![limit(InstrumentId(0), Side::Sell, (2, 126_000))]);
    for _ in 0..ROUNDS {
        venue.act(MAKER, (0..64).map(|place| quote(125_000 + place)).collect());
    }
    venue.ready_at(address).await;
    let all = json!({ "currency": "USDC", "count": 1_000, "include_unfilled": true });
    let told =
        http::call(address, "private/get_order_history_by_currency", &all, Some(("maker", "secret"))).await;
    let orders = told.result().as_array().into_iter().flatten();
    let sizes: Vec<_> = orders.map(|it| (it["amount"].as_f64(), it["filled_amount"].as_f64())).collect();
    let quotes = sizes.iter().filter(|(amount, _)| *amount == Some(0.005)).collect::<Vec<_>>();
    assert_eq!(quotes, [&(Some(0.005), Some(0.002))], "the one that traded");
    assert!(sizes.contains(&(Some(0.007), Some(0.0))), "an order that is no quote: {sizes:?}");
}

#[tokio::test]
async fn a_history_of_another_network_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = history_in(&folder, "history.sqlite");
    let venue = Venue::open().await;
    let (first, task) = venue.serve(|config| config.history = Some(url.clone())).await;
    venue.ready_at(first).await;
    task.abort();
    let (_, other) = venue
        .serve(|config| {
            (config.history, config.network) = (Some(url), crypto::Digest::of("another network", b""));
        })
        .await;
    let ended = other.await.expect("it ends by itself");
    let error = ended.expect_err("a history belongs to one network").to_string();
    assert!(error.contains("is of network"), "{error}");
}
