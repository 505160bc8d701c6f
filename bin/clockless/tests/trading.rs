//! A trader's hand tools against a network of real validators: fund, place, amend, cancel, look, prove.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use exchange::genesis::{Faucet, UnderlyingGenesis, Units};
use serde_json::Value;
use support::{Ended, Folder, clockless, network::Network, run};

const PERPETUAL: &str = "BTC_USDC-PERPETUAL";

/// One perpetual with an index of 60,000, ticks of 0.5 and lots of 0.001.
fn exchange() -> exchange::Genesis {
    let units = Units { tick_micros: 500_000, lot_billionths: 1_000_000 };
    exchange::Genesis {
        faucet: Faucet::Open { micros_max: 1_000_000_000_000 },
        underlyings: vec![UnderlyingGenesis {
            pool: 0,
            symbol: "BTC".to_owned(),
            index_micros: 60_000_000_000,
            option: units,
            future: units,
            surfaces: Vec::new(),
        }],
        instruments: vec![PERPETUAL.to_owned()],
        ..exchange::Genesis::with_usual_parameters()
    }
}

/// Somebody at a keyboard, at one of the validators.
struct Desk<'a> {
    network: &'a Network,
    place: u16,
    key: std::path::PathBuf,
}

impl<'a> Desk<'a> {
    fn new(network: &'a Network, place: u16, name: &str) -> Self {
        let key = network.folder.path(name);
        let made = run(clockless(&["keys", "new", "--out"]).arg(&key).env("CLOCKLESS_PASSWORD", "secret"));
        assert_eq!(made.code, Some(0), "{made:?}");
        Self { network, place, key }
    }

    /// With a plain key, which costs no time to unlock.
    fn plain(network: &'a Network, place: u16, name: &str) -> Self {
        let key = network.folder.path(name);
        std::fs::write(&key, "07".repeat(32)).unwrap();
        Self { network, place, key }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = clockless(arguments);
        command.args(["--node", &self.network.folder.rpc(self.place)]).arg("--key").arg(&self.key);
        command.arg("--genesis").arg(self.network.folder.path("genesis.json"));
        run(command.env("CLOCKLESS_PASSWORD", "secret"))
    }

    fn json(&self, arguments: &[&str], code: i32) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// Places an order of so much, with what else is given.
    fn place(&self, side: &str, amount: &str, more: &[&str]) -> Value {
        let order = ["order", "place", "--instrument", PERPETUAL, "--side", side, "--amount", amount];
        self.json(&[&order, more].concat(), 0)
    }

    fn account(&self) -> Value {
        self.json(&["account"], 0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trader_needs_a_node_and_a_key() {
    let network = Network::start_with(4, &exchange()).await;
    let (maker, taker) = (Desk::plain(&network, 0, "maker"), Desk::new(&network, 1, "taker"));
    assert_eq!(maker.account()["exists"], false);
    for desk in [&maker, &taker] {
        let funded = desk.json(&["faucet", "--amount", "100000.5"], 0);
        assert_eq!(funded["result"], "done");
        assert!(funded["commit"].as_u64().unwrap() > 0);
    }
    maker_and_taker_meet(&maker, &taker);
    orders_are_changed_and_taken_back(&maker);
    what_is_rejected_is_told(&taker);
    exotics_are_asked_for_by_name(&taker);
    an_owner_lets_others_sign_and_moves_his_money(&taker);
    a_node_of_another_network_gets_no_signature(&maker);
}

fn maker_and_taker_meet(maker: &Desk<'_>, taker: &Desk<'_>) {
    let resting = maker.place("sell", "0.1", &["--price", "60000", "--post-only", "--label", "mine"]);
    assert_eq!(resting["orders"][0]["state"], "open");
    let taken = taker.place("buy", "0.04", &["--market"]);
    let order = &taken["orders"][0];
    assert_eq!((&order["state"], &order["filled"]), (&Value::from("filled"), &Value::from("0.04")));
    let trade = &order["trades"][0];
    assert_eq!((&trade["price"], &trade["role"]), (&Value::from("60000"), &Value::from("taker")));
    let rest = taker.place("buy", "0.1", &["--price", "60000.5", "--tif", "ioc"]);
    assert_eq!(
        (&rest["orders"][0]["state"], &rest["orders"][0]["filled"]),
        (&"dropped".into(), &"0.06".into())
    );
    let account = taker.account();
    assert_eq!(account["positions"][0]["instrument"], PERPETUAL);
    assert_eq!(account["positions"][0]["amount"], "0.1");
    assert_eq!(account["orders"], Value::Array(Vec::new()));
    assert_eq!(account["proved"]["balance"], account["balance"]);
    assert_eq!(maker.account()["positions"][0]["amount"], "-0.1");
}

fn orders_are_changed_and_taken_back(maker: &Desk<'_>) {
    let placed = maker.place("buy", "0.2", &["--price", "59000", "--label", "low"]);
    let number = placed["orders"][0]["order"].to_string();
    let amend = [
        "order",
        "amend",
        "--instrument",
        PERPETUAL,
        "--label",
        "low",
        "--amount",
        "0.1",
        "--price",
        "59000.5",
    ];
    assert_eq!(maker.json(&amend, 0)["orders"][0]["order"].to_string(), number);
    let open = &maker.account()["orders"][0];
    assert_eq!((&open["amount"], &open["price"]), (&Value::from("0.1"), &Value::from("59000.5")));
    assert_eq!((&open["label"], &open["side"]), (&Value::from("low"), &Value::from("buy")));
    let cancelled = maker.json(&["order", "cancel", "--order", &number], 0);
    assert_eq!(cancelled["orders"][0]["state"], "cancelled");
    for price in ["58000", "58001"] {
        maker.place("buy", "0.01", &["--price", price]);
    }
    let all = maker.json(&["order", "cancel-all", "--instrument", PERPETUAL], 0);
    assert_eq!(all["orders"].as_array().unwrap().len(), 2);
    assert_eq!(maker.account()["orders"], Value::Array(Vec::new()));
}

fn what_is_rejected_is_told(taker: &Desk<'_>) {
    let rejected = taker.json(&["order", "cancel", "--order", "999999"], 1);
    assert_eq!(rejected["result"], "rejected");
    assert_eq!(rejected["reject"], "the account has no such open order");
    let order = ["order", "place", "--instrument", PERPETUAL, "--side", "buy"];
    let cases: [(&[&str], i32, &str); 7] = [
        (&["--amount", "100", "--price", "60000"], 1, "does not cover an initial margin"),
        (&["--amount", "0.0005", "--price", "60000"], 2, "--amount 0.0005: a multiple of 0.001"),
        (&["--amount", "0.1", "--price", "60000.25"], 2, "--price 60000.25: a multiple of 0.5"),
        (&["--amount", "much", "--price", "60000"], 2, "--amount much: \"much\" given, a decimal number"),
        (&["--amount", "0.1"], 2, "--price"),
        (&["--amount", "0.1", "--price", "1", "--market"], 2, "--market"),
        (&["--amount", "0.1", "--price", "1", "--tif", "forever"], 2, "[possible values: gtc, ioc, fok]"),
    ];
    for (more, code, need) in cases {
        let ended = taker.run(&[&order, more].concat());
        assert_eq!(ended.code, Some(code), "{more:?}: {ended:?}");
        assert!(ended.stderr.contains(need), "{more:?} must say {need:?}: {ended:?}");
    }
    let unknown = taker.run(&["order", "cancel-all", "--instrument", "BTC-PERPETUAL"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("such as BTC_USDC-PERPETUAL"), "{unknown:?}");
}

fn exotics_are_asked_for_by_name(taker: &Desk<'_>) {
    let create = |name: &'static str| ["exotic", "create", "--instrument", name];
    let cases: [(&[&str], i32, &str); 5] = [
        (&create("BTC_USDC-27NOV26-90000-C"), 2, "the name of an exotic is expected"),
        (&create("DOGE_USDC-27NOV26-90000-C-ASSET"), 2, "the genesis has no such underlying"),
        (&create("BTC_USDC-27NOV20-90000-C-ASSET"), 1, "rejected: "),
        (&["exotic", "exercise", "--instrument", PERPETUAL, "--amount", "0.1"], 1, "rejected: "),
        (&["exotic", "exercise", "--instrument", "X", "--amount", "0.1"], 2, "such as BTC_USDC-PERPETUAL"),
    ];
    for (arguments, code, need) in cases {
        let ended = taker.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(need), "{arguments:?} must say {need:?}: {ended:?}");
    }
    let mut list = clockless(&["exotic", "list", "--json", "--node"]);
    let listed = run(list.arg(taker.network.folder.rpc(0)));
    assert_eq!((listed.code, listed.stdout.trim()), (Some(0), "[]"), "{listed:?}");
}

/// A key that trades for the owner's account, until it is taken back.
fn an_owner_lets_others_sign_and_moves_his_money(owner: &Desk<'_>) {
    let session = Desk { key: owner.network.folder.path("session"), ..*owner };
    std::fs::write(&session.key, "08".repeat(32)).unwrap();
    let (file, me) = (session.key.display().to_string(), owner.account()["owner"].clone());
    let place = |code: i32| {
        let order = ["order", "place", "--instrument", PERPETUAL, "--side", "buy", "--amount", "0.001"];
        let more = ["--price", "50000", "--owner", me.as_str().unwrap()];
        session.json(&[&order[..], &more].concat(), code)
    };
    assert!(place(1)["reject"].as_str().unwrap().contains("key"), "nobody registered it");
    let registered = owner.json(&["keys", "register", "--session", &file, "--days", "1"], 0);
    assert_eq!(registered["result"], "done");
    assert_eq!(place(0)["orders"][0]["state"], "open");
    let moving = ["transfer", "--amount", "1", "--to-subaccount", "1", "--owner", me.as_str().unwrap()];
    assert_eq!(session.json(&moving, 1)["result"], "rejected", "a session key moves no money");
    assert_eq!(owner.json(&["keys", "revoke", "--session", &file], 0)["result"], "done");
    place(1);
    assert_eq!(owner.json(&["order", "cancel-all"], 0)["orders"][0]["state"], "cancelled");

    assert_eq!(owner.json(&["transfer", "--amount", "12.5", "--to-subaccount", "1"], 0)["result"], "done");
    assert_eq!(owner.json(&["account", "--subaccount", "1"], 0)["balance"], "12.500000");
    for (arguments, need) in [
        (["withdraw", "--amount", "1", "--to", "xy"], "--to \"xy\": 1 to 64 bytes"),
        (["withdraw", "--amount", "0", "--to", "0a"], "--amount 0: an amount above zero"),
        (["withdraw", "--amount", "1", "--cancel", "7"], "cannot be used with"),
    ] {
        let ended = owner.run(&arguments);
        assert!(ended.code == Some(2) && ended.stderr.contains(need), "{arguments:?}: {ended:?}");
    }
    let withdrawn = owner.json(&["withdraw", "--amount", "1", "--to", "0a0b"], 0);
    let number = withdrawn["withdrawal"].to_string();
    assert_eq!(owner.json(&["withdraw", "--cancel", &number], 0)["result"], "done");
}

fn a_node_of_another_network_gets_no_signature(desk: &Desk<'_>) {
    let other = Folder::new(1);
    let mut command = clockless(&["faucet", "--amount", "1", "--node"]);
    command.arg(desk.network.folder.rpc(0)).arg("--genesis").arg(other.path("genesis.json"));
    let ended = run(command.arg("--key").arg(&desk.key).env("CLOCKLESS_PASSWORD", "secret"));
    assert!(ended.code == Some(1) && ended.stderr.contains("the node is of network"), "{ended:?}");
    let ended =
        run(clockless(&["account", "--node", "127.0.0.1:1", "--owner", &"ab".repeat(32)]).arg("--json"));
    assert!(ended.code == Some(2) && ended.stderr.contains("cannot be reached"), "{ended:?}");
    let ended = run(&mut clockless(&["account", "--node", "127.0.0.1:1", "--owner", "ab"]));
    assert!(ended.code == Some(2) && ended.stderr.contains("64 hexadecimal digits"), "{ended:?}");
}
