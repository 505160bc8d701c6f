//! Market-maker protection, by index or by a group that its account has named.
//!
//! Invariant: the exchange counts and freezes; here are its groups' names, and the most that may stand on one side of a
//! book, which the exchange does not know and the gateway keeps.

use num::{Duration, Fix, Lots, SECOND_MS, Side, Timestamp};
use serde_json::{Value, json};
use wire::{AccountId, Action, InstrumentId, ProtectionLimits};

use crate::{
    Gateway,
    auth::Identity,
    channel,
    decimal::fix,
    json, lock,
    model::{Instrument, Order},
    protection::{Group, place_of},
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    view::View,
};

use super::Caller;

/// What no limit is above.
const LARGEST: Fix = Fix::from_raw(i64::MAX);
/// Characters of a group's name, as on the venue.
const NAME_MAX: usize = 64;

/// Sets the protection of a group; an interval of zero takes it away.
pub(super) async fn set(caller: Caller<'_>, params: &Params) -> Answer {
    let (gateway, account) = (caller.gateway, caller.identity.account);
    let group = group(&gateway.view(), params)?;
    let seconds = |name: &str| -> Result<Duration, RpcError> {
        let seconds = params.optional_u64(name)?.unwrap_or(0);
        Ok(Duration::from_millis(seconds.saturating_mul(SECOND_MS)))
    };
    let limit = |name: &str| -> Result<Option<Fix>, RpcError> {
        Ok(params.optional_decimal(name, 9)?.map(Fix::from_raw))
    };
    let (interval, most) = (seconds("interval")?, limit("max_quote_quantity")?);
    let limits = ProtectionLimits {
        interval,
        frozen: seconds("frozen_time")?,
        quantity: limit("quantity_limit")?,
        delta: limit("delta_limit")?,
        vega: limit("vega_limit")?,
    };
    let limits = (interval.millis() > 0).then_some(limits);
    let (is_set, number) = (limits.is_some(), group.number);
    gateway.execute(caller.identity, vec![Action::SetProtection { group: number, limits }]).await?;
    if is_set {
        lock(&gateway.groups).set(account, group.clone(), most);
    } else {
        lock(&gateway.groups).remove(&account, number);
    }
    gateway.keep_group(&account, number).await?;
    let view = gateway.view();
    rpc::answer(&config(gateway, &view, (&account, &group)).into_iter().collect::<Vec<Value>>())
}

pub(super) async fn reset(caller: Caller<'_>, params: &Params) -> Answer {
    let group = group(&caller.gateway.view(), params)?;
    caller.gateway.execute(caller.identity, vec![Action::ResetProtection { group: group.number }]).await?;
    rpc::answer("ok")
}

pub(super) fn get(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let groups = asked(gateway, &view, identity, params)?;
    Ok(groups.iter().filter_map(|group| config(gateway, &view, (&identity.account, group))).collect())
}

/// The groups that are frozen, until when; zero is until they are reset.
pub(super) fn status(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let groups = asked(gateway, &view, identity, params)?;
    // Quotes on block RFQs are not protected: each is signed when it is taken.
    if params.flag("block_rfq")? {
        return Ok(json!([]));
    }
    let frozen = |group: &Group| {
        let until = view.frozen_until(&identity.account, group.number)?;
        Some(trip_json(group, until))
    };
    Ok(groups.iter().filter_map(frozen).collect())
}

/// A group that is frozen, as the channel and the status tell it.
pub(crate) fn trip_json(group: &Group, until: Timestamp) -> Value {
    let frozen_until = if until == Timestamp::MAX { 0 } else { until.millis() };
    let index_name = json::price_index(&group.underlying);
    json!({ "index_name": index_name, "mmp_group": group.name, "frozen_until": frozen_until })
}

/// An account's group of a number: of an index, or by the name that this gateway has heard, or by its number.
pub(crate) fn group_of_number(
    gateway: &Gateway,
    view: &View,
    (account, number): (&AccountId, u16),
) -> Option<Group> {
    all(gateway, view, account).into_iter().find(|group| group.number == number)
}

/// The groups of all indices, and the others that the account has.
fn all(gateway: &Gateway, view: &View, account: &AccountId) -> Vec<Group> {
    let of_index = |underlying: String| {
        let number = view.protection_group(&underlying)?;
        Some(Group::of_index(underlying, number))
    };
    let mut groups: Vec<Group> = view.underlyings().into_iter().filter_map(of_index).collect();
    let known = lock(&gateway.groups);
    groups.extend(view.named_groups(account).into_iter().map(|group| {
        known.get(account, group.number).map_or_else(|| group.clone(), |(named, _)| named.clone())
    }));
    groups
}

/// The groups that a call means: one, those of an index, or all.
fn asked(
    gateway: &Gateway,
    view: &View,
    identity: &Identity,
    params: &Params,
) -> Result<Vec<Group>, RpcError> {
    let only = match params.optional_text("index_name")? {
        None | Some("all") => None,
        Some(_) => Some(group(view, params)?),
    };
    let (name, account) = (group_name(params)?, &identity.account);
    // Whoever calls a group by its name tells it to a gateway that has not heard it.
    for group in all(gateway, view, account) {
        let asked = name.and_then(|name| view.group(&group.underlying, name));
        if let Some(asked) = asked.filter(|it| it.number == group.number) {
            lock(&gateway.groups).note(*account, &asked);
        }
    }
    let is_asked = |it: &Group| {
        let is_named = |name| view.group(&it.underlying, name).is_some_and(|named| named.number == it.number);
        only.as_ref().is_none_or(|only| it.underlying == only.underlying) && name.is_none_or(is_named)
    };
    Ok(all(gateway, view, account).into_iter().filter(is_asked).collect())
}

/// The group of `index_name`, and of `mmp_group` where that is given.
fn group(view: &View, params: &Params) -> Result<Group, RpcError> {
    let name = params.text("index_name")?;
    let no_index = || RpcError::param("index_name", format!("there is no index {name:?}"));
    let underlying = channel::underlying(view, name).ok_or_else(no_index)?;
    let group = match group_name(params)? {
        Some(name) => view.group(&underlying, name),
        None => view.protection_group(&underlying).map(|number| Group::of_index(underlying, number)),
    };
    group.ok_or_else(no_index)
}

pub(super) fn group_name(params: &Params) -> Result<Option<&str>, RpcError> {
    match params.optional_text("mmp_group")? {
        Some(name) if name.is_empty() || name.len() > NAME_MAX => Err(RpcError::param(
            "mmp_group",
            format!("{} bytes given, 1 to {NAME_MAX} are expected", name.len()),
        )),
        name => Ok(name),
    }
}

/// The group of an account that protects what is quoted in an instrument under a name: the one of that name, or the one of
/// its index. `None` where neither has limits.
pub(super) fn protecting(
    view: &View,
    account: &AccountId,
    (it, name): (&Instrument, Option<&str>),
) -> Option<Group> {
    let underlying = it.underlying.clone();
    let named = name.and_then(|name| view.group(&underlying, name));
    let of_index = view.protection_group(&underlying).map(|number| Group::of_index(underlying, number));
    let is_set = |group: &Group| view.protection(account, group.number).is_some();
    named.filter(is_set).or_else(|| of_index.filter(is_set))
}

/// Whether so much more of a group may stand on one side of a book, beside its orders there; not beside its quotes, which
/// a new quote replaces.
pub(super) fn check_room(
    caller: Caller<'_>,
    view: &View,
    group: &Group,
    (it, side, lots): (&Instrument, Side, Lots),
) -> Result<(), RpcError> {
    let account = &caller.identity.account;
    let Some(need) = lock(&caller.gateway.groups).most(account, group.number) else { return Ok(()) };
    let standing = standing(view, account, (it.id, side));
    let have = it.units(lots).and_then(|amount| standing.checked_add(amount)).unwrap_or(LARGEST);
    if have <= need {
        return Ok(());
    }
    let reason = format!("{have} would stand on one side, max_quote_quantity is {need}");
    Err(RpcError { code: Code::InvalidAmount, data: json!({ "param": "amount", "reason": reason }) })
}

fn standing(view: &View, account: &AccountId, (id, side): (InstrumentId, Side)) -> Fix {
    let open = view.open_orders(account);
    let is_counted = |it: &&Order| it.instrument == id && it.side == side && it.protected && !it.is_quote;
    let left = open.iter().filter(is_counted).filter_map(|it| it.amount.checked_sub(it.filled));
    left.fold(Fix::ZERO, |sum, left| sum.checked_add(left).unwrap_or(LARGEST))
}

impl View {
    /// A group of an underlying by its name.
    fn group(&self, underlying: &str, name: &str) -> Option<Group> {
        let place = self.protection_group(underlying)?;
        let places = u16::try_from(self.state.underlyings().len()).ok()?;
        Some(Group::named(underlying.to_owned(), (place, places), name))
    }

    /// The groups of an account that are not those of indices, by their numbers.
    fn named_groups(&self, account: &AccountId) -> Vec<Group> {
        let Some(index) = self.state.account_index(account) else { return Vec::new() };
        let underlyings = self.underlyings();
        let places = u16::try_from(underlyings.len()).unwrap_or(u16::MAX);
        let group = |number| {
            let place = usize::from(place_of(number, places)?);
            Some(Group::of_number(underlyings.get(place)?.clone(), number))
        };
        self.state.protections(index).filter_map(group).collect()
    }
}

fn config(gateway: &Gateway, view: &View, (account, group): (&AccountId, &Group)) -> Option<Value> {
    let limits = view.protection(account, group.number)?;
    let limit = |value: Option<Fix>| value.map_or(Value::Null, fix);
    Some(json!({
        "index_name": json::price_index(&group.underlying),
        "mmp_group": group.name,
        "interval": limits.interval.millis() / SECOND_MS,
        "frozen_time": limits.frozen.millis() / SECOND_MS,
        "quantity_limit": limit(limits.quantity),
        "delta_limit": limit(limits.delta),
        "vega_limit": limit(limits.vega),
        "max_quote_quantity": limit(lock(&gateway.groups).most(account, group.number)),
    }))
}
