//! Acceptances that wait for a quote.
//!
//! Invariant: a request has one at most on each side, which is tried with every quote that comes, and taken once: whatever
//! became of it, it never trades again.

use num::{Fix, Side};

use super::{Acceptance, Ending, Quote, Request, RequestBook, RequestState, RfqError};
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
    /// The taker's.
    pub side: Side,
    pub client_id: String,
    pub taken: Vec<(Quote, Fix)>,
}

/// What waits on a request, or did: the last of each side, the latest of both at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Triggers(Vec<Trigger>);

impl Triggers {
    pub fn iter(&self) -> impl Iterator<Item = &Trigger> {
        self.0.iter()
    }

    /// The one that the venue's object has room for: what waits before what does not, then the latest.
    pub fn foremost(&self) -> Option<&Trigger> {
        self.waiting().last().or(self.0.last())
    }

    fn waiting(&self) -> impl Iterator<Item = &Trigger> {
        self.0.iter().filter(|it| it.state == TriggerState::Waiting)
    }

    /// Adds one in the place of the one before on its side.
    fn put(&mut self, trigger: Trigger) {
        self.0.retain(|it| it.wanted.side != trigger.wanted.side);
        self.0.push(trigger);
    }

    fn set(&mut self, side: Side, state: &TriggerState) {
        let of_side = self.0.iter_mut().filter(|it| it.wanted.side == side);
        of_side.for_each(|it| it.state = state.clone());
    }
}

impl RequestBook {
    /// Lets an acceptance wait on its taker's request; it takes the place of the one before on its side.
    pub fn wait(
        &mut self,
        taker: &AccountId,
        id: u64,
        (wanted, client_id): (Acceptance, &str),
    ) -> Result<(), RfqError> {
        self.own_open_request(taker, id)?;
        let client_id = client_id.to_owned();
        let trigger = Trigger { wanted, client_id, state: TriggerState::Waiting };
        self.requests.get_mut(&id).into_iter().for_each(|it| it.triggers.put(trigger.clone()));
        Ok(())
    }

    /// Takes back what waits on a request, on one side where that is said.
    pub fn cancel_trigger(&mut self, taker: &AccountId, id: u64, side: Option<Side>) -> Result<(), RfqError> {
        self.own_open_request(taker, id)?;
        let ended = self.end_triggers(id, side, "user_request");
        if ended > 0 { Ok(()) } else { Err(RfqError::NoTrigger { have: id }) }
    }

    /// Takes for every acceptance that waits what it now can have; those requests trade from here on until `finish`.
    pub fn take_due(&mut self) -> Vec<Due> {
        let open = self.requests.values().filter(|it| it.state == RequestState::Open);
        let of_request = |it: &Request| -> Vec<(u64, AccountId, Trigger)> {
            it.triggers.waiting().map(|trigger| (it.id, it.taker.account, trigger.clone())).collect()
        };
        let waiting: Vec<(u64, AccountId, Trigger)> = open.flat_map(of_request).collect();
        // Of two on one request the first that can be had leaves it trading, and the other nothing to take.
        let take = |(request, taker, trigger): (u64, AccountId, Trigger)| {
            let taken = self.take(&taker, request, trigger.wanted).ok()?;
            Some(Due { request, side: trigger.wanted.side, client_id: trigger.client_id, taken })
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
        request.into_iter().for_each(|it| it.triggers.set(due.side, &state));
        self.finish(due.request, &due.taken, ending);
    }

    /// Ends what waits on a request, on one side or on both; how many did.
    pub(super) fn end_triggers(&mut self, id: u64, side: Option<Side>, reason: &str) -> usize {
        let Some(request) = self.requests.get_mut(&id) else { return 0 };
        let waits = |it: &&mut Trigger| {
            it.state == TriggerState::Waiting && side.is_none_or(|side| it.wanted.side == side)
        };
        let ended = request.triggers.0.iter_mut().filter(waits);
        ended.map(|it| it.state = TriggerState::Cancelled { reason: reason.to_owned() }).count()
    }
}
