// Volatility by strike and by expiry, as the gateway's marks and quotes imply it.
//
// Invariant: every point is a volatility the gateway sent, except the one at the money of an expiry,
// which lies on the line between its two neighbouring strikes.
import type { BookSummary, Chain, Instrument } from '../protocol/messages';

export interface SmilePoint {
  strike: number;
  /** Of the option that is out of the money. */
  mark: number | null;
  bid: number | null;
  ask: number | null;
}

export interface TermPoint {
  expiryMs: number;
  volatility: number;
}

export function smileOf(chain: Chain): SmilePoint[] {
  const middle = chain.forward ?? chain.index_price;
  if (middle === null) return [];
  return chain.rows
    .toSorted((a, b) => a.strike - b.strike)
    .map((row) => ({
      strike: row.strike,
      quote: row.strike >= middle ? (row.call ?? row.put) : (row.put ?? row.call),
    }))
    .map(({ strike, quote }) => ({
      strike,
      mark: quote?.mark_iv ?? null,
      bid: quote?.bid_iv ?? null,
      ask: quote?.ask_iv ?? null,
    }));
}

/** The volatility at the money of every expiry that has marks. */
export function termStructure(
  currency: string,
  instruments: ReadonlyMap<string, Instrument>,
  summaries: ReadonlyMap<string, BookSummary>,
): TermPoint[] {
  const expiries = new Map<number, { strike: number; volatility: number; forward: number }[]>();
  for (const summary of summaries.values()) {
    const instrument = instruments.get(summary.instrument_name);
    const { mark_iv: volatility, underlying_price: forward } = summary;
    if (instrument?.kind !== 'option' || instrument.base_currency !== currency) continue;
    if (typeof volatility !== 'number' || typeof forward !== 'number') continue;
    const points = expiries.get(instrument.expiration_timestamp) ?? [];
    points.push({ strike: instrument.strike ?? 0, volatility, forward });
    expiries.set(instrument.expiration_timestamp, points);
  }
  return [...expiries]
    .map(([expiryMs, points]) => ({ expiryMs, volatility: atTheMoney(points) }))
    .filter((point): point is TermPoint => point.volatility !== null)
    .sort((a, b) => a.expiryMs - b.expiryMs);
}

function atTheMoney(
  points: readonly { strike: number; volatility: number; forward: number }[],
): number | null {
  const forward = points[0]?.forward;
  if (forward === undefined) return null;
  const below = points.filter((one) => one.strike <= forward).sort((a, b) => b.strike - a.strike)[0];
  const above = points.filter((one) => one.strike > forward).sort((a, b) => a.strike - b.strike)[0];
  if (!below || !above) return (below ?? above)?.volatility ?? null;
  const share = (forward - below.strike) / (above.strike - below.strike);
  return below.volatility + share * (above.volatility - below.volatility);
}
