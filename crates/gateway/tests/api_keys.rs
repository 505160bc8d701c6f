//! What a caller may change about the API keys of its account, and that it lasts.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use std::net::SocketAddr;

use serde_json::{Value, json};
use support::{PERPETUAL, Venue, history_in, http, ws::Client};

async fn call(
    address: SocketAddr,
    (client_id, secret): (&str, &str),
    method: &str,
    params: Value,
) -> http::Answer {
    http::call(address, &format!("private/{method}"), &params, Some((client_id, secret))).await
}

async fn manage(address: SocketAddr, method: &str, params: Value) -> Value {
    call(address, ("treasurer", "secret"), method, params).await.result().clone()
}

/// The key of a client as the list has it; null when it is not there.
async fn listed(address: SocketAddr, client_id: &str) -> Value {
    let keys = manage(address, "list_api_keys", json!({})).await;
    let found =
        keys.as_array().and_then(|keys| keys.iter().find(|key| key["client_id"] == client_id).cloned());
    found.unwrap_or(Value::Null)
}

/// The code that a client gets for an order; zero where it is placed.
async fn trades(address: SocketAddr, secret: &str) -> i64 {
    let order = json!({ "instrument_name": PERPETUAL, "amount": 0.01, "price": 60_000 });
    call(address, ("spare", secret), "buy", order).await.code()
}

#[tokio::test]
async fn keys_of_the_own_account_are_listed_without_their_secrets() {
    let venue = Venue::open().await;
    let keys = manage(venue.address, "list_api_keys", json!({})).await;
    let names: Vec<&str> =
        keys.as_array().into_iter().flatten().filter_map(|key| key["client_id"].as_str()).collect();
    assert_eq!(names, ["reader", "secretary", "spare", "trader", "treasurer"], "and not the maker's");
    for key in keys.as_array().into_iter().flatten() {
        assert_eq!(
            (&key["client_secret"], &key["enabled"], &key["name"]),
            (&json!(""), &json!(true), &json!(""))
        );
    }
    let scope = "account:read block_rfq:read block_trade:read trade:read wallet:read";
    assert_eq!(listed(venue.address, "reader").await["max_scope"], scope);
}

#[tokio::test]
async fn a_key_does_what_it_was_narrowed_to_and_no_more_than_its_file() {
    let venue = Venue::open().await;
    let id = listed(venue.address, "spare").await["id"].clone();
    let named = manage(venue.address, "change_api_key_name", json!({ "id": id, "name": "night_desk" })).await;
    assert_eq!((&named["name"], &named["id"]), (&json!("night_desk"), &id));
    assert_eq!(trades(venue.address, "secret").await, 0);
    for (asked, scope, code) in [
        ("trade:read", "account:none block_rfq:none block_trade:none trade:read wallet:none", 13_021),
        (
            "trade:read_write account:read_write",
            "account:read block_rfq:none block_trade:none trade:read_write wallet:none",
            0,
        ),
    ] {
        let params = json!({ "id": id, "max_scope": asked });
        let narrowed = manage(venue.address, "change_scope_in_api_key", params).await;
        assert_eq!((&narrowed["max_scope"], &narrowed["name"]), (&json!(scope), &json!("night_desk")));
        assert_eq!(trades(venue.address, "secret").await, code, "{asked}");
    }
    let params = json!({ "id": id, "max_scope": "trade:none", "name": "x", "enabled": false });
    let edited = manage(venue.address, "edit_api_key", params).await;
    assert_eq!((&edited["name"], &edited["enabled"]), (&json!("x"), &json!(false)));
    assert_eq!(trades(venue.address, "secret").await, 13_004);
}

#[tokio::test]
async fn a_key_that_is_disabled_ends_what_it_had_opened() {
    let venue = Venue::open().await;
    let id = listed(venue.address, "spare").await["id"].clone();
    let mut client = Client::log_in(venue.address, "spare").await;
    client.subscribe("private", &["user.orders.any.any.raw"]).await;
    let credentials = json!({ "grant_type": "client_credentials", "client_id": "spare", "client_secret": "secret",
        "scope": "session:desk" });
    let token = venue.public("public/auth", &credentials).await.result()["access_token"].clone();
    let header = format!("Authorization: Bearer {}", token.as_str().unwrap_or_default());
    let target = "/api/v2/private/get_positions";
    assert_eq!(http::get_with(venue.address, target, &header).await.code(), 0);
    manage(venue.address, "disable_api_key", json!({ "id": id })).await;
    while client.frame().await.is_some() {}
    assert_eq!(http::get_with(venue.address, target, &header).await.code(), 13_009, "the token is gone");
    assert_eq!(trades(venue.address, "secret").await, 13_004);
    manage(venue.address, "enable_api_key", json!({ "id": id })).await;
    assert_eq!(trades(venue.address, "secret").await, 0);
}

#[tokio::test]
async fn what_was_changed_is_so_after_a_restart_and_no_secret_is_stored() {
    let folder = tempfile::tempdir().expect("a folder");
    let history = history_in(&folder, "history.sqlite");
    let venue = Venue::open().await;
    let (first, task) = venue.serve(|config| config.history = Some(history.clone())).await;
    venue.ready_at(first).await;
    let [spare, reader] =
        [listed(first, "spare").await["id"].clone(), listed(first, "reader").await["id"].clone()];
    let reset = manage(first, "reset_api_key", json!({ "id": spare })).await;
    let secret = reset["client_secret"].as_str().unwrap_or_default().to_owned();
    assert_eq!(secret.len(), 64);
    assert_eq!((trades(first, "secret").await, trades(first, &secret).await), (13_004, 0));
    assert_eq!(manage(first, "remove_api_key", json!({ "id": reader })).await, "ok");
    manage(first, "change_api_key_name", json!({ "id": spare, "name": "desk" })).await;
    task.abort();

    let (second, _task) = venue.serve(|config| config.history = Some(history)).await;
    venue.ready_at(second).await;
    assert_eq!((trades(second, "secret").await, trades(second, &secret).await), (13_004, 0));
    assert_eq!(
        (listed(second, "spare").await["name"].clone(), listed(second, "reader").await),
        (json!("desk"), Value::Null)
    );
    let gone = call(second, ("reader", "secret"), "get_positions", json!({})).await;
    assert_eq!(gone.code(), 13_004);
    let stored = std::fs::read(folder.path().join("history.sqlite")).expect("the store is a file");
    assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "the secret is stored");
}

#[tokio::test]
async fn who_may_change_keys_and_which_is_said() {
    let venue = Venue::open().await;
    let id = listed(venue.address, "trader").await["id"].clone();
    let (ours, theirs) = (json!({ "id": id }), json!({ "id": 7 }));
    for (client_id, method, params, code) in [
        ("trader", "disable_api_key", &ours, 13_021),
        // Its file lets it read only, and the other's trade.
        ("secretary", "reset_api_key", &ours, 13_021),
        ("treasurer", "disable_api_key", &theirs, 13_020),
        ("treasurer", "change_api_key_name", &json!({ "id": id, "name": "a name" }), -32_602),
        ("treasurer", "change_api_key_name", &ours, -32_602),
        ("treasurer", "change_scope_in_api_key", &json!({ "id": id, "max_scope": "trade:all" }), -32_602),
        ("treasurer", "edit_api_key", &json!({ "id": id, "max_scope": "", "ip_whitelist": ["::1"] }), 10_033),
        ("treasurer", "create_api_key", &json!({ "max_scope": "trade:read" }), 11_042),
    ] {
        let refused = call(venue.address, (client_id, "secret"), method, params.clone()).await;
        assert_eq!(refused.code(), code, "{method} {params}: {refused:?}");
    }
    let refused = call(venue.address, ("treasurer", "secret"), "create_api_key", json!({})).await;
    assert!(refused.text.contains("clockless keys register"), "{}", refused.text);
}
