//! Acceptances that wait for a quote.
//!
//! Invariant: a request has one at most, which is tried with every quote that comes, and taken once: whatever became of it,
//! it never trades again.

use num::Fix;

use super::{Acceptance, Ending, Quote, RequestBook, RequestState, RfqError};
use wire::AccountId;

/// What a taker would take as soon as it can be had.
#[derive(Clone, Debug)]
pub(crate) struct Trigger {
    pub wanted: Acceptance,
    /// The API key whose session key signs when it is taken.
    pub client_id: String,
    pub state: TriggerState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TriggerState {
    Waiting,
    Taken,
    Cancelled { reason: String },
}

impl TriggerState {
    /// The venue's word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "untriggered",
            Self::Taken => "triggered",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// What a quote has set off.
#[derive(Debug)]
pub(crate) struct Due {
    pub request: u64,
    pub client_id: String,
    pub taken: Vec<(Quote, Fix)>,
}

impl RequestBook {
    /// Lets an acceptance wait on its taker's request; it takes the place of the one before.
    pub fn wait(
        &mut self,
        taker: &AccountId,
        id: u64,
        (wanted, client_id): (Acceptance, &str),
    ) -> Result<(), RfqError> {
        self.own_open_request(taker, id)?;
        let client_id = client_id.to_owned();
        let trigger = Trigger { wanted, client_id, state: TriggerState::Waiting };
        self.requests.get_mut(&id).into_iter().for_each(|it| it.trigger = Some(trigger.clone()));
        Ok(())
    }

    /// Takes back what waits on a request.
    pub fn cancel_trigger(&mut self, taker: &AccountId, id: u64) -> Result<(), RfqError> {
        self.own_open_request(taker, id)?;
        if self.end_trigger(id, "user_request") { Ok(()) } else { Err(RfqError::NoTrigger { have: id }) }
    }

    /// Takes for every acceptance that waits what it now can have; those requests trade from here on until `finish`.
    pub fn take_due(&mut self) -> Vec<Due> {
        let waits = |trigger: &&Trigger| trigger.state == TriggerState::Waiting;
        let waiting: Vec<(u64, AccountId, Trigger)> = self
            .requests
            .values()
            .filter(|it| it.state == RequestState::Open)
            .filter_map(|it| Some((it.id, it.taker.account, it.trigger.as_ref().filter(waits)?.clone())))
            .collect();
        let take = |(request, taker, trigger): (u64, AccountId, Trigger)| {
            let taken = self.take(&taker, request, trigger.wanted).ok()?;
            Some(Due { request, client_id: trigger.client_id, taken })
        };
        waiting.into_iter().filter_map(take).collect()
    }

    /// What became of an acceptance that waited.
    pub fn finish_due(&mut self, due: &Due, (ending, reason): (Ending, &str)) {
        let state = match ending {
            Ending::Traded { .. } => TriggerState::Taken,
            Ending::Refused | Ending::Unknown => TriggerState::Cancelled { reason: reason.to_owned() },
        };
        let request = self.requests.get_mut(&due.request);
        request.and_then(|it| it.trigger.as_mut()).into_iter().for_each(|it| it.state = state.clone());
        self.finish(due.request, &due.taken, ending);
    }

    /// Ends what waits on a request; whether anything did.
    pub(super) fn end_trigger(&mut self, id: u64, reason: &str) -> bool {
        let trigger = self.requests.get_mut(&id).and_then(|it| it.trigger.as_mut());
        let Some(trigger) = trigger.filter(|it| it.state == TriggerState::Waiting) else { return false };
        trigger.state = TriggerState::Cancelled { reason: reason.to_owned() };
        true
    }
}
