//! What the books of a combo's legs offer for whole combos: each leg takes the orders of its book in their turn, as if
//! each traded whole, with what they hide behind them.

use std::collections::BTreeMap;

use num::Side;
use wire::{AccountId, ComboMaker, OrderEnd, ReduceOnly};

use super::{
    Marks, Reference, Resting,
    assets::{Asset, Leg},
    ceil,
    combos::Step,
    matching::Role,
};

/// Orders of one leg's book that one step takes at most.
const ORDERS_MAX: usize = 64;

/// Whole combos at what they cost, in micros times billionths; and what stands in the way.
pub(super) struct Offer {
    pub lots: u64,
    pub cost: i128,
    /// For each leg the orders that it takes, each with its lots.
    takes: Vec<Vec<(Resting, u64)>>,
    obstacle: Option<(Resting, Obstacle)>,
}

#[derive(Clone, Copy)]
enum Obstacle {
    Own,
    NothingToReduce,
}

impl Reference {
    /// The best price at which the legs' books stand against an order of `side`, rounded against it.
    pub(super) fn implied(&self, it: &Asset<'_>, side: Side) -> Option<i64> {
        let offer = self.offer(it, (side, u64::MAX), None)?;
        Some(offer.price(it, side))
    }

    /// As many as the first order of each leg holds, or else one.
    pub(super) fn offer(
        &self,
        it: &Asset<'_>,
        (side, most): (Side, u64),
        taker: Option<AccountId>,
    ) -> Option<Offer> {
        if !it.is_combo {
            return None;
        }
        let mut lots = most;
        for leg in &it.legs {
            let front = self.front(leg.it.id, leg.side(side).opposite())?;
            lots = lots.min((front.shown / leg.each).max(1));
        }
        let mut offer = Offer { lots, cost: 0, takes: Vec::new(), obstacle: None };
        for leg in &it.legs {
            let takes = self.leg_takes(leg, (leg.side(side), leg.each * lots), taker)?;
            let tick = i128::from(leg.it.market.tick_size().micros());
            let units = |lots: u64| i128::from(lots) * i128::from(leg.it.market.lot_size().raw());
            let paid = takes.iter().map(|(it, lots, _)| units(*lots) * i128::from(it.price) * tick);
            offer.cost += paid.sum::<i128>() * i128::from(leg.side(side).sign());
            let first = takes.iter().find_map(|(it, _, obstacle)| Some((it.clone(), (*obstacle)?)));
            offer.obstacle = offer.obstacle.or(first);
            offer.takes.push(takes.into_iter().map(|(it, lots, _)| (it, lots)).collect());
        }
        // Of rivals only one may trade.
        let mut met = BTreeMap::new();
        let all = offer.takes.iter().flatten().filter_map(|(it, _)| Some((it, it.conditions.rivals?)));
        for (it, rivals) in all {
            if *met.entry((it.account, rivals)).or_insert(it.id) != it.id {
                return None;
            }
        }
        Some(offer)
    }

    /// Which orders of a leg's book trade, in their turn; `None` where there are too few within the band, or one that may
    /// only reduce would trade a part.
    fn leg_takes(
        &self,
        leg: &Leg<'_>,
        (side, need): (Side, u64),
        taker: Option<AccountId>,
    ) -> Option<Vec<(Resting, u64, Option<Obstacle>)>> {
        let (low, high) = self.leg_band(leg.it);
        let mut book: Vec<Resting> =
            self.orders.iter().filter(|it| it.instrument == leg.it.id).cloned().collect();
        let edge = if side == Side::Buy { high } else { low };
        book.retain(|it| it.side != side && (edge - it.price) * side.sign() >= 0);
        let (mut takes, mut left, mut queued) = (Vec::new(), need, self.queued);
        let mut moved: BTreeMap<AccountId, i128> = BTreeMap::new();
        let mut is_met = false;
        while left > 0 && takes.len() < ORDERS_MAX {
            let next = (0..book.len())
                .min_by_key(|place| (book[*place].price * side.sign(), book[*place].queued))?;
            let mut it = book.remove(next);
            let lots = it.shown.min(left);
            let before = moved.get(&it.account).copied();
            let position = before.unwrap_or_else(|| self.position(it.account, it.instrument));
            let toward = if it.side == Side::Buy { -position } else { position };
            let may = match it.reduce_only {
                ReduceOnly::On => u64::try_from(toward).unwrap_or(0),
                ReduceOnly::Off => it.shown,
            };
            let mut obstacle = None;
            if !is_met && taker == Some(it.account) {
                obstacle = Some(Obstacle::Own);
            } else if may == 0 && before.is_none() {
                obstacle = Some(Obstacle::NothingToReduce);
            } else if may < lots {
                return None;
            }
            is_met |= obstacle.is_some();
            moved.insert(it.account, position + i128::from(it.side.sign()) * i128::from(lots));
            takes.push((it.clone(), lots, obstacle));
            left -= lots;
            it.filled += it.shown;
            if it.left() > 0 {
                queued += 1;
                it.queued = queued;
                it.shown = it.conditions.display.map_or(it.left(), |display| display.get().min(it.left()));
                book.push(it);
            }
        }
        (left == 0).then_some(takes)
    }

    pub(super) fn take_offer(
        &mut self,
        state: &Marks,
        (it, order): (&Asset<'_>, &Resting),
        offer: &Offer,
    ) -> Step {
        match &offer.obstacle {
            Some((own, Obstacle::Own)) => {
                let is_over = self.prevents(order, own);
                return if is_over { Step::Stop(OrderEnd::SelfTrade) } else { Step::Again };
            }
            Some((maker, Obstacle::NothingToReduce)) => {
                self.end_any(maker.id, OrderEnd::NothingToReduce);
                return Step::Again;
            }
            None => {}
        }
        if let Some(hindrance) = self.hindrance((it, order), offer) {
            let Some(maker) = hindrance else { return Step::Stop(OrderEnd::PositionLimit) };
            self.end_any(maker, OrderEnd::PositionLimit);
            return Step::Again;
        }
        let fees =
            it.legs.iter().zip(&offer.takes).flat_map(|(leg, takes)| takes.iter().map(move |it| (leg, it)));
        let fee = fees.map(|(leg, (maker, lots))| self.fee(leg.it, (maker.price, *lots), Role::Taker)).sum();
        self.tell_combo((it.id, offer.price(it, order.side), offer.lots), order, (fee, ComboMaker::Legs));
        for (leg, takes) in it.legs.iter().zip(&offer.takes) {
            let number = self.number();
            for (maker, lots) in takes {
                let sides =
                    [(order.account, number, leg.side(order.side)), (maker.account, maker.id, maker.side)];
                self.trade_leg((*leg, (maker.price, *lots), sides));
                self.lasts.insert(leg.it.id, maker.price);
                self.take_from(maker.id, *lots);
            }
        }
        for (leg, takes) in it.legs.iter().zip(&offer.takes) {
            for (maker, lots) in takes {
                self.note_flow(leg.it.id, (leg.side(order.side), *lots));
                self.note_fill(state, maker, *lots);
            }
        }
        self.note_fill(state, order, offer.lots);
        Step::Traded(offer.lots)
    }

    /// Whose position may not grow so far: a maker's, whose order is named, or else the taker's.
    fn hindrance(&self, (it, order): (&Asset<'_>, &Resting), offer: &Offer) -> Option<Option<u64>> {
        for (leg, takes) in it.legs.iter().zip(&offer.takes) {
            let mut held: BTreeMap<AccountId, i128> = BTreeMap::new();
            let (id, most) = (leg.it.id, i128::from(leg.it.position_max.get()));
            let taken = |lots: &u64| (order.account, leg.side(order.side), *lots, None);
            let made = |maker: &Resting, lots: &u64| (maker.account, maker.side, *lots, Some(maker.id));
            let moves = takes.iter().flat_map(|(maker, lots)| [taken(lots), made(maker, lots)]);
            for (account, side, lots, who) in moves {
                let before = held.get(&account).copied().unwrap_or_else(|| self.position(account, id));
                let after = before + i128::from(side.sign()) * i128::from(lots);
                if after.abs() > before.abs() && after.abs() > most {
                    return Some(who);
                }
                held.insert(account, after);
            }
            let long = |account: &AccountId| self.position(*account, id).max(0);
            let growth: i128 = held.iter().map(|(account, after)| (*after).max(0) - long(account)).sum();
            let most = i128::from(self.genesis.limits.open_interest_lots_max);
            if growth > 0 && i128::from(self.open_interest(id)) + growth > most {
                return Some(None);
            }
        }
        None
    }
}

impl Offer {
    fn price(&self, it: &Asset<'_>, side: Side) -> i64 {
        let tick = i128::from(self.lots) * it.lot * it.tick;
        i64::try_from(ceil(self.cost, tick)).expect("near the marks") * side.sign()
    }
}
