//! The link to the primary: dialled again for as long as the worker lives.
//!
//! Invariant: words that cannot be told are dropped; when the primary seats this worker, everything is told anew.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::Signer as _;
use commonware_runtime::{Network as _, Supervisor as _, tokio::Context};
use commonware_stream::Upgrader as _;
use crypto::SigningKey;
use tokio::sync::mpsc;
use wire::{WorkerOrder, WorkerWord, limits::MESSAGE_BYTES_MAX};
use worker::Event;

use crate::{
    failure::Failure,
    node::{
        inbox::Inbox,
        links,
        workers::{HANDSHAKE_MAX, NAMESPACE, link_key},
    },
};

/// Words on their way before the link is given up.
const WORDS_MAX: usize = 64 * 1024;
/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(100);

/// The sending side, while there is one.
#[derive(Clone, Debug, Default)]
pub struct Primary(Arc<Mutex<Link>>);

#[derive(Debug, Default)]
enum Link {
    #[default]
    Down,
    /// Up, and the worker has not introduced itself over it.
    Met(mpsc::Sender<WorkerWord>),
    Introduced(mpsc::Sender<WorkerWord>),
}

impl Primary {
    /// Tells the primary, if it is there and keeps up. What was on its way to the disk when it was met is not told before
    /// the introduction, which has it too.
    pub fn tell(&self, word: WorkerWord) {
        let mut link = self.lock();
        if let Link::Introduced(words) = &*link
            && words.try_send(word).is_err()
        {
            *link = Link::Down;
        }
    }

    /// The words that follow introduce the worker.
    pub fn introduce(&self) {
        let mut link = self.lock();
        *link = match core::mem::take(&mut *link) {
            Link::Down => Link::Down,
            Link::Met(words) | Link::Introduced(words) => Link::Introduced(words),
        };
    }

    fn set(&self, link: Link) {
        *self.lock() = link;
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
pub async fn keep(context: Context, meeting: Meeting, primary: Primary, inbox: Inbox<Event>) {
    loop {
        if let Err(failure) = meet(&context, &meeting, &primary, &inbox).await {
            tracing::debug!(%failure, "the primary is not there");
        }
        primary.set(Link::Down);
        tokio::time::sleep(AGAIN).await;
    }
}

async fn meet(
    context: &Context,
    meeting: &Meeting,
    primary: &Primary,
    inbox: &Inbox<Event>,
) -> Result<(), Failure> {
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
    primary.set(Link::Met(words));
    tracing::info!("the primary is met");
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
            inbox.put_in_turn(Event::Order(order)).await;
        }
    };
    tokio::select! {
        () = send => {}
        () = receive => {}
    }
    tracing::warn!("the primary is gone");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::List;

    fn word(number: u8) -> WorkerWord {
        let digest = crypto::Digest([number; 32]);
        WorkerWord::Gone { batches: List::new(vec![digest]).expect("one") }
    }

    #[test]
    fn nothing_is_told_before_the_introduction_of_a_meeting() {
        let primary = Primary::default();
        primary.tell(word(1));
        let (words, mut told) = mpsc::channel(8);
        primary.set(Link::Met(words));
        primary.tell(word(2));
        primary.introduce();
        primary.tell(word(3));
        primary.set(Link::Down);
        primary.introduce();
        primary.tell(word(4));
        let told: Vec<WorkerWord> = core::iter::from_fn(|| told.try_recv().ok()).collect();
        assert_eq!(told, [word(3)]);
    }
}
