//! Trading through a gateway: orders from their placing to their end, and who may do what.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{MAKER, PERPETUAL, TRADER, Venue, http, limit, ws::Client};
use wire::InstrumentId;

fn order(amount: f64, price: f64) -> Value {
    json!({ "instrument_name": PERPETUAL, "amount": amount, "type": "limit", "price": price })
}

fn with(mut params: Value, name: &str, value: Value) -> Value {
    params[name] = value;
    params
}

#[tokio::test]
async fn an_order_lives_from_its_placing_to_its_history() {
    let venue = Venue::open().await;
    let placed =
        venue.private("trader", "private/buy", &with(order(0.01, 60_000.0), "label", json!("a"))).await;
    let resting = placed.result()["order"].clone();
    assert_eq!((&resting["order_state"], &resting["contracts"]), (&json!("open"), &json!(10)));
    let by_label = json!({ "label": "a", "instrument_name": PERPETUAL, "amount": 0.02, "price": 60_001.0 });
    let edited = venue.private("trader", "private/edit_by_label", &by_label).await;
    assert_eq!(edited.result()["order"]["order_id"], resting["order_id"]);
    let id = json!({ "order_id": resting["order_id"], "contracts": 30 });
    let edited = venue.private("trader", "private/edit", &id).await;
    let edited = &edited.result()["order"];
    assert_eq!((&edited["amount"], &edited["price"]), (&json!(0.03), &json!(60_001.0)));
    assert_eq!((&edited["replaced"], &edited["order_state"]), (&json!(true), &json!("open")));
    let open = venue
        .private("trader", "private/get_open_orders_by_label", &json!({ "currency": "BTC", "label": "a" }))
        .await;
    assert_eq!(open.result().as_array().map(Vec::len), Some(1));
    let cancelled = venue.private("trader", "private/cancel", &id).await;
    assert_eq!(cancelled.result()["order_state"], "cancelled");
    assert_eq!(cancelled.result()["cancel_reason"], "user_request");
    assert_eq!(venue.private("trader", "private/cancel", &id).await.code(), 11_044);
    assert_eq!(venue.private("trader", "private/edit", &id).await.code(), 11_044);
    assert_eq!(venue.private("maker", "private/get_order_state", &id).await.code(), 10_004);
    let history = json!({ "instrument_name": PERPETUAL });
    let filled_only = venue.private("trader", "private/get_order_history_by_instrument", &history).await;
    assert_eq!(filled_only.result(), &json!([]));
    let history = with(history, "include_unfilled", json!(true));
    let all = venue.private("trader", "private/get_order_history_by_instrument", &history).await;
    assert_eq!(all.result()[0]["order_id"], resting["order_id"]);
}

#[tokio::test]
async fn a_round_trip_is_told_to_the_cent() {
    let venue = Venue::open().await;
    let bought = venue.private("trader", "private/buy", &order(0.1, 64_005.0)).await;
    let trade = &bought.result()["trades"][0];
    assert_eq!((&trade["liquidity"], &trade["contracts"]), (&json!("T"), &json!(100)));
    assert_eq!(trade["fee"], json!(3.20025));
    let summary =
        venue.private("trader", "private/get_account_summary", &json!({ "currency": "USDC" })).await;
    assert_eq!(summary.result()["delta_total"], json!(0.1));
    let position = json!({ "instrument_name": PERPETUAL });
    let held = venue.private("trader", "private/get_position", &position).await;
    assert_eq!((&held.result()["size"], &held.result()["average_price"]), (&json!(0.1), &json!(64_005.0)));
    assert!(held.result()["initial_margin"].as_f64() > held.result()["maintenance_margin"].as_f64());
    let close = json!({ "instrument_name": PERPETUAL, "type": "market" });
    let closed = venue.private("trader", "private/close_position", &close).await;
    assert_eq!(closed.result()["trades"][0]["profit_loss"], json!(-1.0));
    assert_eq!(closed.result()["order"]["reduce_only"], json!(true));
    assert_eq!(venue.private("trader", "private/close_position", &close).await.code(), 10_010);
    let span = json!({ "currency": "USDC", "start_timestamp": 0, "end_timestamp": 9_999_999_999_999_u64 });
    let log = venue.private("trader", "private/get_transaction_log", &span).await;
    let log = log.result()["logs"].clone();
    let words: Vec<_> = log.as_array().expect("a list").iter().map(|it| (&it["type"], &it["side"])).collect();
    assert_eq!(words[0], (&json!("trade"), &json!("close sell")));
    assert_eq!(words[1], (&json!("trade"), &json!("open buy")));
    assert_eq!(words[2], (&json!("deposit"), &Value::Null));
    let balance = venue.private("trader", "private/get_account_summaries", &json!({})).await;
    assert_eq!(balance.result()["summaries"][0]["balance"], log[0]["balance"]);
    let queried = with(span, "query", json!("open BTC"));
    let log = venue.private("trader", "private/get_transaction_log", &queried).await;
    assert_eq!(log.result()["logs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn cancelling_takes_back_what_was_meant() {
    let venue = Venue::open().await;
    let eth = json!({ "instrument_name": "ETH_USDC-PERPETUAL", "amount": 1, "price": 2_900 });
    let calls = [
        ("private/cancel_all", json!({}), 3),
        ("private/cancel_all_by_instrument", json!({ "instrument_name": PERPETUAL }), 2),
        ("private/cancel_all_by_currency", json!({ "currency": "ETH" }), 1),
        ("private/cancel_all_by_currency", json!({ "currency": "USDC", "kind": "option" }), 0),
        ("private/cancel_all_by_currency_pair", json!({ "currency_pair": "btc_usdc" }), 2),
        ("private/cancel_all_by_kind_or_type", json!({ "currency": ["BTC", "ETH"], "type": "limit" }), 3),
        ("private/cancel_all_by_kind_or_type", json!({ "currency": "BTC", "type": "stop" }), 0),
        ("private/cancel_by_label", json!({ "label": "b" }), 1),
    ];
    for (method, params, want) in calls {
        venue.private("trader", "private/buy", &order(0.01, 60_000.0)).await.result();
        venue
            .private("trader", "private/buy", &with(order(0.01, 60_000.0), "label", json!("b")))
            .await
            .result();
        venue.private("trader", "private/buy", &eth).await.result();
        let cancelled = venue.private("trader", method, &params).await;
        assert_eq!(cancelled.result(), &json!(want), "{method} {params}");
        let rest = venue.private("trader", "private/cancel_all", &json!({ "detailed": true })).await;
        let lists = rest.result().as_array().expect("a list").iter();
        let left: usize = lists.map(|it| it["result"].as_array().map_or(0, Vec::len)).sum();
        assert_eq!(left, 3 - want, "{method}");
    }
}

#[tokio::test]
async fn wrong_orders_get_the_venues_codes() {
    let venue = Venue::open().await;
    let no_price = json!({ "instrument_name": PERPETUAL, "amount": 0.01 });
    for (params, code) in [
        (with(order(0.01, 60_000.0), "instrument_name", json!("NO-SUCH")), 10_020),
        (order(0.000_01, 60_000.0), 10_021),
        (order(0.0, 60_000.0), 10_021),
        (order(-1.0, 60_000.0), 10_021),
        (order(0.01, 60_000.1), 10_043),
        (order(0.01, -5.0), 10_023),
        (order(0.01, 1.0), 10_005),
        (order(0.01, 640_000.0), 10_007),
        (order(5_000.0, 64_000.0), 10_009),
        (no_price, -32_602),
        (with(order(0.01, 60_000.0), "type", json!("trailing_stop")), 10_033),
        (with(order(0.01, 60_000.0), "type", json!("nonsense")), -32_602),
        (with(order(0.01, 60_000.0), "trigger_price", json!(1)), -32_602),
        (with(order(0.01, 60_000.0), "time_in_force", json!("forever")), -32_602),
        (
            with(with(order(0.01, 64_005.0), "post_only", json!(true)), "reject_post_only", json!(true)),
            11_054,
        ),
        (with(order(0.01, 60_000.0), "reduce_only", json!(true)), 11_029),
        (with(order(0.01, 60_000.0), "label", json!("x".repeat(65))), -32_602),
    ] {
        let answer = venue.private("trader", "private/buy", &params).await;
        assert_eq!((answer.code(), answer.status), (code, 400), "{params}: {answer:?}");
    }
    assert_eq!(venue.public("public/ticker", &json!({ "instrument_name": "NO-SUCH" })).await.code(), 13_020);
    assert_eq!(venue.public("public/nonsense", &json!({})).await.code(), -32_601);
    assert_eq!(venue.public("private/nonsense", &json!({})).await.code(), -32_601);
    assert_eq!(venue.public("private/get_positions", &json!({})).await.code(), 13_009);
}

#[tokio::test]
async fn an_account_hears_of_its_orders_trades_and_money() {
    let venue = Venue::open().await;
    let mut client = Client::log_in(venue.address, "trader").await;
    let channels = [
        "user.orders.any.any.raw",
        "user.orders.future.BTC.100ms",
        "user.trades.any.any.raw",
        "user.trades.BTC_USDC-PERPETUAL.agg2",
        "user.changes.any.any.raw",
        "user.changes.BTC_USDC-PERPETUAL.100ms",
        "user.portfolio.any",
    ];
    let mut asked = channels.to_vec();
    asked.extend(["user.portfolio.btc", "user.lock", "user.mmp_trigger.any"]);
    assert_eq!(client.subscribe("private", &asked).await, json!(asked));
    let before = client.next_of("user.portfolio.any").await;
    assert_eq!(before["balance"], json!(1_000_000.0));
    let placed = client.call("private/buy", &order(0.01, 64_005.0)).await;
    let id = placed["result"]["order"]["order_id"].clone();
    for channel in channels {
        let data = client.next_of(channel).await;
        let own = match channel.split('.').nth(1) {
            Some("orders") if channel.ends_with("raw") => data["order_id"].clone(),
            Some("orders" | "trades") => data[0]["order_id"].clone(),
            Some("changes") => {
                assert_eq!(data["positions"][0]["size"], json!(0.01), "{data}");
                data["trades"][0]["order_id"].clone()
            }
            _ => id.clone(),
        };
        assert_eq!(own, id, "{channel}: {data}");
    }
    let mut stranger = Client::log_in(venue.address, "maker").await;
    stranger.subscribe("private", &["user.orders.any.any.raw"]).await;
    client.call("private/buy", &order(0.01, 60_000.0)).await;
    venue.act(MAKER, vec![limit(InstrumentId(4), num::Side::Buy, (1, 5_000))]);
    assert_eq!(stranger.next_of("user.orders.any.any.raw").await["instrument_name"], "ETH_USDC-PERPETUAL");
}

#[tokio::test]
async fn a_connection_takes_back_only_what_it_placed() {
    let venue = Venue::open().await;
    venue.act(TRADER, vec![limit(InstrumentId(0), num::Side::Buy, (1, 120_000))]);
    let mut client = Client::log_in(venue.address, "trader").await;
    let enabled = client.call("private/enable_cancel_on_disconnect", &json!({})).await;
    assert_eq!(enabled["result"], "ok");
    let state = client.call("private/get_cancel_on_disconnect", &json!({})).await;
    assert_eq!(state["result"], json!({ "scope": "connection", "enabled": true }));
    client.call("private/buy", &order(0.01, 60_001.0)).await;
    client.call("private/buy", &order(0.01, 60_002.0)).await;
    let open = async || {
        let open = venue.private("trader", "private/get_open_orders", &json!({})).await;
        open.result().as_array().map_or(0, Vec::len)
    };
    assert_eq!(open().await, 3);
    drop(client);
    while open().await != 1 {
        tokio::task::yield_now().await;
    }
    let mut polite = Client::log_in(venue.address, "trader").await;
    polite.call("private/enable_cancel_on_disconnect", &json!({ "scope": "account" })).await;
    polite.call("private/buy", &order(0.01, 60_001.0)).await;
    assert_eq!(polite.call("private/logout", &json!({})).await["result"], "ok");
    assert!(polite.frame().await.is_none());
    assert_eq!(open().await, 2);
    let scope = json!({ "scope": "account" });
    let state = venue.private("trader", "private/get_cancel_on_disconnect", &scope).await;
    assert_eq!(state.result()["enabled"], json!(true));
}

#[tokio::test]
async fn callers_are_who_they_prove_to_be_and_do_what_they_may() {
    let venue = Venue::open().await;
    let mut client = Client::connect(venue.address).await;
    let credentials = |scope: &str| json!({ "grant_type": "client_credentials", "client_id": "trader", "client_secret": "secret", "scope": scope });
    let granted = client.call("public/auth", &credentials("session:desk trade:read")).await["result"].clone();
    assert!(
        granted["scope"].as_str().is_some_and(|it| it.contains("session:desk") && it.contains("trade:read"))
    );
    let refused = client.call("private/buy", &order(0.01, 60_000.0)).await;
    assert_eq!(refused["error"]["code"], 13_021);
    let bearer = format!("Authorization: Bearer {}", granted["access_token"].as_str().unwrap_or_default());
    let target = "/api/v2/private/get_positions?currency=any";
    assert_eq!(http::get_with(venue.address, target, &bearer).await.result(), &json!([]));
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": granted["refresh_token"] });
    let refreshed = client.call("public/auth", &refresh).await;
    assert_eq!(refreshed["result"]["scope"], granted["scope"]);
    let fork = json!({ "refresh_token": granted["refresh_token"], "session_name": "other" });
    let forked = client.call("public/fork_token", &fork).await;
    assert!(forked["result"]["scope"].as_str().is_some_and(|it| it.contains("session:other")));
    let bound = client.call("public/auth", &credentials("")).await["result"]["access_token"].clone();
    let elsewhere = json!({ "currency": "any", "access_token": bound });
    assert_eq!(venue.public("private/get_positions", &elsewhere).await.code(), 13_009);
    assert!(client.call("private/get_positions", &elsewhere).await["result"].is_array());
    let wrong = json!({ "grant_type": "client_credentials", "client_id": "trader", "client_secret": "x" });
    assert_eq!(client.call("public/auth", &wrong).await["error"]["code"], 13_004);
    assert_eq!(venue.private("reader", "private/buy", &order(0.01, 60_000.0)).await.code(), 13_021);
    assert_eq!(venue.private("trader", "private/withdraw", &json!({})).await.code(), 13_021);
    assert_eq!(venue.public("public/subscribe", &json!({ "channels": [] })).await.code(), 10_030);
}

#[tokio::test]
async fn credits_run_out_for_the_flood_alone() {
    let slow = gateway::Rate { rate: 1, burst: 5 };
    let venue = Venue::open_with(|config| config.limits.connection = slow).await;
    let mut flood = Client::connect(venue.address).await;
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(flood.call("public/test", &json!({})).await["error"]["code"].as_i64().unwrap_or(0));
    }
    assert_eq!(codes, [0, 0, 0, 0, 0, 10_028, 10_028, 10_028]);
    let mut calm = Client::connect(venue.address).await;
    assert!(calm.call("public/test", &json!({})).await["result"]["version"].is_string());
}

#[tokio::test]
async fn many_orders_of_one_connection_wait_for_the_network_together() {
    let venue = Venue::open().await;
    let mut client = Client::log_in(venue.address, "trader").await;
    for number in 0..50 {
        let params = with(order(0.01, 60_000.0), "label", json!(format!("n{number}")));
        let call =
            json!({ "jsonrpc": "2.0", "id": 1_000 + number, "method": "private/buy", "params": params });
        client.send(&call.to_string()).await;
    }
    let mut labels = std::collections::BTreeSet::new();
    while labels.len() < 50 {
        let frame = client.frame().await.expect("a reply");
        assert_eq!(frame["result"]["order"]["order_state"], "open", "{frame}");
        assert_eq!(
            frame["result"]["order"]["label"],
            json!(format!("n{}", frame["id"].as_u64().unwrap() - 1_000))
        );
        labels.insert(frame["id"].to_string());
    }
}

#[tokio::test]
async fn stops_wait_for_their_price_and_then_trade() {
    let venue = Venue::open().await;
    let mut client = Client::log_in(venue.address, "trader").await;
    client.subscribe("private", &["user.orders.any.any.raw"]).await;
    let stop = json!({
        "instrument_name": PERPETUAL, "amount": 0.01, "type": "stop_limit", "price": 64_500.0,
        "trigger": "index_price", "trigger_price": 64_100.0,
    });
    let placed = client.call("private/buy", &stop).await["result"]["order"].clone();
    assert_eq!(
        (&placed["order_state"], &placed["order_type"]),
        (&json!("untriggered"), &json!("stop_limit"))
    );
    assert_eq!((&placed["trigger"], &placed["triggered"]), (&json!("index_price"), &json!(false)));
    let take = json!({
        "instrument_name": PERPETUAL, "amount": 0.01, "type": "take_market",
        "trigger": "mark_price", "trigger_price": 50_000.0,
    });
    let take = client.call("private/buy", &take).await["result"]["order"].clone();
    assert_eq!((&take["order_type"], &take["price"]), (&json!("take_market"), &json!("market_price")));
    let stops = json!({ "instrument_name": PERPETUAL, "type": "stop_all" });
    let open = venue.private("trader", "private/get_open_orders_by_instrument", &stops).await;
    assert_eq!(open.result()[0]["order_id"], placed["order_id"]);
    assert_eq!(open.result().as_array().map(Vec::len), Some(1));
    venue.report(0, 64_200);
    loop {
        let order = client.next_of("user.orders.any.any.raw").await;
        if order["order_id"] == placed["order_id"] && order["order_state"] == "filled" {
            assert_eq!((&order["order_type"], &order["triggered"]), (&json!("limit"), &json!(true)));
            break;
        }
    }
    let by_type = json!({ "currency": "any", "type": "take" });
    let cancelled = venue.private("trader", "private/cancel_all_by_kind_or_type", &by_type).await;
    assert_eq!(cancelled.result(), &json!(1));
    let missing = json!({ "instrument_name": PERPETUAL, "amount": 0.01, "type": "stop_market" });
    assert_eq!(venue.private("trader", "private/buy", &missing).await.code(), -32_602);
}

#[tokio::test]
async fn orders_hide_price_by_volatility_and_end_with_the_day() {
    let venue = Venue::open().await;
    let iceberg = with(
        with(order(1.0, 63_990.0), "display_amount", json!(0.1)),
        "time_in_force",
        json!("good_til_day"),
    );
    let iceberg = venue.private("trader", "private/buy", &iceberg).await.result()["order"].clone();
    assert_eq!(
        (&iceberg["display_amount"], &iceberg["time_in_force"]),
        (&json!(0.1), &json!("good_til_day"))
    );
    let book =
        venue.public("public/get_order_book", &json!({ "instrument_name": PERPETUAL, "depth": 2 })).await;
    assert_eq!(book.result()["bids"][1], json!([63_990.0, 0.1]));
    let implied =
        json!({ "instrument_name": venue.names[2], "amount": 0.1, "price": 40, "advanced": "implv" });
    let implied = venue.private("trader", "private/buy", &implied).await.result()["order"].clone();
    assert!(implied["price"].as_f64().is_some_and(|price| price > 1_000.0), "{implied}");
    let future = with(order(0.01, 50.0), "advanced", json!("implv"));
    assert_eq!(venue.private("trader", "private/buy", &future).await.code(), 11_038);
    let moved =
        venue.private("trader", "private/buy", &with(order(0.01, 64_005.0), "post_only", json!(true))).await;
    assert_eq!(moved.result()["order"]["price"], json!(64_004.5));
    let late = with(order(0.01, 60_000.0), "valid_until", json!(1));
    assert_eq!(venue.private("trader", "private/buy", &late).await.code(), 13_888);
}

#[tokio::test]
async fn makers_quote_in_one_call_and_are_protected() {
    let venue = Venue::open().await;
    let config = json!({ "index_name": "eth_usdc", "interval": 60, "frozen_time": 0, "quantity_limit": 0.5 });
    let set = venue.private("maker", "private/set_mmp_config", &config).await;
    assert_eq!(set.result()[0]["quantity_limit"], json!(0.5));
    let side = |price: f64| json!({ "price": price, "amount": 1 });
    let quotes = json!({ "quote_id": "q", "mmp_group": "default", "quotes": [
        { "instrument_name": "ETH_USDC-PERPETUAL", "mmp": true, "bid": side(2_999.0), "ask": side(3_001.0) },
        { "instrument_name": "NO-SUCH", "bid": side(1.0) },
        { "instrument_name": venue.names[6], "ask": side(200.0) },
    ]});
    let quoted = venue.private("maker", "private/mass_quote", &quotes).await;
    assert_eq!(quoted.result()["orders"].as_array().map(Vec::len), Some(3), "{quoted:?}");
    assert_eq!(quoted.result()["errors"][0]["code"], json!(10_020));
    let buy = json!({ "instrument_name": "ETH_USDC-PERPETUAL", "amount": 0.6, "price": 3_001 });
    venue.private("trader", "private/buy", &buy).await.result();
    let open = venue
        .private(
            "maker",
            "private/get_open_orders_by_instrument",
            &json!({ "instrument_name": "ETH_USDC-PERPETUAL" }),
        )
        .await;
    assert_eq!(open.result(), &json!([]));
    let reset = venue.private("maker", "private/reset_mmp", &json!({ "index_name": "eth_usdc" })).await;
    assert_eq!(reset.result(), "ok");
    let all = venue.private("maker", "private/get_mmp_config", &json!({})).await;
    assert_eq!(all.result()[0]["index_name"], "eth_usdc");
}

#[tokio::test]
async fn a_margin_preview_is_what_the_order_then_takes() {
    let venue = Venue::open().await;
    let usdc = json!({ "currency": "USDC" });
    let asked = json!({ "instrument_name": PERPETUAL, "amount": 0.5, "price": 60_000.0 });
    let preview = venue.private("trader", "private/get_margins", &asked).await;
    let margin = venue.private("trader", "private/get_account_summary", &usdc).await;
    let before = margin.result()["initial_margin"].as_f64().unwrap();
    venue.private("trader", "private/buy", &order(0.5, 60_000.0)).await.result();
    let margin = venue.private("trader", "private/get_account_summary", &usdc).await;
    let after = margin.result()["initial_margin"].as_f64().unwrap();
    let buy = preview.result()["buy"].as_f64().unwrap();
    assert!(buy > 0.0 && (after - before - buy).abs() < 1e-5, "{buy} against {}", after - before);
    assert!(preview.result()["min_price"].as_f64() < preview.result()["max_price"].as_f64());
    let odd = with(asked, "price", json!(60_000.3));
    assert_eq!(venue.private("trader", "private/get_margins", &odd).await.code(), 10_043);
}
