//! A validator that is not ours: it has the key of a member and says what it likes.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test waits by the clock and fails by a panic"
)]

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_cryptography::{ChaCha20Poly1305, Signer as _, ed25519};
use commonware_p2p::{
    Address, AddressableManager as _, Recipients, Sender as _,
    authenticated::lookup::{self, Network as Links},
};
use commonware_runtime::{IoBuf, Quota, Runner as _, Supervisor as _};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::ordered::Map;
use support::network::{Network, PATIENCE, Person, until};
use tokio::sync::mpsc;
use wire::{Author, Batch, Blob, Letter, List, Message, Transaction, WorkerMessage};

const VALIDATORS: u16 = 4;
/// The member that is the test.
const HOSTILE: u16 = 3;
const MIB: usize = 1024 * 1024;

/// Links to the others, in a thread with a runtime of its own.
fn speak_as_hostile(network: &Network) -> mpsc::Sender<Vec<u8>> {
    let base_port = network.folder.base_port;
    let keys: Vec<_> = network.validators().map(|place| secret(network, place)).collect();
    let (words, mut heard) = mpsc::channel::<Vec<u8>>(1);
    std::thread::spawn(move || {
        let runner = commonware_runtime::tokio::Runner::new(commonware_runtime::tokio::Config::default());
        runner.start(|context| async move {
            let signer = keys[usize::from(HOSTILE)].clone();
            let day = Duration::from_secs(24 * 3_600);
            let sake =
                Sake { signer, synchrony_bound: day, max_handshake_age: day, version: sake::Version::V1 };
            let handshake: Cups<_, ChaCha20Poly1305> = Cups::new(sake, cups::Version::V1);
            let address = |place: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, base_port + 3 * place));
            let (members, mailbox) = (NonZeroUsize::new(4).unwrap(), NonZeroUsize::new(8_192).unwrap());
            let bytes_max = u32::try_from(4 * MIB).unwrap();
            let listen = address(HOSTILE);
            let mut settings =
                lookup::Config::local(handshake, b"clockless links", listen, members, bytes_max, mailbox);
            settings.bypass_ip_check = true;
            settings.peer_connection_cooldown = Duration::from_millis(200);
            settings.dial_frequency = Duration::from_millis(100);
            let (mut links, mut oracle) = Links::new(context.child("links"), settings);
            let peers: Vec<_> = (0..)
                .zip(&keys)
                .map(|(place, key)| (key.public_key(), Address::Symmetric(address(place))))
                .collect();
            let peers: Map<_, _> = peers.try_into().unwrap();
            let _tracked = oracle.track(0, peers);
            let quota = Quota::per_second(NonZeroU32::new(4_096).unwrap());
            let (mut consensus, _in) = links.register(0, quota);
            let (_bulk, _bulk_in) = links.register(1, quota);
            links.start();
            while let Some(word) = heard.recv().await {
                drop(consensus.send(Recipients::All, IoBuf::from(Bytes::from(word)), true));
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    });
    words
}

fn secret(network: &Network, place: u16) -> ed25519::PrivateKey {
    let text = fs::read_to_string(network.folder.of_validator(place, "key")).unwrap();
    ed25519::PrivateKey::decode(hex::decode(text.trim()).unwrap()).unwrap()
}

/// A metric of a validator.
fn metric(network: &Network, place: u16, name: &str) -> Option<u64> {
    let mut stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, network.folder.base_port + 3 * place + 2)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// A batch that nobody asked for and no block will carry.
fn useless_batch(sequence: u64) -> Vec<u8> {
    let noise = Transaction::new(Bytes::from(sequence.to_be_bytes().repeat(1_024))).unwrap();
    let transactions = List::new(vec![noise; 32]).unwrap();
    let batch = Batch { epoch: 1, author: Author(HOSTILE), worker: 0, sequence, transactions };
    let message = WorkerMessage::Batch { batch: Blob::new(batch.encode()).unwrap() };
    Letter::Agreement { epoch: 1, message: Message::Worker { worker: 0, message } }.encode().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_floods_and_sends_noise_is_shut_out_and_the_others_go_on() {
    let mut network = Network::prepare(VALIDATORS);
    (0..HOSTILE).for_each(|place| network.launch(place));
    let words = speak_as_hostile(&network);
    until("the hostile member is linked", async || {
        (metric(&network, 0, "clockless_node_peers_connected")? == 2).then_some(())
    })
    .await;
    let before = network.memory_mb(0);
    // 256 KiB each: 200 MiB, three times what one author's unasked batches may take.
    for sequence in 0..800 {
        words.send(useless_batch(sequence)).await.unwrap();
    }
    let mut person = Person::new(network.digest().await, 1);
    let transaction = person.faucet(100);
    assert_eq!(network.client(0).await.submit(vec![transaction.clone()]).await.unwrap(), [""]);
    network.until_ordered(1, &[transaction]).await;
    let grown = network.memory_mb(0).saturating_sub(before);
    assert!((32..64 + 128).contains(&grown), "{grown} MB more for what one author may take 64 of");
    for _ in 0..8 {
        words.send(b"no letter".to_vec()).await.unwrap();
    }
    until("the hostile member is shut out", async || {
        (metric(&network, 0, "clockless_node_peers_shut_out")? == 1).then_some(())
    })
    .await;
    let transaction = person.faucet(100);
    assert_eq!(network.client(1).await.submit(vec![transaction.clone()]).await.unwrap(), [""]);
    network.until_ordered(0, &[transaction]).await;
    network.assert_alive();
}
