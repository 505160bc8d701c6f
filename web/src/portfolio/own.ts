// An account's own orders and fills, kept from requests and channels.
//
// Invariant: an order is listed once, as its last update says, and only while it rests or waits; a
// fill appears once, newest first.
import type { Order, UserTrade } from '../protocol/messages';

export const FILLS_MAX = 200;

export function mergeOrders(
  shown: ReadonlyMap<string, Order>,
  arrived: readonly Order[],
): ReadonlyMap<string, Order> {
  const merged = new Map(shown);
  for (const order of arrived) {
    const before = merged.get(order.order_id);
    if (before && before.last_update_timestamp > order.last_update_timestamp) continue;
    if (order.order_state === 'open' || order.order_state === 'untriggered')
      merged.set(order.order_id, order);
    else merged.delete(order.order_id);
  }
  return merged;
}

export function mergeFills(shown: readonly UserTrade[], arrived: readonly UserTrade[]): UserTrade[] {
  const byId = new Map<string, UserTrade>();
  for (const fill of [...shown, ...arrived]) byId.set(`${fill.trade_id} ${fill.order_id}`, fill);
  return [...byId.values()]
    .sort((a, b) => b.timestamp - a.timestamp || Number(b.trade_id) - Number(a.trade_id))
    .slice(0, FILLS_MAX);
}
