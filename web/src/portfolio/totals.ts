// The sums under the table of positions.
//
// Invariant: deltas and gammas of different underlyings are never added; a Greek that the gateway
// did not give for any position is missing, not zero.
import type { Instrument, Position } from '../protocol/messages';

export interface Totals {
  currency: string;
  delta: number | null;
  gamma: number | null;
  vega: number | null;
  theta: number | null;
  profit: number;
  initialMargin: number;
}

export function totalsByUnderlying(
  positions: readonly Position[],
  instruments: ReadonlyMap<string, Instrument>,
): Totals[] {
  const groups = new Map<string, Position[]>();
  for (const position of positions) {
    const currency = instruments.get(position.instrument_name)?.base_currency;
    if (currency === undefined || position.size === 0) continue;
    groups.set(currency, [...(groups.get(currency) ?? []), position]);
  }
  return [...groups]
    .map(([currency, held]) => ({
      currency,
      delta: sum(held, 'delta'),
      gamma: sum(held, 'gamma'),
      vega: sum(held, 'vega'),
      theta: sum(held, 'theta'),
      profit: held.reduce((total, one) => total + one.floating_profit_loss, 0),
      initialMargin: held.reduce((total, one) => total + one.initial_margin, 0),
    }))
    .sort((a, b) => a.currency.localeCompare(b.currency));
}

function sum(held: readonly Position[], greek: 'delta' | 'gamma' | 'vega' | 'theta'): number | null {
  const values = held.map((one) => one[greek]).filter((value) => typeof value === 'number');
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
}

/** How much of the equity the maintenance margin takes, between 0 and 1 and beyond. */
export function marginUse(equity: number, margin: number): number | null {
  if (equity <= 0) return margin > 0 ? Infinity : null;
  return margin / equity;
}
