//! Requests for quotes on structures of several legs, and the answers to them.
//!
//! Who asks whom needs no agreement: requests and quotes are in this gateway's memory and go with it. The trade is an
//! offer that the maker's session key signs in the moment it is taken, carried by the taker's intent.
//!
//! Invariant: nobody sees a request that he is not asked by, nor a quote that is neither his nor on his request; a name is
//! not shown before a trade to the other side when its bearer asked for that. A quote that was taken back is never signed.
//! What anybody can make the gateway keep is bounded.

mod error;
mod json;
mod request;
mod tell;
mod trigger;

use std::collections::BTreeMap;

use num::{Cash, Fix, Side};
use wire::AccountId;

pub(crate) use error::RfqError;
pub(crate) use json::{quote_json, request_json, trade_json, trigger_json};
pub(crate) use request::{
    Deal, Disclosure, Execution, Hedge, Leg, Party, PricedLeg, Quote, QuoteState, QuoteTerms, Request,
    RequestState, structure,
};
pub(crate) use trigger::{Due, Trigger, TriggerState, Triggers};

/// How long a request stands.
const SPAN_MS: u64 = 300_000;
/// Open requests of one account.
const OPEN_MAX: usize = 25;
/// Open quotes of one maker on one request.
const QUOTES_MAX: usize = 10;
/// Requests that are remembered; the oldest that ended goes first.
const REQUESTS_MAX: usize = 10_000;

/// What a taker wants to know prices of.
#[derive(Clone, Debug)]
pub(crate) struct NewRequest {
    pub taker: Party,
    /// With what is wanted of each leg in `ratio`, in billionths.
    pub legs: Vec<Leg>,
    pub hedge: Option<Hedge>,
    pub makers: Vec<String>,
    pub label: String,
}

/// A maker's answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct NewQuote {
    pub request: u64,
    pub maker: Party,
    pub client_id: String,
    pub offer: Priced,
    pub execution: Execution,
    pub label: String,
    pub expires_ms: Option<u64>,
}

/// What a maker would trade at.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub side: Side,
    pub legs: Vec<PricedLeg>,
    pub amount: Fix,
}

/// What a taker takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acceptance {
    pub side: Side,
    /// The worst price of one structure.
    pub price: Cash,
    pub amount: Fix,
}

/// How an acceptance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Traded {
        at_ms: u64,
    },
    /// The exchange refused: everything is as before.
    Refused,
    /// It may have been ordered or not: the request never trades again.
    Unknown,
}

/// All requests and quotes of a gateway.
#[derive(Debug, Default)]
pub(crate) struct RequestBook {
    requests: BTreeMap<u64, Request>,
    quotes: BTreeMap<u64, Quote>,
    last_request: u64,
    last_quote: u64,
    /// Those who listened for requests or answered one, by name.
    makers: BTreeMap<String, AccountId>,
}

impl RequestBook {
    pub fn request(&self, id: u64) -> Option<&Request> {
        self.requests.get(&id)
    }

    /// The latest first.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.requests.values().rev()
    }

    /// The earliest first.
    pub fn quotes(&self) -> impl Iterator<Item = &Quote> {
        self.quotes.values()
    }

    pub fn makers(&self) -> impl Iterator<Item = &str> {
        self.makers.keys().map(String::as_str)
    }

    pub fn note_maker(&mut self, name: &str, account: AccountId) {
        self.makers.insert(name.to_owned(), account);
    }

    /// Opens a request; its number.
    pub fn create(&mut self, new: NewRequest, now_ms: u64) -> Result<u64, RfqError> {
        let own = self.requests.values().filter(|it| it.taker.account == new.taker.account);
        let have = own.filter(|it| it.state == RequestState::Open).count();
        if have >= OPEN_MAX {
            return Err(RfqError::RequestLimit { have, need: OPEN_MAX });
        }
        let (legs, amount) = structure(&new.legs);
        self.forget();
        self.last_request += 1;
        let request = Request {
            id: self.last_request,
            taker: new.taker,
            legs,
            hedge: new.hedge,
            amount,
            makers: new.makers,
            label: new.label,
            created_ms: now_ms,
            expires_ms: now_ms.saturating_add(SPAN_MS),
            state: RequestState::Open,
            deals: Vec::new(),
            traded_ms: 0,
            triggers: Triggers::default(),
        };
        self.requests.insert(request.id, request);
        Ok(self.last_request)
    }

    /// Makes room for one request more.
    fn forget(&mut self) {
        while self.requests.len() >= REQUESTS_MAX {
            let ended = self.requests.values().find(|it| it.state != RequestState::Open).map(|it| it.id);
            let Some(id) = ended.or_else(|| self.requests.keys().next().copied()) else { return };
            self.requests.remove(&id);
            self.quotes.retain(|_, quote| quote.request != id);
        }
    }

    /// Adds a maker's quote; its number.
    pub fn quote(&mut self, new: NewQuote, now_ms: u64) -> Result<u64, RfqError> {
        let request = self.open_request(new.request)?;
        if request.taker.account == new.maker.account {
            return Err(RfqError::OwnRequest);
        }
        if !request.asks(&new.maker.account, &new.maker.name) {
            return Err(RfqError::UnknownRequest { have: new.request });
        }
        let (terms, price) = read_terms(request, &new.offer, new.execution)?;
        let own = |it: &&Quote| it.maker.account == new.maker.account && it.state == QuoteState::Open;
        let have = self.quotes_of(new.request).filter(own).count();
        if have >= QUOTES_MAX {
            return Err(RfqError::QuoteLimit { have, need: QUOTES_MAX });
        }
        self.note_maker(&new.maker.name, new.maker.account);
        self.last_quote += 1;
        let quote = Quote {
            id: self.last_quote,
            request: new.request,
            maker: new.maker,
            client_id: new.client_id,
            terms,
            price,
            filled: Fix::ZERO,
            label: new.label,
            created_ms: now_ms,
            updated_ms: now_ms,
            expires_ms: new.expires_ms,
            state: QuoteState::Open,
            replaced: false,
        };
        self.quotes.insert(quote.id, quote);
        Ok(self.last_quote)
    }

    /// Gives an open quote other prices and another amount.
    pub fn edit_quote(
        &mut self,
        maker: &AccountId,
        id: u64,
        (legs, amount): (Vec<PricedLeg>, Fix),
        now_ms: u64,
    ) -> Result<(), RfqError> {
        let quote = self.own_open_quote(maker, id)?;
        let request = self.open_request(quote.request)?;
        let offer = Priced { side: quote.terms.side, legs, amount };
        let (terms, price) = read_terms(request, &offer, quote.terms.execution)?;
        if let Some(quote) = self.quotes.get_mut(&id) {
            (quote.terms, quote.price, quote.updated_ms, quote.replaced) = (terms, price, now_ms, true);
        }
        Ok(())
    }

    /// Takes a quote back.
    pub fn cancel_quote(&mut self, maker: &AccountId, id: u64, now_ms: u64) -> Result<(), RfqError> {
        self.own_open_quote(maker, id)?;
        if let Some(quote) = self.quotes.get_mut(&id) {
            (quote.state, quote.updated_ms) = (QuoteState::Cancelled, now_ms);
        }
        Ok(())
    }

    /// Takes a request back.
    pub fn cancel(&mut self, taker: &AccountId, id: u64) -> Result<(), RfqError> {
        self.own_open_request(taker, id)?;
        self.close(id, RequestState::Cancelled);
        Ok(())
    }

    /// The quotes that an acceptance takes and how much of each, the best price first; the request trades from here on
    /// until `finish`.
    pub fn take(
        &mut self,
        taker: &AccountId,
        id: u64,
        wanted: Acceptance,
    ) -> Result<Vec<(Quote, Fix)>, RfqError> {
        let request = self.own_open_request(taker, id)?;
        check_amount(request, wanted.amount)?;
        let (mut left, mut taken) = (wanted.amount, Vec::new());
        for quote in self.best(id, wanted.side.opposite()) {
            let is_worse = match wanted.side {
                Side::Buy => quote.price > wanted.price,
                Side::Sell => quote.price < wanted.price,
            };
            let part = quote.fills(left);
            if !is_worse && part > Fix::ZERO {
                left = left.checked_sub(part).unwrap_or(Fix::ZERO);
                taken.push((quote.clone(), part));
            }
        }
        if left > Fix::ZERO {
            let have = wanted.amount.checked_sub(left).unwrap_or(Fix::ZERO);
            return Err(RfqError::NotFillable { have, need: wanted.amount });
        }
        self.set_state(id, RequestState::Trading);
        Ok(taken)
    }

    /// What became of an acceptance.
    pub fn finish(&mut self, id: u64, taken: &[(Quote, Fix)], ending: Ending) {
        match ending {
            Ending::Refused => self.set_state(id, RequestState::Open),
            Ending::Unknown => self.close(id, RequestState::Cancelled),
            Ending::Traded { at_ms } => {
                for (quote, part) in taken {
                    self.fill(id, quote, *part);
                }
                self.requests.get_mut(&id).into_iter().for_each(|it| it.traded_ms = at_ms);
                self.close(id, RequestState::Filled);
            }
        }
    }

    fn fill(&mut self, id: u64, quote: &Quote, part: Fix) {
        if let Some(filled) = self.quotes.get_mut(&quote.id) {
            (filled.filled, filled.state) = (part, QuoteState::Filled);
        }
        if let Some(request) = self.requests.get_mut(&id) {
            request.deals.push(Deal {
                maker_side: quote.terms.side,
                price: quote.price,
                amount: part,
                maker: quote.maker.account,
                maker_name: quote.maker.name.clone(),
            });
        }
    }

    /// Ends what has stood its time; the requests that changed.
    pub fn expire(&mut self, now_ms: u64) -> Vec<u64> {
        let mut changed = Vec::new();
        for quote in self.quotes.values_mut() {
            let is_over = quote.expires_ms.is_some_and(|end| end <= now_ms);
            if quote.state == QuoteState::Open && is_over {
                (quote.state, quote.updated_ms) = (QuoteState::Expired, now_ms);
                changed.push(quote.request);
            }
        }
        let over = |it: &&Request| it.state == RequestState::Open && it.expires_ms <= now_ms;
        let over: Vec<u64> = self.requests.values().filter(over).map(|it| it.id).collect();
        over.iter().for_each(|id| self.close(*id, RequestState::Expired));
        changed.extend(over);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Open quotes on a request of makers on one side, the best for the taker first, then the earliest.
    pub fn best(&self, id: u64, maker_side: Side) -> Vec<&Quote> {
        let open = |it: &&Quote| it.state == QuoteState::Open && it.terms.side == maker_side;
        let mut found: Vec<&Quote> = self.quotes_of(id).filter(open).collect();
        found.sort_by_key(|quote| match maker_side {
            Side::Sell => (i128::from(quote.price.micros()), quote.id),
            Side::Buy => (-i128::from(quote.price.micros()), quote.id),
        });
        found
    }

    /// The maker's open quote of a number, or of a label on a request.
    pub fn own_quote(&self, maker: &AccountId, request: u64, label: &str) -> Option<u64> {
        let own = |it: &&Quote| it.maker.account == *maker && it.label == label;
        let mut found = self.quotes_of(request).filter(own);
        found.find(|it| it.state == QuoteState::Open).map(|it| it.id)
    }

    fn quotes_of(&self, request: u64) -> impl Iterator<Item = &Quote> {
        self.quotes.values().filter(move |it| it.request == request)
    }

    fn own_open_quote(&self, maker: &AccountId, have: u64) -> Result<&Quote, RfqError> {
        let quote = self.quotes.get(&have).filter(|it| it.maker.account == *maker);
        let quote = quote.ok_or(RfqError::UnknownQuote { have })?;
        self.open_request(quote.request)?;
        if quote.state == QuoteState::Open { Ok(quote) } else { Err(RfqError::QuoteEnded { have }) }
    }

    fn open_request(&self, have: u64) -> Result<&Request, RfqError> {
        let request = self.requests.get(&have).ok_or(RfqError::UnknownRequest { have })?;
        match request.state {
            RequestState::Open => Ok(request),
            RequestState::Trading => Err(RfqError::RequestTrading { have }),
            _ => Err(RfqError::RequestEnded { have }),
        }
    }

    fn own_open_request(&self, taker: &AccountId, have: u64) -> Result<&Request, RfqError> {
        let own = self.requests.get(&have).is_some_and(|it| it.taker.account == *taker);
        if own { self.open_request(have) } else { Err(RfqError::UnknownRequest { have }) }
    }

    fn set_state(&mut self, id: u64, state: RequestState) {
        if let Some(request) = self.requests.get_mut(&id) {
            request.state = state;
        }
    }

    /// Ends a request; open quotes end with it.
    fn close(&mut self, id: u64, state: RequestState) {
        self.set_state(id, state);
        self.end_triggers(id, None, state.word());
        let ended = if state == RequestState::Expired { QuoteState::Expired } else { QuoteState::Cancelled };
        for quote in self.quotes.values_mut().filter(|it| it.request == id) {
            if quote.state == QuoteState::Open {
                quote.state = ended;
            }
        }
    }
}

fn read_terms(
    request: &Request,
    offer: &Priced,
    execution: Execution,
) -> Result<(QuoteTerms, Cash), RfqError> {
    check_amount(request, offer.amount)?;
    let prices = request.prices(&offer.legs).ok_or(RfqError::OtherLegs)?;
    let price = request.price(&prices).ok_or(RfqError::PriceTooLarge)?;
    Ok((QuoteTerms { side: offer.side, prices, amount: offer.amount, execution }, price))
}

fn check_amount(request: &Request, have: Fix) -> Result<(), RfqError> {
    let step = request.step();
    if have <= Fix::ZERO || have.raw() % step.raw().max(1) != 0 {
        return Err(RfqError::AmountStep { have, need: step });
    }
    if have > request.amount {
        return Err(RfqError::AmountTooLarge { have, need: request.amount });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
