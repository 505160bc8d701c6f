//! Four validators as processes: they order and prove the same, shrug off garbage, and survive kill -9.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use client::protocol::SubmitRequest;
use commonware_codec::DecodeExt;
use crypto::{Digest, SigningKey};
use support::{
    Folder, clockless,
    load::{Load, Told},
    network::{Network, PATIENCE, Person, until},
    run, run_json,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use wire::{SignedIntent, Transaction, limits::TRANSACTION_BYTES_MAX};

async fn executed(network: &Network, place: u16) -> u64 {
    network.client(place).await.status().await.unwrap().executed
}

#[tokio::test(flavor = "multi_thread")]
async fn validators_order_the_same_and_prove_it_and_shrug_off_garbage() {
    let mut network = Network::start(4).await;
    let name = network.digest().await;
    let mut people: Vec<Person> = (1..=8).map(|seed| Person::new(name, seed)).collect();
    let mut ordered = Vec::new();
    for (place, person) in people.iter_mut().enumerate() {
        let transaction = person.faucet(1_000);
        let mut client = network.client(u16::try_from(place % 4).unwrap()).await;
        assert_eq!(client.submit(vec![transaction.clone()]).await.unwrap(), [""]);
        ordered.push(transaction);
    }
    let last = network.until_ordered(0, &ordered).await;
    network.assert_agreement(last).await;
    bad_intents_are_refused_by_name(&network, &mut people[0]).await;
    garbage_on_the_ports_does_no_harm(&network).await;
    network.assert_alive();
    let after = people[1].faucet(1);
    assert_eq!(network.client(1).await.submit(vec![after.clone()]).await.unwrap(), [""]);
    let last = network.until_ordered(2, &[after]).await;
    network.assert_agreement(last).await;
    proofs_hold_for_what_is_so(&network, &people[2]);
    receipts_hold_for_what_became_of_intents(&network, (&people[2], &ordered[2]));
}

async fn bad_intents_are_refused_by_name(network: &Network, person: &mut Person) {
    let good = person.faucet(1).into_bytes().to_vec();
    let mut forged = person.faucet(1).into_bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let elsewhere = Person::new(Digest::default(), 1).faucet(1).into_bytes().to_vec();
    let cases = [
        (good[..good.len() / 2].to_vec(), "no intent"),
        (vec![0xff; 300], "no intent"),
        (Vec::new(), "no intent"),
        (vec![0; TRANSACTION_BYTES_MAX + 1], "16385 bytes, at most 16384"),
        (forged, "signature"),
        (elsewhere, "it is for network"),
        (good.clone(), ""),
    ];
    let mut client = network.client(1).await;
    let (requests, receiver) = mpsc::channel(1);
    let mut answers = client.submit_stream(receiver).await.unwrap();
    let transactions: Vec<Vec<u8>> = cases.iter().map(|(bytes, _)| bytes.clone()).collect();
    let count = u64::try_from(cases.len()).unwrap();
    requests.send(SubmitRequest { first_ticket: 10, transactions }).await.unwrap();
    let mut told = Told::default();
    until("all is answered", async || {
        let answer = tokio::time::timeout(PATIENCE, answers.next()).await.ok()??;
        told.note(answer.ok()?);
        (told.finals.len() + told.refused.len() == cases.len()).then_some(())
    })
    .await;
    told.refused.sort_unstable();
    assert_eq!(told.refused, (10..10 + count - 1).collect::<Vec<_>>());
    assert_eq!(told.finals, [10 + count - 1]);
    // One by one, through the raw protocol: what is too large cannot even be built as a `Transaction`.
    let mut raw =
        client::protocol::node_client::NodeClient::connect(format!("http://{}", network.folder.rpc(1)))
            .await
            .unwrap();
    for (bytes, need) in cases {
        let answer = raw.submit(SubmitRequest { first_ticket: 0, transactions: vec![bytes] }).await.unwrap();
        let refusals = answer.into_inner().refusals;
        assert_eq!(refusals.len(), 1);
        assert!(
            refusals[0].contains(need) && refusals[0].is_empty() == need.is_empty(),
            "{refusals:?}: {need}"
        );
    }
    let huge = SubmitRequest { first_ticket: 0, transactions: vec![vec![0; 17 * 1024 * 1024]] };
    let mut raw = raw.max_encoding_message_size(64 * 1024 * 1024);
    let error = raw.submit(huge).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::OutOfRange, "{error}");
}

async fn garbage_on_the_ports_does_no_harm(network: &Network) {
    let noise: Vec<u8> = (0..64 * 1024_u32).map(|it| u8::try_from((it * it / 7) % 256).unwrap()).collect();
    let mut held = Vec::new();
    for port in 0..3 {
        let address = ("127.0.0.1", network.folder.base_port + 3 + port);
        for bytes in [
            noise.as_slice(),
            b"GET / HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff",
            &[0; 9],
        ] {
            let mut stream = TcpStream::connect(address).unwrap();
            // Whoever does not listen to noise to its end is right.
            let _cut_off = stream.write_all(bytes);
            held.push(stream);
        }
    }
    let metrics = |path: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", network.folder.base_port + 5)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(metrics("/health").starts_with("HTTP/1.1 200"));
    assert!(metrics("/ready").starts_with("HTTP/1.1 200"));
    assert!(metrics("/nothing").starts_with("HTTP/1.1 404"));
    assert!(metrics("/metrics").contains("# EOF"));
    assert!(network.client(1).await.status().await.is_ok());
}

fn proofs_hold_for_what_is_so(network: &Network, person: &Person) {
    let owner = person.account().owner.to_string();
    let verify = |genesis: &Folder, account: &str, more: &[&str]| {
        let mut command =
            clockless(&["verify", "--json", "--node", &network.folder.rpc(3), "--account", account]);
        command.arg("--genesis").arg(genesis.path("genesis.json")).args(more);
        command
    };
    let proved = run_json(&mut verify(&network.folder, &owner, &["--balance", "1000"]));
    assert_eq!(proved["verified"], true);
    assert_eq!(proved["account"], owner);
    assert_eq!(proved["balance"], "1000.000000");
    let stranger = SigningKey::from_bytes([99; 32]).public_key().to_string();
    assert!(run_json(&mut verify(&network.folder, &stranger, &[]))["balance"].is_null());
    let other = Folder::new(4);
    for (genesis, more, need) in [
        (
            &network.folder,
            ["--balance", "1000.000001"],
            "the claim is 1000.000001, the committee signed 1000.000000",
        ),
        (&network.folder, ["--subaccount", "1"], ""),
        (&other, ["--subaccount", "0"], "certificate"),
    ] {
        let ended = run(&mut verify(genesis, &owner, &more));
        let code = if need.is_empty() { 0 } else { 1 };
        assert_eq!(ended.code, Some(code), "{more:?}: {ended:?}");
        assert!(ended.stderr.contains(need), "{more:?}: {ended:?}");
    }
}

fn receipts_hold_for_what_became_of_intents(network: &Network, (person, ordered): (&Person, &Transaction)) {
    let intent = SignedIntent::decode(ordered.clone().into_bytes()).unwrap().intent.id().to_string();
    let verify = |genesis: &Folder, intent: &str| {
        let mut command =
            clockless(&["verify", "--json", "--node", &network.folder.rpc(1), "--intent", intent]);
        command.arg("--genesis").arg(genesis.path("genesis.json"));
        command
    };
    let proved = run_json(&mut verify(&network.folder, &intent));
    assert_eq!(proved["verified"], true);
    assert_eq!(proved["account"], person.account().owner.to_string());
    assert_eq!(proved["outcomes"], serde_json::json!(["done"]));
    assert!(proved["certified_commit"].as_u64() >= proved["commit"].as_u64());
    let unknown = "ab".repeat(32);
    let other = Folder::new(4);
    for (genesis, intent, code, need) in [
        (&network.folder, unknown.as_str(), 2, "no receipt of intent abab"),
        (&network.folder, "abc", 2, "--intent: 64 hexadecimal digits"),
        (&other, &intent, 1, "certificate"),
    ] {
        let ended = run(&mut verify(genesis, intent));
        assert_eq!(ended.code, Some(code), "{intent}: {ended:?}");
        assert!(ended.stderr.contains(need), "{intent}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_loses_nothing_that_was_accepted() {
    let mut network = Network::prepare(4);
    // Logs stay whole, so that every commit can be looked at in the end.
    network.checkpoint_every(1_000_000);
    network.start_all().await;
    let name = network.digest().await;
    let mut loads = Vec::new();
    for place in network.validators() {
        let person = Person::new(name, u8::try_from(place).unwrap() + 1);
        loads.push(Load::start(&network, place, person).await);
    }
    for load in &loads {
        load.until_accepted(40).await;
    }
    network.kill(1);
    let killed = loads.remove(1);
    let before = executed(&network, 0).await;
    until("three go on without the fourth", async || {
        (executed(&network, 2).await > before + 10).then_some(())
    })
    .await;
    network.restart(1).await;
    let target = executed(&network, 0).await;
    until("the fourth catches up", async || (executed(&network, 1).await >= target).then_some(())).await;
    let mut accepted = killed.stop();
    assert!(accepted.len() >= 40);
    network.until_ordered(0, &accepted).await;

    for place in network.validators() {
        network.kill(place);
    }
    let of_survivors = loads.into_iter().map(Load::stop).collect::<Vec<_>>();
    accepted.extend(of_survivors.into_iter().flatten());
    network.start_all().await;
    let more = Person::new(name, 50).faucet(1);
    assert_eq!(network.client(3).await.submit(vec![more.clone()]).await.unwrap(), [""]);
    accepted.push(more);
    let mut last = 0;
    for place in network.validators() {
        last = last.max(network.until_ordered(place, &accepted).await);
    }
    network.assert_agreement(last).await;
    network.assert_alive();
}
