//! Two-sided quotes: both sides or neither, never taking, in the place of the last ones.

use num::{Side, Ticks};
use wire::{
    AccountId, Conditions, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, Outcome, PostOnly,
    QuoteSide, ReduceOnly, Reject, TimeInForce,
};

use super::{Marks, Reference, Resting, placing::Planned};

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Reference {
    pub(super) fn quote(
        &mut self,
        state: &Marks,
        account: AccountId,
        (place, sides): ((InstrumentId, Option<u16>), [Option<QuoteSide>; 2]),
    ) -> Result<Outcome, Reject> {
        self.check_quote(state, account, (place, sides))?;
        let last = self.holders[&account].quotes.get(&place).copied().unwrap_or_default();
        let open = |it: &Self, id: Option<u64>| it.orders.iter().find(|it| Some(it.id) == id).cloned();
        let last = last.map(|id| open(self, id));
        // What stays where it is, smaller or not; everything else leaves before anything comes.
        let stays = [0, 1].map(|side| {
            let (old, new): (&Resting, QuoteSide) = last[side].as_ref().zip(sides[side])?;
            let total = old.filled + new.lots.get();
            (old.price == new.price.get() && total <= old.lots).then_some((old.id, total))
        });
        for side in [0, 1] {
            if let Some(old) = last[side].as_ref().filter(|_| stays[side].is_none()) {
                self.end_any(old.id, OrderEnd::Cancelled);
            }
        }
        let mut orders = [None, None];
        for side in [0, 1] {
            orders[side] = match (stays[side], sides[side]) {
                (Some((id, total)), _) => {
                    self.shrink_to(id, total);
                    Some(id)
                }
                (None, Some(quoted)) => self.write_quote_side(state, account, (place, SIDES[side], quoted)),
                (None, None) => None,
            };
        }
        self.holder(account).quotes.insert(place, orders);
        let [bid, ask] = orders.map(|id| id.map(OrderId));
        Ok(Outcome::Quoted { bid, ask })
    }

    fn check_quote(
        &self,
        state: &Marks,
        account: AccountId,
        (place, sides): ((InstrumentId, Option<u16>), [Option<QuoteSide>; 2]),
    ) -> Result<(), Reject> {
        let it = self.asset(state, place.0)?;
        self.check_has_book(it.id)?;
        self.check_open(&it)?;
        self.check_pool(state, account, it.underlying)?;
        self.check_protection(account, place.1)?;
        for (side, quoted) in SIDES.into_iter().zip(sides) {
            let Some(quoted) = quoted else { continue };
            self.check_lots(quoted.lots)?;
            self.check_price(&it, quoted.price)?;
            self.check_open_orders(account)?;
            self.check_room(it.id)?;
            self.check_health(account)?;
            self.check_position(account, &it, (side, quoted.lots.get()))?;
        }
        if let [Some(bid), Some(ask)] = sides
            && bid.price >= ask.price
        {
            return Err(Reject::PostOnlyWouldTrade { have: bid.price, need: ask.price });
        }
        let last = self.holders[&account].quotes.get(&place).copied().unwrap_or_default();
        let more = SIDES.into_iter().zip(sides).filter_map(|(side, quoted)| {
            let quoted = quoted?;
            let (terms, conditions) = terms_of((place, side, (quoted.price, quoted)));
            let planned = Planned { limit: quoted.price.get(), lots: quoted.lots.get() };
            Some(self.as_order((account, 0), (&terms, &conditions), &planned))
        });
        let (more, less): (Vec<Resting>, Vec<u64>) = (more.collect(), last.into_iter().flatten().collect());
        self.check_margin(state, account, (&more, &less))
    }

    /// Smaller at its place; as it is when it asks for as much.
    fn shrink_to(&mut self, id: u64, total: u64) {
        if self.orders.iter().any(|it| it.id == id && it.lots != total) {
            self.shrink(id, total);
        }
    }

    /// Puts a side to rest, where there is a price at which it does not trade.
    fn write_quote_side(
        &mut self,
        state: &Marks,
        account: AccountId,
        (place, side, quoted): ((InstrumentId, Option<u16>), Side, QuoteSide),
    ) -> Option<u64> {
        let moved = (side, PostOnly::Reprice, quoted.price.get());
        let it = self.asset(state, place.0).expect("listed");
        let limit = self.check_post_only(&it, moved).ok()?;
        let id = self.number();
        let (terms, conditions) = terms_of((place, side, (Ticks::new(limit), quoted)));
        let planned = Planned { limit, lots: quoted.lots.get() };
        self.write(state, (account, id), ((&terms, &conditions), planned));
        Some(id)
    }
}

fn terms_of(
    ((instrument, protection), side, (price, quoted)): (
        (InstrumentId, Option<u16>),
        Side,
        (Ticks, QuoteSide),
    ),
) -> (NewOrder, Conditions) {
    let terms = NewOrder {
        instrument,
        side,
        lots: quoted.lots,
        kind: OrderKind::Limit { price },
        time_in_force: TimeInForce::GoodTilCancelled,
        post_only: PostOnly::Reprice,
        reduce_only: ReduceOnly::Off,
        label: wire::Label::default(),
    };
    (terms, Conditions { protection, ..Conditions::default() })
}
