//! The link to the primary: dialled again for as long as the worker lives.
//!
//! Invariant: words that cannot be told are dropped; when the primary is met, everything is told anew.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer as _;
use commonware_runtime::{Network as _, Supervisor as _, tokio::Context};
use commonware_stream::Upgrader as _;
use crypto::SigningKey;
use tokio::sync::mpsc;
use wire::{WorkerOrder, WorkerWord, limits::MESSAGE_BYTES_MAX};
use worker::Input;

use super::thread::Inbox;
use crate::{
    failure::Failure,
    node::{
        links,
        workers::{HANDSHAKE_MAX, NAMESPACE, link_key},
    },
};

/// Words on their way before the link is given up.
const WORDS_MAX: usize = 64 * 1024;
/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(100);
/// How long to wait when the worker's queue is full.
const PAUSE: Duration = Duration::from_millis(2);

/// The sending side, while there is one.
#[derive(Clone, Debug, Default)]
pub struct Primary(Arc<Mutex<Option<mpsc::Sender<WorkerWord>>>>);

impl Primary {
    /// Tells the primary, if it is there and keeps up.
    pub fn tell(&self, word: WorkerWord) {
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if words.as_ref().is_some_and(|words| words.try_send(word).is_err()) {
            *words = None;
        }
    }

    fn set(&self, words: Option<mpsc::Sender<WorkerWord>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }
}

/// Who is met where.
pub struct Meeting {
    /// The validator's.
    pub key: SigningKey,
    pub number: u8,
    pub address: SocketAddr,
}

/// Keeps the link up.
pub async fn keep(context: Context, meeting: Meeting, primary: Primary, inbox: Inbox) {
    loop {
        if let Err(failure) = meet(&context, &meeting, &primary, &inbox).await {
            tracing::debug!(%failure, "the primary is not there");
        }
        primary.set(None);
        tokio::time::sleep(AGAIN).await;
    }
}

async fn meet(context: &Context, meeting: &Meeting, primary: &Primary, inbox: &Inbox) -> Result<(), Failure> {
    let failed = |error: &dyn core::fmt::Display| Failure::failed(error.to_string());
    let own = link_key(&meeting.key, meeting.number).to_bytes();
    let peer = links::signer(meeting.key.to_bytes())?.public_key();
    let bytes_max = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
    let (sink, stream) = context.dial(meeting.address).await.map_err(|error| failed(&error))?;
    let dialled =
        links::handshake(own)?.dial(context.child("link"), NAMESPACE, bytes_max, peer, stream, sink);
    let dialled = tokio::time::timeout(HANDSHAKE_MAX, dialled).await.map_err(|error| failed(&error))?;
    let (mut sender, mut receiver) = dialled.map_err(|error| failed(&error))?;
    let (words, mut waiting) = mpsc::channel::<WorkerWord>(WORDS_MAX);
    primary.set(Some(words));
    tracing::info!("the primary is met");
    put(inbox, Input::Met).await;
    let send = async {
        while let Some(word) = waiting.recv().await {
            if sender.send(word.encode()).await.is_err() {
                return;
            }
        }
    };
    let receive = async {
        while let Ok(bytes) = receiver.recv().await {
            let Ok(order) = WorkerOrder::decode(bytes) else { return };
            put(inbox, Input::Order(order)).await;
        }
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
    }
    tracing::warn!("the primary is gone");
    Ok(())
}

async fn put(inbox: &Inbox, input: Input) {
    let mut waiting = Some(input);
    while let Some(input) = waiting.take() {
        if let Err(back) = inbox.offer(input) {
            waiting = Some(back);
            tokio::time::sleep(PAUSE).await;
        }
    }
}
