// Candles as the chart takes them.
//
// Invariant: in order of time, one for each time.
import type { ChartCandle, ChartData } from '../protocol/messages';

export interface Candle {
  timeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

export interface Resolution {
  /** The venue's name: minutes, or 1D. */
  name: string;
  label: string;
  ms: number;
}

const MINUTE_MS = 60_000;

export const RESOLUTIONS: readonly [Resolution, ...Resolution[]] = [
  { name: '1', label: '1m', ms: MINUTE_MS },
  { name: '5', label: '5m', ms: 5 * MINUTE_MS },
  { name: '15', label: '15m', ms: 15 * MINUTE_MS },
  { name: '60', label: '1h', ms: 60 * MINUTE_MS },
  { name: '1D', label: '1d', ms: 1_440 * MINUTE_MS },
];

/** Lists of unequal length are read as far as all go. */
export function candlesOf(data: ChartData): Candle[] {
  const lists = [data.ticks, data.open, data.high, data.low, data.close, data.volume];
  const count = data.status === 'ok' ? Math.min(...lists.map((list) => list.length)) : 0;
  const candles: Candle[] = [];
  for (let at = 0; at < count; at += 1) {
    const [timeMs, open, high, low, close, volume] = lists.map((list) => list[at] ?? 0);
    if (timeMs !== undefined && timeMs > (candles.at(-1)?.timeMs ?? -1)) {
      candles.push({
        timeMs,
        open: open ?? 0,
        high: high ?? 0,
        low: low ?? 0,
        close: close ?? 0,
        volume: volume ?? 0,
      });
    }
  }
  return candles;
}

/** The candles with one that began or went on; one that is older than the last is known already. */
export function withCandle(candles: readonly Candle[], arrived: ChartCandle | Candle): Candle[] {
  const timeMs = 'tick' in arrived ? arrived.tick : arrived.timeMs;
  const { open, high, low, close, volume } = arrived;
  const candle = { timeMs, open, high, low, close, volume };
  const last = candles.at(-1);
  if (!last || timeMs > last.timeMs) return [...candles, candle];
  if (timeMs < last.timeMs) return [...candles];
  return [...candles.slice(0, -1), candle];
}
