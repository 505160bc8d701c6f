//! What changed a balance, entry by entry.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use num::{Cash, Fix, Side};
use serde_json::{Value, json};
use support::{MAKER, PERPETUAL, TRADER, Venue, account, limit};
use wire::{Action, InstrumentId};

/// An account's log, the latest entry first.
async fn log_of(venue: &Venue, client_id: &str) -> Vec<Value> {
    let span = json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": 9_999_999_999_999_u64 });
    let log = venue.private(client_id, "private/get_transaction_log", &span).await.result()["logs"].clone();
    log.as_array().expect("a list").clone()
}

fn names_of(entry: &Value, names: [&str; 4]) -> [Value; 4] {
    names.map(|name| entry[name].clone())
}

fn micros(value: &Value) -> i64 {
    gateway::decimal::parse(&value.to_string(), 6).expect("a number of six places")
}

/// Each entry leads from the balance of the one before to its own, and the last to the account's.
async fn adds_up(venue: &Venue, client_id: &str, log: &[Value]) {
    for pair in log.windows(2) {
        assert_eq!(
            micros(&pair[0]["balance"]),
            micros(&pair[1]["balance"]) + micros(&pair[0]["change"]),
            "{pair:?}"
        );
    }
    let balance = venue.private(client_id, "private/get_account_summaries", &json!({})).await;
    assert_eq!(balance.result()["summaries"][0]["balance"], log[0]["balance"]);
}

/// The trader holds more than he can, and nobody quotes.
async fn ruined(change: impl FnOnce(&mut gateway::Config)) -> Venue {
    let venue = Venue::open_with(change).await;
    let at = |side| limit(InstrumentId(0), side, (63_000, 128_000));
    venue.act(MAKER, vec![Action::CancelAll { instrument: None }, at(Side::Sell)]);
    venue.act(TRADER, vec![at(Side::Buy)]);
    venue
}

#[tokio::test]
async fn the_log_tells_of_vaults_and_of_combos_listed_and_adds_up_to_the_balance() {
    let vault = exchange::genesis::VaultParameters {
        lock_ms: 1_000,
        exit_billionths: 0,
        spread_billionths: 20_000_000,
        skew_billionths: 100_000_000,
        lots: 20,
        instruments_max: 8,
    };
    let venue = Venue::open_with(|config| config.exchange.vault = Some(vault)).await;
    let whole = |usd| Cash::from_whole(usd).expect("it fits");
    venue.act(TRADER, vec![Action::EnterVault { pool: 0, amount: whole(1_000) }]);
    let legs = json!({ "trades": [
        { "instrument_name": venue.names[1], "direction": "buy", "amount": 1 },
        { "instrument_name": PERPETUAL, "direction": "sell", "amount": 1 },
    ] });
    venue.ready().await;
    let combo = venue.private("trader", "private/create_combo", &legs).await.result()["id"].clone();
    venue.sequencer.skip(2_000);
    let log = log_of(&venue, "trader").await;
    let shares = log[1]["info"]["shares"].as_u64().expect("a number of shares");
    venue.act(TRADER, vec![Action::LeaveVault { pool: 0, shares: shares / 2 }]);
    venue.ready().await;

    let log = log_of(&venue, "trader").await;
    let told = |place: usize, names: [&str; 3]| names.map(|name| log[place][name].clone());
    let names = ["type", "change", "commission"];
    assert_eq!(told(0, names), [json!("vault_withdrawal"), json!(500.0), json!(0.0)]);
    assert_eq!(log[0]["info"], json!({ "pool": 0, "shares": shares / 2 }));
    assert_eq!(told(1, ["type", "instrument_name", "cashflow"]), [json!("combo_listing"), combo, json!(0.0)]);
    assert_eq!(told(2, names), [json!("vault_deposit"), json!(-1_000.0), json!(0.0)]);
    assert_eq!(log.iter().map(|it| micros(&it["change"])).sum::<i64>(), micros(&log[0]["balance"]));
    adds_up(&venue, "trader", &log).await;
}

#[tokio::test]
async fn a_part_of_an_account_that_is_auctioned_is_in_both_logs_with_its_reward() {
    let venue = ruined(|_| {}).await;
    for wait_ms in [0, 10_001, 30_000] {
        venue.sequencer.skip(wait_ms);
        venue.report(0, 58_700);
    }
    let part = Fix::from_raw(Fix::SCALE / 10);
    let of = account(TRADER);
    venue.act(MAKER, vec![Action::TakeAuction { account: of, part, reward_min: Cash::ZERO }]);
    venue.ready().await;
    let (given, taken) = (log_of(&venue, "trader").await, log_of(&venue, "maker").await);
    let names = ["type", "side", "amount", "position"];
    assert_eq!(given[0]["type"], "liquidation_reward");
    assert_eq!(micros(&given[0]["change"]) + micros(&taken[0]["change"]), 0);
    assert!(micros(&taken[0]["change"]) > 0, "{taken:?}");
    let told = |side: &str, left: f64| [json!("liquidation"), json!(side), json!(6.3), json!(left)];
    assert_eq!(names_of(&given[1], names), told("close sell", 56.7));
    assert_eq!(names_of(&taken[1], names), told("close buy", -56.7));
    assert_eq!((&given[1]["price"], &given[1]["instrument_name"]), (&taken[1]["price"], &json!(PERPETUAL)));
    assert!(given[1]["trade_id"].is_null() && micros(&given[1]["session_rpl"]) < 0, "{}", given[1]);
    adds_up(&venue, "trader", &given).await;
    adds_up(&venue, "maker", &taken).await;
    let funding = given.iter().chain(&taken).filter(|it| it["type"] == "settlement");
    funding.for_each(|it| assert_eq!(it["instrument_name"], PERPETUAL));
}

#[tokio::test]
async fn a_deleveraged_position_is_in_both_logs() {
    let venue = ruined(|config| config.exchange.insurance_micros = 50_000_000_000).await;
    for wait_ms in [0, 10_001, 60_000] {
        venue.sequencer.skip(wait_ms);
        venue.report(0, 46_000);
    }
    venue.ready().await;
    let (closed, other) = (log_of(&venue, "trader").await, log_of(&venue, "maker").await);
    let names = ["type", "side", "amount", "position"];
    let told = |side: &str| [json!("auto_deleveraging"), json!(side), json!(63.0), json!(0.0)];
    assert_eq!(names_of(&closed[0], names), told("close sell"), "{closed:?}");
    assert_eq!(names_of(&other[0], names), told("close buy"), "{other:?}");
    assert!(closed.iter().any(|it| it["type"] == "socialized_fund"), "{closed:?}");
    assert_eq!(closed[0]["balance"], json!(0.0));
    adds_up(&venue, "trader", &closed).await;
    adds_up(&venue, "maker", &other).await;
}

#[tokio::test]
async fn a_position_tells_the_funding_that_it_paid_and_how_far_its_margin_goes() {
    let venue = Venue::open().await;
    let position = json!({ "instrument_name": PERPETUAL });
    let flat = venue.private("trader", "private/get_position", &position).await.result().clone();
    venue.act(TRADER, vec![limit(InstrumentId(0), Side::Buy, (1_000, 128_100))]);
    // A book above the index has longs pay.
    venue.sequencer.skip(8 * num::HOUR_MS);
    venue.report(0, 63_900);
    venue.sequencer.skip(num::HOUR_MS);
    venue.report(0, 63_900);
    venue.ready().await;
    let held = venue.private("trader", "private/get_position", &position).await.result().clone();
    let log = log_of(&venue, "trader").await;
    let paid: i64 = log.iter().filter(|it| it["type"] == "settlement").map(|it| micros(&it["change"])).sum();
    assert!(paid < 0, "{log:?}");
    assert_eq!(micros(&held["realized_funding"]), paid);
    let margin = micros(&held["mark_price"]) / micros(&held["initial_margin"]);
    assert_eq!((&held["leverage"], &flat["leverage"]), (&json!(margin), &json!(margin)));
    adds_up(&venue, "trader", &log).await;
}
