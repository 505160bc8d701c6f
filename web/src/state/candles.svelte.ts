// The candles of the selected instrument at one resolution.
//
// Invariant: candles are the gateway's, in order of time; the last one may still change.
import type { Link } from '../protocol/link';
import { candlesOf, RESOLUTIONS, withCandle, type Candle, type Resolution } from '../market/candles';
import { failureOf, LOADING, READY, type Loading } from './loading';

const CANDLES_ASKED = 300;

export class CandleState {
  resolution = $state.raw<Resolution>(RESOLUTIONS[0]);
  loading = $state.raw<Loading>(LOADING);
  candles = $state.raw<readonly Candle[]>([]);

  constructor(private readonly link: Link) {}

  /** Shows one instrument until the returned function is called; `endMs` is the venue's time. */
  follow(name: string, resolution: Resolution, endMs: number): () => void {
    let selected: 'yes' | 'no' = 'yes';
    this.loading = LOADING;
    this.candles = [];
    const ask = {
      instrument_name: name,
      start_timestamp: Math.max(0, endMs - CANDLES_ASKED * resolution.ms),
      end_timestamp: endMs + resolution.ms,
      resolution: resolution.name,
    };
    const stopUpdates = this.link.subscribe(`chart.trades.${name}.${resolution.name}`, (candle) => {
      if (selected === 'yes') this.candles = withCandle(this.candles, candle);
    });
    const stopWatching = this.link.watch((state) => {
      if (state.phase !== 'open') return;
      this.link.request('public/get_tradingview_chart_data', ask).then(
        (data) => {
          if (selected === 'no') return;
          this.candles = this.candles.reduce(withCandle, candlesOf(data));
          this.loading = READY;
        },
        (failure: unknown) => {
          if (selected === 'yes') this.loading = failureOf(failure) ?? this.loading;
        },
      );
    });
    return () => {
      selected = 'no';
      stopUpdates();
      stopWatching();
    };
  }
}
