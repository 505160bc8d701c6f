//! What everybody may ask and listen to, over sockets.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use serde_json::{Value, json};
use support::{MAKER, PERPETUAL, Venue, http, limit, ws::Client};
use wire::InstrumentId;

#[tokio::test]
async fn get_post_and_websocket_answer_alike() {
    let venue = Venue::open().await;
    let params = json!({ "instrument_name": PERPETUAL, "depth": 1 });
    let mut client = Client::connect(venue.address).await;
    let over_socket = client.call("public/get_order_book", &params).await;
    let over_post = venue.public("public/get_order_book", &params).await;
    let target = format!("/api/v2/public/get_order_book?instrument_name={PERPETUAL}&depth=1");
    let over_get = http::get(venue.address, &target).await;
    let body = json!({ "jsonrpc": "2.0", "id": 3, "method": "public/get_order_book", "params": params });
    let over_path = http::post(venue.address, "/api/v2/public/get_order_book", "", &body.to_string()).await;
    assert_eq!(over_get.result()["bids"], json!([[63_995.0, 1.0]]));
    for other in [over_socket["result"].clone(), over_post.result().clone(), over_path.result().clone()] {
        assert_eq!(over_get.result()["asks"], other["asks"]);
        assert_eq!(over_get.result()["change_id"], other["change_id"]);
    }
}

#[tokio::test]
async fn a_book_channel_is_a_snapshot_and_changes_without_a_gap() {
    let venue = Venue::open().await;
    let mut client = Client::log_in(venue.address, "trader").await;
    let (raw, fast) = (format!("book.{PERPETUAL}.raw"), format!("book.{PERPETUAL}.100ms"));
    assert_eq!(client.subscribe("public", &[&raw, &fast]).await, json!([raw, fast]));
    for channel in [&raw, &fast] {
        let snapshot = client.next_of(channel).await;
        assert_eq!(snapshot["type"], "snapshot");
        assert_eq!(snapshot["bids"][0], json!(["new", 63_995.0, 1.0]));
        assert_eq!(snapshot["asks"][1], json!(["new", 64_050.0, 1.0]));
        let mut last = snapshot["change_id"].clone();
        for price in [127_991, 127_992, 127_993] {
            venue.act(MAKER, vec![limit(InstrumentId(0), num::Side::Buy, (5, price))]);
            let change = client.next_of(channel).await;
            assert_eq!((&change["type"], &change["prev_change_id"]), (&json!("change"), &last), "{change}");
            assert_eq!(
                change["bids"][0],
                json!(["new", f64::from(i32::try_from(price).unwrap()) / 2.0, 0.005])
            );
            last = change["change_id"].clone();
            if channel == &raw {
                client.next_of(&fast).await;
            }
        }
        venue.act(MAKER, vec![wire::Action::CancelAll { instrument: Some(InstrumentId(0)) }]);
        let change = client.next_of(channel).await;
        assert_eq!(change["bids"][0][0], "delete");
        if channel == &raw {
            return;
        }
    }
}

#[tokio::test]
async fn raw_channels_are_for_those_who_logged_in_and_unknown_ones_are_left_out() {
    let venue = Venue::open().await;
    let mut client = Client::connect(venue.address).await;
    let raw = format!("trades.{PERPETUAL}.raw");
    let refused = client.call("public/subscribe", &json!({ "channels": [raw] })).await;
    assert_eq!(refused["error"]["code"], 13_778);
    let known = format!("quote.{PERPETUAL}");
    let wrong = ["book.NO-SUCH.100ms", "ticker", "", "book.X.none.7.100ms", "user.orders.any.any.raw"];
    let mut channels = wrong.to_vec();
    channels.push(&known);
    assert_eq!(client.subscribe("public", &channels).await, json!([known]));
    let refused = client.call("private/subscribe", &json!({ "channels": ["user.orders.any.any.raw"] })).await;
    assert_eq!(refused["error"]["code"], 13_009);
}

#[tokio::test]
async fn every_public_channel_speaks() {
    let venue = Venue::open().await;
    let option = venue.names[2].clone();
    let mut client = Client::log_in(venue.address, "trader").await;
    let at_once = [
        format!("book.{PERPETUAL}.none.10.100ms"),
        format!("book.{PERPETUAL}.0.5.1.agg2"),
        format!("book.{PERPETUAL}.25.20.100ms"),
        format!("ticker.{option}.raw"),
        format!("ticker.{PERPETUAL}.agg2"),
        format!("incremental_ticker.{PERPETUAL}"),
        format!("quote.{PERPETUAL}"),
        format!("perpetual.{PERPETUAL}.raw"),
        "deribit_price_index.btc_usdc".to_owned(),
        "deribit_price_index.eth_usd".to_owned(),
        "deribit_volatility_index.btc_usdc".to_owned(),
        "deribit_price_statistics.btc_usdc".to_owned(),
        "estimated_expiration_price.btc_usdc".to_owned(),
        "markprice.options.btc_usdc".to_owned(),
        "clockless.network".to_owned(),
    ];
    let on_trade = [
        format!("trades.{PERPETUAL}.raw"),
        format!("trades.{PERPETUAL}.100ms"),
        format!("trades.{PERPETUAL}.agg2"),
        "trades.future.BTC.100ms".to_owned(),
        "trades.any.any.raw".to_owned(),
        "trades.future.USDC.raw".to_owned(),
        format!("chart.trades.{PERPETUAL}.1"),
    ];
    let channels: Vec<&str> = at_once.iter().chain(&on_trade).map(String::as_str).collect();
    assert_eq!(client.subscribe("private", &channels).await, json!(channels));
    for channel in &at_once {
        let data = client.next_of(channel).await;
        assert!(!data.is_null() && data != json!({}), "{channel}: {data}");
    }
    venue.act(support::TRADER, vec![limit(InstrumentId(0), num::Side::Buy, (10, 128_010))]);
    for channel in &on_trade {
        let data = client.next_of(channel).await;
        let price = if channel.starts_with("chart") { &data["close"] } else { &data[0]["price"] };
        assert_eq!(*price, json!(64_005.0), "{channel}: {data}");
    }
}

#[tokio::test]
async fn grouped_books_round_away_from_the_middle() {
    let venue = Venue::open().await;
    let mut client = Client::connect(venue.address).await;
    let channel = format!("book.{PERPETUAL}.100.10.100ms");
    client.subscribe("public", &[&channel]).await;
    let book = client.next_of(&channel).await;
    assert_eq!((&book["bids"], &book["asks"]), (&json!([[63_900.0, 2.0]]), &json!([[64_100.0, 2.0]])));
}

#[tokio::test]
async fn histories_answer_by_page() {
    let venue = Venue::open().await;
    for lots in 1..=5 {
        venue.act(support::TRADER, vec![limit(InstrumentId(0), num::Side::Buy, (lots, 128_010))]);
    }
    venue.ready().await;
    let ids = |answer: &Value| -> Vec<u64> {
        let trades = answer["trades"].as_array().expect("a list");
        trades.iter().map(|trade| trade["trade_seq"].as_u64().expect("a number")).collect()
    };
    for (params, want) in [
        (json!({}), vec![5, 4, 3, 2, 1]),
        (json!({ "count": 2 }), vec![5, 4]),
        (json!({ "start_seq": 2, "end_seq": 3 }), vec![2, 3]),
        (json!({ "start_timestamp": 0, "count": 2, "sorting": "asc" }), vec![1, 2]),
        (json!({ "end_timestamp": 1 }), vec![]),
    ] {
        let mut params = params;
        params["instrument_name"] = json!(PERPETUAL);
        let by_instrument = venue.public("public/get_last_trades_by_instrument", &params).await;
        assert_eq!(ids(by_instrument.result()), want, "{params}");
    }
    let by_currency = venue.public("public/get_last_trades_by_currency", &json!({ "currency": "BTC" })).await;
    assert_eq!(ids(by_currency.result()).len(), 5);
    let none = venue.public("public/get_last_trades_by_currency", &json!({ "currency": "SOL" })).await;
    assert_eq!(none.result(), &json!({ "trades": [], "has_more": false }));
    let now = venue.sequencer.time_ms();
    let chart = json!({ "instrument_name": PERPETUAL, "resolution": "1", "start_timestamp": now - 120_000, "end_timestamp": now });
    let chart = venue.public("public/get_tradingview_chart_data", &chart).await;
    assert_eq!((&chart.result()["status"], &chart.result()["close"][0]), (&json!("ok"), &json!(64_005.0)));
    let volumes = venue.public("public/get_trade_volumes", &json!({ "extended": "true" })).await;
    assert_eq!(volumes.result()[0]["futures_volume_7d"], json!(0.015));
}

#[tokio::test]
async fn an_expiry_is_delivered_and_told() {
    let venue = Venue::open().await;
    let option = venue.names[2].clone();
    let mut client = Client::log_in(venue.address, "trader").await;
    client.subscribe("public", &["instrument.state.any.any"]).await;
    venue.act(support::TRADER, vec![limit(InstrumentId(2), num::Side::Buy, (10, 4_000))]);
    let expiry = venue.public("public/get_instrument", &json!({ "instrument_name": option })).await;
    let expiry_ms = expiry.result()["expiration_timestamp"].as_u64().expect("a time");
    // The window before the expiry must have been covered by reports.
    venue.sequencer.skip(expiry_ms - venue.sequencer.time_ms() - 31 * 60_000);
    for _ in 0..=33 {
        venue.report(0, 65_000);
        venue.sequencer.skip(60_000);
    }
    let told = client.next_of("instrument.state.any.any").await;
    assert!(["closed", "settled"].contains(&told["state"].as_str().expect("a word")), "{told}");
    venue.ready().await;
    let prices = venue.public("public/get_delivery_prices", &json!({ "index_name": "btc_usdc" })).await;
    assert_eq!(prices.result()["data"][0]["delivery_price"], json!(65_000.0));
    let expired = json!({ "currency": "BTC", "kind": "option", "expired": true });
    let expired = venue.public("public/get_instruments", &expired).await;
    assert_eq!(expired.result()[0]["state"], "delivered");
    let of_market = json!({ "instrument_name": option, "type": "delivery" });
    let of_market = venue.public("public/get_last_settlements_by_instrument", &of_market).await;
    assert_eq!(of_market.result()["settlements"][0]["mark_price"], json!(1_000.0));
    let own = json!({ "currency": "USDC" });
    let own = venue.private("trader", "private/get_settlement_history_by_currency", &own).await;
    let own = &own.result()["settlements"][0];
    // Bought 0.1 at 4,000, paid 1,000 each.
    assert_eq!((&own["position"], &own["profit_loss"]), (&json!(0.1), &json!(-300.0)));
}

#[tokio::test]
async fn finality_is_shown_before_anybody_traded_here_and_says_of_what() {
    let venue = Venue::open().await;
    let network = venue.public("public/clockless/get_network", &json!({})).await;
    assert_eq!(network.result()["finality_of"], "commits");
    assert!(network.result()["finality_ms"]["p50"].is_number(), "{network:?}");
    let mut client = Client::log_in(venue.address, "trader").await;
    client.subscribe("public", &["clockless.finality"]).await;
    let order = json!({ "instrument_name": PERPETUAL, "amount": 0.01, "price": 60_000 });
    let commit = client.call("private/buy", &order).await["result"]["commit"].clone();
    let told = client.next_of("clockless.finality").await;
    assert_eq!((&told["commit"], &told["state"]), (&commit, &json!("final")));
    let later = venue.public("public/clockless/get_finality", &json!({ "commit": 1_000_000 })).await;
    assert_eq!(later.result()["state"], "unknown");
    let network = venue.public("public/clockless/get_network", &json!({})).await;
    assert_eq!(network.result()["finality_of"], "orders");
}

#[tokio::test]
async fn markets_that_stop_are_told_of_and_told_of_again_when_they_go_on() {
    let venue = Venue::open().await;
    let mut client = Client::log_in(venue.address, "trader").await;
    client.subscribe("public", &["platform_state"]).await;
    let status = || async { venue.public("public/status", &json!({})).await.result().clone() };
    assert_eq!(status().await["locked"], "false");
    venue.report(0, 80_000);
    let told = client.next_of("platform_state").await;
    assert_eq!(told, json!({ "price_index": "btc_usdc", "locked": true }));
    let locked = json!({ "locked": "partial", "locked_currencies": ["BTC"], "locked_indices": ["btc_usdc"] });
    assert_eq!(status().await, locked);
    let name = json!({ "instrument_name": PERPETUAL });
    let state = || async { venue.public("public/ticker", &name).await.result()["state"].clone() };
    assert_eq!(state().await, "locked");
    venue.sequencer.skip(61_000);
    venue.report(0, 80_000);
    let told = client.next_of("platform_state").await;
    assert_eq!(told, json!({ "price_index": "btc_usdc", "locked": false }));
    assert_eq!((status().await["locked"].clone(), state().await), (json!("false"), json!("open")));
}

#[tokio::test]
async fn the_volatility_index_is_that_of_the_marks_at_the_money() {
    let venue = Venue::open().await;
    venue.report(0, 64_100);
    venue.ready().await;
    let option = json!({ "instrument_name": venue.names[2] });
    let iv = venue.public("public/ticker", &option).await.result()["mark_iv"].clone();
    let mut asked =
        json!({ "currency": "BTC", "start_timestamp": 0, "end_timestamp": u64::MAX, "resolution": "60" });
    let method = "public/get_volatility_index_data";
    let found = venue.public(method, &asked).await.result().clone();
    let candle = found["data"].as_array().and_then(|it| it.last()).expect("a candle").clone();
    let hundredths = |it: &Value| gateway::decimal::parse(&it.to_string(), 6).map(|it| it / 10_000);
    assert_eq!(
        (hundredths(&candle[4]), &found["continuation"]),
        (hundredths(&iv), &Value::Null),
        "{found} {iv}"
    );
    asked["resolution"] = json!("1");
    assert_eq!(venue.public(method, &asked).await.code(), 10_033);
}
