//! Bad input stops a command with exit code 2 and a message that says what is wrong, where, and what was
//! expected; nothing is written to its output.

#![allow(clippy::disallowed_methods, reason = "tests wait for processes, by the clock")]

mod support;

use std::{fs, net::TcpListener, path::Path, process::Command};

use support::{Folder, Killed, PATIENCE, clockless, edit, run, wait_until};

/// The command must refuse, and say all of `need`.
fn check(command: &mut Command, need: &[&str]) {
    let ended = run(command);
    assert_eq!(ended.code, Some(2), "{command:?} must end with 2: {ended:?}");
    assert_eq!(ended.stdout, "", "{command:?} must write nothing to its output");
    assert!(!ended.stderr.contains("panicked"), "{command:?}: {}", ended.stderr);
    for part in need {
        assert!(ended.stderr.contains(part), "{command:?} must say {part:?}: {}", ended.stderr);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

#[test]
fn a_command_line_that_cannot_be_read_is_refused() {
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["Usage"]),
        (&["nod"], &["nod", "node"]),
        (&["node"], &["--config"]),
        (&["genesis", "--validators", "many", "--out", "x"], &["many", "--validators"]),
        (&["sim", "--seeds", "0..1", "--speed", "9"], &["--speed"]),
        (&["replay", "trading", "x"], &["trading", "matching"]),
        (&["demo", "--listen", "here"], &["here", "--listen"]),
        (&["demo", "--for", "soon"], &["soon", "30s"]),
        (&["demo", "--kill", "1"], &["--kill", "1@10s"]),
        (&["demo", "--validators", "0"], &["--validators", "0", "1..=256"]),
        (&["demo", "--validators", "257"], &["--validators", "257", "1..=256"]),
        (&["demo", "--kill", "4@1s"], &["--kill 4", "0 to 3"]),
    ];
    for (arguments, need) in cases {
        check(&mut clockless(arguments), need);
    }
}

#[test]
fn genesis_refuses_impossible_networks_and_overwrites_nothing() {
    let folder = Folder::new(1);
    let fresh = folder.path("fresh");
    let cases: &[(&[&str], &[&str])] = &[
        (&["--validators", "0"], &["--validators", "1..=256"]),
        (&["--validators", "257"], &["--validators", "1..=256"]),
        (&["--validators", "4", "--base-port", "65530"], &["--base-port", "65535"]),
        (&["--validators", "1", "--exchange", "/nowhere.json"], &["/nowhere.json"]),
    ];
    for (arguments, need) in cases {
        check(clockless(&["genesis", "--out", text(&fresh)]).args(*arguments), need);
        assert!(!fresh.exists(), "{arguments:?} must leave nothing behind");
    }
    let before = fs::read(folder.path("genesis.json")).unwrap();
    let out = folder.path("");
    check(&mut clockless(&["genesis", "--validators", "1", "--out", text(&out)]), &["there is a genesis"]);
    assert_eq!(fs::read(folder.path("genesis.json")).unwrap(), before);
}

#[test]
fn genesis_names_what_is_wrong_with_an_exchange() {
    let folder = Folder::new(1);
    let (file, out) = (folder.path("exchange.json"), folder.path("fresh"));
    let usual = serde_json::to_string(&exchange::Genesis::with_usual_parameters()).unwrap();
    let cases = [
        (usual.replace("start_ms", "begin_ms"), "begin_ms"),
        (
            usual.replace("\"step_billionths\":250000000", "\"step_billionths\":0"),
            "liquidation.step_billionths",
        ),
        (usual[..100].to_owned(), "EOF"),
    ];
    for (exchange, need) in cases {
        fs::write(&file, exchange).unwrap();
        let arguments = ["genesis", "--validators", "1", "--out", text(&out), "--exchange", text(&file)];
        check(&mut clockless(&arguments), &[text(&file), need]);
        assert!(!out.exists(), "nothing may be left behind");
    }
}

#[test]
fn a_node_names_what_is_wrong_with_its_configuration() {
    let cases = [
        ("fsync = true", "fsnyc = true", vec!["fsnyc", "fsync"]),
        ("fsync = true", "fsync = 7", vec!["fsync", "7"]),
        ("[pacing]", "[pacing]\nround_ms = 3", vec!["pacing.round_ms", "round_delay_ms_min"]),
        ("rpc = \"127.0.0.1:", "rpc = \"nowhere:", vec!["rpc", "socket address"]),
        ("execution = \"exchange\"", "execution = \"bank\"", vec!["bank", "exchange"]),
        ("data = \"data\"\n", "", vec!["data"]),
        ("data = \"data\"\n", "data = \n", vec!["line 4"]),
        ("peers = [", "peers = [\"127.0.0.1:1\",", vec!["peers", "5 addresses", "4 validators"]),
        ("key = \"key\"", "key = \"kye\"", vec!["kye", "No such file"]),
        ("\"coin-share\"", "\"coin\"", vec!["validator-0/coin", "No such file"]),
        ("../genesis.json", "genesis.json", vec!["validator-0/genesis.json", "No such file"]),
    ];
    let folder = Folder::new(4);
    let file = folder.of_validator(0, "config.toml");
    let sound = fs::read_to_string(&file).unwrap();
    for (from, to, need) in cases {
        edit(&file, from, to);
        check(&mut folder.node(0), &need);
        fs::write(&file, &sound).unwrap();
    }
    fs::remove_file(&file).unwrap();
    check(&mut folder.node(0), &[text(&file), "no such file"]);
}

#[test]
fn a_node_names_what_is_wrong_with_its_secrets() {
    let (folder, other) = (Folder::new(4), Folder::new(4));
    let (key, share) = (folder.of_validator(0, "key"), folder.of_validator(0, "coin-share"));
    let cases = [
        (&key, "0123".to_owned(), "64 hexadecimal digits"),
        (&key, fs::read_to_string(other.of_validator(0, "key")).unwrap(), "no validator of"),
        (&share, "0123".to_owned(), "no coin share"),
        (&share, fs::read_to_string(other.of_validator(0, "coin-share")).unwrap(), "coin key of the genesis"),
        (
            &share,
            fs::read_to_string(folder.of_validator(1, "coin-share")).unwrap(),
            "the share of validator 1, this is 0",
        ),
    ];
    for (file, content, need) in cases {
        let sound = fs::read_to_string(file).unwrap();
        fs::write(file, content).unwrap();
        check(&mut folder.node(0), &[text(file), need]);
        fs::write(file, sound).unwrap();
    }
}

#[test]
fn a_node_refuses_a_genesis_that_is_none() {
    let folder = Folder::new(4);
    let file = folder.path("genesis.json");
    let sound = fs::read_to_string(&file).unwrap();
    let cases = [
        (sound[..sound.len() / 2].to_owned(), "EOF while parsing"),
        (sound.replace("\"epoch\"", "\"epohc\""), "epohc"),
        (sound.replace("\"wave_length\": 4", "\"wave_length\": 1"), "wave"),
        (sound.replace("\"stake\": 1", "\"stake\": 0"), "stake 0"),
        (sound.replacen("\"key\": \"", "\"key\": \"xx", 1), "validators[0].key"),
        (sound.replacen("\"coin_key\": \"", "\"coin_key\": \"00", 1), "coin_key"),
        (sound.replace("\"quorum\": 1", "\"quorum\": -1"), "line"),
        (sound.replace("\"accounts_max\": 1000000", "\"accounts_max\": 0"), "limits.accounts_max"),
    ];
    for (genesis, need) in cases {
        assert_ne!(genesis, sound, "{need}: the case changes nothing");
        fs::write(&file, genesis).unwrap();
        check(&mut folder.node(0), &["genesis", need]);
        fs::write(&file, &sound).unwrap();
    }
}

#[test]
fn a_node_refuses_a_taken_port_and_the_data_of_another_network() {
    let (folder, other) = (Folder::new(4), Folder::new(4));
    for place in 0..3 {
        let address = format!("127.0.0.1:{}", folder.base_port + place);
        let taken = TcpListener::bind(&address).unwrap();
        check(&mut folder.node(0), &[&address, "in use"]);
        drop(taken);
    }
    let data = folder.of_validator(0, "data");
    let node = Killed(folder.node(0).spawn().unwrap());
    let mark = wait_until(PATIENCE, || fs::read_to_string(data.join("network")).ok());
    drop(node);
    let mark = mark.expect("a node marks its data folder");
    edit(&other.of_validator(0, "config.toml"), "data = \"data\"", &format!("data = \"{}\"", text(&data)));
    check(&mut other.node(0), &[text(&data), "written for network", &mark]);
}

#[test]
fn a_demo_refuses_a_chain_with_the_line_and_the_reason() {
    const GOOD: &str = "date,currency,expiry,strike,type,mark_iv,underlying_usd\n\
                        2026-08-08,BTC,10AUG26,57000,put,48.27,64822.53\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.csv");
    let cases = [
        (GOOD.replace(",mark_iv", ",iv"), vec!["line 1", "\"mark_iv\" is missing"]),
        (GOOD.replace("57000", "5x000"), vec!["line 2", "strike is \"5x000\"", "a price in USD"]),
        (GOOD.replace("48.27", "-3"), vec!["line 2", "mark_iv is \"-3\"", "a volatility in percent"]),
        (GOOD.replace("10AUG26", "31FEB26"), vec!["line 2", "expiry is \"31FEB26\""]),
        (GOOD.replace(",64822.53", ""), vec!["line 2"]),
        (format!("{GOOD}2026-08-08,BTC,10AUG26,57000,put,50,64822.53\n"), vec!["line 3", "line 2 already"]),
        (GOOD.lines().next().unwrap_or_default().to_owned(), vec!["no option"]),
        (String::new(), vec!["line 1"]),
    ];
    for (chain, need) in cases {
        fs::write(&file, chain).unwrap();
        let mut command = clockless(&["demo", "--headless", "--for", "1s", "--chain", text(&file)]);
        check(&mut command, &[&[text(&file)], need.as_slice()].concat());
    }
    fs::write(&file, [b"date,".as_slice(), &[0xff, 0xfe]].concat()).unwrap();
    check(&mut clockless(&["demo", "--chain", text(&file)]), &[text(&file), "line 1"]);
    check(&mut clockless(&["demo", "--chain", "/nowhere.csv"]), &["/nowhere.csv", "No such file"]);
}

#[test]
fn the_tools_refuse_bad_arguments_and_files() {
    let folder = Folder::new(1);
    let (broken, genesis) = (folder.path("broken"), folder.path("genesis.json"));
    fs::write(&broken, "{\"name\":").unwrap();
    let (broken, genesis) = (text(&broken), text(&genesis));
    let account = "ab".repeat(32);
    let (account, node) = (account.as_str(), "127.0.0.1:1");
    let verify =
        |genesis, node, account| vec!["verify", "--genesis", genesis, "--node", node, "--account", account];
    let mut wrong_balance = verify(genesis, node, account);
    wrong_balance.extend(["--balance", "12.3456789"]);
    let cases: Vec<(Vec<&str>, Vec<&str>)> = vec![
        (vec!["sim", "--seeds", "5"], vec!["--seeds 5", "0..1000"]),
        (vec!["sim", "--seeds", "7..7"], vec!["--seeds 7..7", "0..1000"]),
        (vec!["sim", "--seeds", "0..1", "--adversary", "kind"], vec!["--adversary kind", "scheduler"]),
        (vec!["replay", "matching", "/nowhere"], vec!["/nowhere", "No such file"]),
        (vec!["replay", "matching", broken], vec![broken, "header", "need 32"]),
        (verify("/nowhere", node, account), vec!["/nowhere", "No such file"]),
        (verify(broken, node, account), vec![broken, "line 1"]),
        (verify(genesis, node, "abc"), vec!["--account", "64 hexadecimal digits"]),
        (wrong_balance, vec!["--balance", "6"]),
        (verify(genesis, "not an address", account), vec!["not an address", "127.0.0.1:7000"]),
        (verify(genesis, node, account), vec![node, "cannot be reached"]),
        (vec!["gateway", "--config", "/nowhere"], vec!["/nowhere", "no such file"]),
        (vec!["gateway", "--config", broken], vec![broken, "line 1"]),
    ];
    for (arguments, need) in cases {
        check(&mut clockless(&arguments), &need);
    }
}

#[test]
fn a_gateway_names_what_is_wrong_with_its_files() {
    let folder = Folder::new(1);
    let (config, keys) = (folder.path("gateway.toml"), folder.path("keys.json"));
    let sound = "genesis = \"genesis.json\"\nnode = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:0\"\nkeys = \"keys.json\"\n";
    let cases = [
        (sound.replace("listen", "lsiten"), "{\"keys\":[]}", vec!["gateway.toml", "lsiten"]),
        (sound.replace("keys.json", "other.json"), "{\"keys\":[]}", vec!["other.json", "No such file"]),
        (sound.to_owned(), "{\"keys\":[", vec!["keys.json", "line 1"]),
        (sound.to_owned(), "{\"kyes\":[]}", vec!["keys.json", "kyes", "keys"]),
    ];
    for (file, secrets, need) in cases {
        fs::write(&config, file).unwrap();
        fs::write(&keys, secrets).unwrap();
        check(&mut clockless(&["gateway", "--config", text(&config)]), &need);
    }
}
