//! The bounded way to a thread.
//!
//! Invariant: a network task never waits for a core: what there is no room for is dropped or handed back, unless whoever
//! says it chooses to wait for its turn.

use std::{
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    time::Duration,
};

/// How long to wait when there is no room.
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub struct Inbox<T>(SyncSender<T>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Inbox<T> {
    /// An inbox with room for so many.
    pub fn new(max: usize) -> (Self, Receiver<T>) {
        let (sender, receiver) = sync_channel(max);
        (Self(sender), receiver)
    }

    /// Drops what there is no room for; false then.
    pub fn put(&self, it: impl Into<T>) -> bool {
        self.0.try_send(it.into()).is_ok()
    }

    /// Waits until there is room, or nobody who reads.
    pub async fn put_in_turn(&self, it: impl Into<T>) {
        let mut waiting = it.into();
        while let Err(TrySendError::Full(back)) = self.0.try_send(waiting) {
            waiting = back;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_unless_its_turn_is_waited_for() {
        let (inbox, words) = Inbox::<u8>::new(1);
        assert!(inbox.put(1));
        assert!(!inbox.put(2));
        let reader = std::thread::spawn(move || words.iter().take(2).collect::<Vec<_>>());
        inbox.put_in_turn(3).await;
        assert_eq!(reader.join().expect("it reads two"), [1, 3]);
        inbox.put_in_turn(4).await;
        assert!(!inbox.put(5), "nobody reads any more");
    }
}
