// The last trades of one instrument, newest first.
//
// Invariant: a trade appears once, whether it came by request or by channel, and the list never
// grows past its limit.
import type { Trade } from '../protocol/messages';

export const TRADES_MAX = 60;

/** Joins what is shown with what arrived; equal ids are the same trade. */
export function mergeTrades(shown: readonly Trade[], arrived: readonly Trade[]): Trade[] {
  const byId = new Map<string, Trade>();
  for (const trade of [...arrived, ...shown]) {
    if (!byId.has(trade.trade_id)) byId.set(trade.trade_id, trade);
  }
  return [...byId.values()]
    .sort((a, b) => b.timestamp - a.timestamp || b.trade_seq - a.trade_seq)
    .slice(0, TRADES_MAX);
}
