//! What the exchange did lately, for tools that follow it.
//!
//! Invariant: a bounded number of events is kept, in whole commits, the newest ones. Nothing here is proved, and
//! nothing that matters is built on it: who needs certainty applies the commits.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wire::Event;

/// Events kept in all.
const EVENTS_MAX: usize = 200_000;

/// The events of the last commits.
pub struct EventLog(Mutex<Kept>);

struct Kept {
    /// The commit of the oldest entry.
    first: u64,
    events: usize,
    commits: VecDeque<Arc<[Event]>>,
}

impl EventLog {
    pub fn new() -> Self {
        Self(Mutex::new(Kept { first: 1, events: 0, commits: VecDeque::new() }))
    }

    /// Adds the events of the next commit.
    pub fn add(&self, events: Vec<Event>) {
        let mut kept = self.lock();
        kept.events += events.len();
        kept.commits.push_back(events.into());
        while kept.events > EVENTS_MAX && kept.commits.len() > 1 {
            let Some(oldest) = kept.commits.pop_front() else { return };
            kept.events -= oldest.len();
            kept.first += 1;
        }
    }

    /// Commits were left out: what follows comes after `commit`.
    pub fn go_on_after(&self, commit: u64) {
        *self.lock() = Kept { first: commit + 1, events: 0, commits: VecDeque::new() };
    }

    /// The events of a commit, `None` when it is still to come: `Err` holds the first one that is kept.
    pub fn of_commit(&self, commit: u64) -> Result<Option<Arc<[Event]>>, u64> {
        let kept = self.lock();
        let place = commit.checked_sub(kept.first).ok_or(kept.first)?;
        Ok(usize::try_from(place).ok().and_then(|place| kept.commits.get(place).cloned()))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use num::Cash;
    use wire::AccountId;

    use super::*;

    fn deposits(count: usize) -> Vec<Event> {
        vec![Event::Deposited { account: AccountId::default(), amount: Cash::ZERO }; count]
    }

    #[test]
    fn old_commits_make_room_and_the_newest_is_always_there() {
        let log = EventLog::new();
        assert_eq!(log.of_commit(1), Ok(None));
        log.add(deposits(2));
        log.add(deposits(EVENTS_MAX - 2));
        assert_eq!(log.of_commit(1).map(|it| it.map(|it| it.len())), Ok(Some(2)));
        log.add(deposits(1));
        assert_eq!(log.of_commit(1), Err(2));
        log.add(deposits(EVENTS_MAX + 1));
        assert_eq!(log.of_commit(3), Err(4));
        assert_eq!(log.of_commit(4).map(|it| it.map(|it| it.len())), Ok(Some(EVENTS_MAX + 1)));
        assert_eq!(log.of_commit(5), Ok(None));
    }
}
