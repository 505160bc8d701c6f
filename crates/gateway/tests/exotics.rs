//! Exotics through a gateway: listed by name, hidden from who does not ask, traded beside the books, exercised, refused.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue, http::Answer};

const CREATE: &str = "private/clockless/create_exotic";

/// The name of the call at 64,000 with a style behind it.
fn named(venue: &Venue, style: &str) -> Value {
    json!({ "instrument_name": format!("{}-{style}", venue.names[2]) })
}

async fn listed(venue: &Venue, name: &Value) -> Value {
    venue.private("trader", CREATE, name).await.result().clone()
}

fn sale(name: &Value, price: i64) -> Value {
    json!({ "instrument_name": name["instrument_name"], "price": price, "amount": 0.5, "direction": "sell" })
}

/// The maker sells to the trader, in a block trade.
async fn traded(venue: &Venue, nonce: &str, trades: &Value) -> Answer {
    let mut agreed = json!({ "timestamp": 1, "nonce": nonce, "role": "maker", "trades": trades });
    let verified = venue.private("maker", "private/verify_block_trade", &agreed).await;
    agreed["role"] = json!("taker");
    agreed["counterparty_signature"] = verified.result()["signature"].clone();
    venue.private("trader", "private/execute_block_trade", &agreed).await
}

async fn balance(venue: &Venue, client_id: &str) -> f64 {
    let summaries = venue.private(client_id, "private/get_account_summaries", &json!({})).await;
    summaries.result()["summaries"][0]["balance"].as_f64().expect("a balance")
}

#[tokio::test]
async fn an_exotic_is_listed_by_its_name_and_shown_to_who_asks_for_the_kind() {
    let venue = Venue::open().await;
    let before = balance(&venue, "trader").await;
    let name = named(&venue, "UO_70000_500");
    let created = listed(&venue, &name).await;
    let style =
        json!({ "style": "barrier", "direction": "up", "knock": "out", "level": 70_000.0, "rebate": 500.0 });
    let instrument = &created["instrument"];
    assert_eq!((&instrument["exotic"], &instrument["kind"]), (&style, &json!("exotic")));
    assert_eq!((&instrument["option_type"], &instrument["strike"]), (&json!("call"), &json!(64_000.0)));
    assert_eq!((&created["touched_price"], &created["fixings_made"]), (&Value::Null, &json!(0)));
    let again = venue.private("maker", CREATE, &name).await;
    assert_eq!(again.result(), &created);
    let paid = before - balance(&venue, "trader").await;
    assert!((paid - 10.0).abs() < 1e-9, "{paid}");
    let span = json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": 9_999_999_999_999_u64 });
    let log = venue.private("trader", "private/get_transaction_log", &span).await.result()["logs"].clone();
    let entry = ["type", "instrument_name", "change", "commission"].map(|field| log[0][field].clone());
    assert_eq!(entry, [json!("exotic_listing"), name["instrument_name"].clone(), json!(-10.0), json!(10.0)]);
    for (kind, count) in [("exotic", 1), ("option", 4), ("any", 8)] {
        let asked = json!({ "currency": "USDC", "kind": kind });
        for method in ["public/get_instruments", "public/get_book_summary_by_currency"] {
            let found = venue.public(method, &asked).await;
            assert_eq!(found.result().as_array().map(Vec::len), Some(count), "{method} {kind}");
        }
    }
    let ticker = venue.public("public/ticker", &name).await.result().clone();
    assert!(ticker["mark_price"].as_f64().is_some_and(|mark| mark > 300.0 && mark < 500.0), "{ticker}");
    assert_eq!(venue.public("public/clockless/get_exotic", &name).await.result(), &created);
    venue.report(0, 70_500);
    venue.ready().await;
    let met = venue.public("public/clockless/get_exotic", &name).await.result().clone();
    assert_eq!(met["touched_price"], json!(70_500.0));
    let ticker = venue.public("public/ticker", &name).await.result().clone();
    assert_eq!(ticker["mark_price"], json!(500.0), "the rebate");
}

#[tokio::test]
async fn an_exotic_trades_beside_its_hedge_and_an_american_one_is_exercised() {
    let venue = Venue::open().await;
    let name =
        json!({ "instrument_name": format!("{}-AMERICAN", venue.names[2].replace("-64000-", "-50000-")) });
    listed(&venue, &name).await;
    let hedge = json!({ "instrument_name": PERPETUAL, "price": 64_000, "amount": 0.5, "direction": "buy" });
    let block = traded(&venue, "a", &json!([sale(&name, 14_000), hedge])).await;
    assert_eq!(block.result()["trades"].as_array().map(Vec::len), Some(2), "{block:?}");
    let position = venue.private("trader", "private/get_position", &name).await.result().clone();
    assert_eq!((&position["kind"], &position["size"]), (&json!("exotic"), &json!(0.5)));
    let all = venue.private("trader", "private/get_positions", &json!({ "currency": "any" })).await;
    assert_eq!(all.result().as_array().map(Vec::len), Some(2), "positions are shown whatever their kind");

    let (trader, maker) = (balance(&venue, "trader").await, balance(&venue, "maker").await);
    let mut some = name.clone();
    some["amount"] = json!(0.2);
    let exercised = venue.private("trader", "private/clockless/exercise", &some).await;
    assert_eq!(exercised.result()["size"], json!(0.3));
    // Half of it stays; the index is at 64,000, so that a fifth of a unit pays 2,800.
    let won = [balance(&venue, "trader").await - trader, balance(&venue, "maker").await - maker];
    assert!((won[0] - 2_800.0).abs() < 1e-6 && (won[1] + 2_800.0).abs() < 1e-6, "{won:?}");
    for (client_id, size) in [("trader", 0.2), ("maker", -0.2)] {
        let told = venue.private(client_id, "private/get_settlement_history_by_instrument", &name).await;
        let settled = &told.result()["settlements"][0];
        assert_eq!((&settled["position"], &settled["mark_price"]), (&json!(size), &json!(14_000.0)));
    }
    let log = venue
        .private(
            "trader",
            "private/get_transaction_log",
            &json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": 4_000_000_000_000_u64 }),
        )
        .await;
    let entry = &log.result()["logs"][0];
    assert_eq!((&entry["type"], &entry["change"]), (&json!("delivery"), &json!(2_800.0)));
    some["amount"] = json!(0.31);
    let refused = venue.private("trader", "private/clockless/exercise", &some).await;
    assert_eq!(refused.code(), 10_021, "{refused:?}");
}

#[tokio::test]
async fn an_exotic_is_a_leg_of_a_request_for_quotes() {
    let venue = Venue::open().await;
    let name = named(&venue, "CASH_1000");
    listed(&venue, &name).await;
    let leg = json!({ "instrument_name": name["instrument_name"], "amount": 0.5, "direction": "buy" });
    let asked = json!({ "legs": [leg] });
    let request = venue.private("trader", "private/create_block_rfq", &asked).await.result().clone();
    let priced = json!({
        "instrument_name": name["instrument_name"], "price": 480, "direction": "buy", "ratio": 1,
    });
    let quote = json!({
        "block_rfq_id": request["block_rfq_id"], "direction": "sell", "amount": 0.5, "legs": [priced],
    });
    venue.private("maker", "private/add_block_rfq_quote", &quote).await.result();
    let buy = json!({
        "block_rfq_id": request["block_rfq_id"], "price": 480, "amount": 0.5, "direction": "buy",
        "time_in_force": "fill_or_kill",
    });
    let accepted = venue.private("trader", "private/accept_block_rfq", &buy).await;
    assert_eq!(accepted.result()["block_trades"].as_array().map(Vec::len), Some(1), "{accepted:?}");
    let position = venue.private("maker", "private/get_position", &name).await;
    assert_eq!(position.result()["size"], json!(-0.5));
}

#[tokio::test]
async fn what_is_no_exotic_and_what_exotics_do_not_do_is_refused() {
    let venue = Venue::open().await;
    for (style, code) in
        [("UO_60000", 10_023), ("CASH_64001", 10_021), ("ASIAN_32", 11_029), ("UX_1", -32_602)]
    {
        let refused = venue.private("trader", CREATE, &named(&venue, style)).await;
        assert_eq!(refused.code(), code, "{style}: {refused:?}");
    }
    for text in [PERPETUAL, venue.names[2].as_str(), "", "XYZ_USDC-25SEP26-90000-C-ASSET"] {
        let refused = venue.private("trader", CREATE, &json!({ "instrument_name": text })).await;
        assert_eq!(refused.code(), -32_602, "{text}: {refused:?}");
    }
    let name = named(&venue, "ASSET");
    assert_eq!(venue.private("reader", CREATE, &name).await.code(), 13_021);
    listed(&venue, &name).await;
    let order = json!({
        "instrument_name": name["instrument_name"], "amount": 0.1, "type": "limit", "price": 30_000,
    });
    assert_eq!(venue.private("trader", "private/buy", &order).await.code(), 10_012);
    assert_eq!(venue.private("trader", "private/clockless/exercise", &order).await.code(), 11_029);
    let option = json!({ "instrument_name": venue.names[2] });
    assert_eq!(venue.public("public/clockless/get_exotic", &option).await.code(), -32_602);
}
