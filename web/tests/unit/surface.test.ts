// Smile, term structure, candles and the dock's order.
import { describe, expect, it } from 'vitest';
import { candlesOf, withCandle } from '../../src/market/candles';
import { smileOf, termStructure } from '../../src/market/surface';
import type { BookSummary, Chain, ChainQuote, Instrument } from '../../src/protocol/messages';
import { stepTab, TABS } from '../../src/state/tabs';

const quote = (mark_iv: number | null): ChainQuote => ({ mark_iv, bid_iv: null, ask_iv: null }) as ChainQuote;

describe('the smile', () => {
  const chain = (forward: number | null): Chain => ({
    timestamp: 0,
    expiry_timestamp: 1,
    index_price: null,
    forward,
    rows: [
      { strike: 110, call: quote(31), put: quote(32) },
      { strike: 90, call: quote(41), put: quote(42) },
      { strike: 100, call: quote(51), put: null },
    ],
  });

  it('takes the option that is out of the money, in order of strikes', () => {
    expect(smileOf(chain(100)).map((point) => [point.strike, point.mark])).toEqual([
      [90, 42],
      [100, 51],
      [110, 31],
    ]);
  });

  it('is empty without a forward and an index', () => expect(smileOf(chain(null))).toEqual([]));
});

describe('the term structure', () => {
  const options = [
    ['A', 1, 90, 50],
    ['B', 1, 110, 70],
    ['C', 2, 80, 44],
  ] as const;
  const instruments = new Map(
    options.map(([name, expiry, strike]) => [
      name as string,
      { kind: 'option', base_currency: 'BTC', expiration_timestamp: expiry, strike } as Instrument,
    ]),
  );
  const summaries = new Map(
    options.map(([name, , , volatility]) => [
      name as string,
      { instrument_name: name as string, mark_iv: volatility, underlying_price: 95 } as BookSummary,
    ]),
  );

  it('lies between the two strikes beside the forward, or at the one there is', () => {
    expect(termStructure('BTC', instruments, summaries)).toEqual([
      { expiryMs: 1, volatility: 55 },
      { expiryMs: 2, volatility: 44 },
    ]);
    expect(termStructure('ETH', instruments, summaries)).toEqual([]);
  });
});

describe('candles', () => {
  const data = {
    status: 'ok' as const,
    ticks: [1, 2],
    open: [5, 6],
    high: [7, 8],
    low: [3, 4],
    close: [6, 7],
    volume: [1, 2],
  };
  const arrived = (tick: number, close: number) => ({ tick, open: 6, high: 9, low: 4, close, volume: 3 });

  it('are read as far as all lists go', () => {
    expect(candlesOf(data).map((it) => it.close)).toEqual([6, 7]);
    expect(candlesOf({ ...data, close: [6] })).toHaveLength(1);
    expect(candlesOf({ ...data, status: 'no_data' })).toEqual([]);
  });

  it('the last goes on, the next begins, an older one changes nothing', () => {
    const list = candlesOf(data);
    expect(withCandle(list, arrived(2, 8)).map((it) => it.close)).toEqual([6, 8]);
    expect(withCandle(list, arrived(3, 9)).map((it) => it.close)).toEqual([6, 7, 9]);
    expect(withCandle(list, arrived(1, 9)).map((it) => it.close)).toEqual([6, 7]);
  });
});

describe('the dock', () => {
  it('steps through its panels and around', () => {
    expect(stepTab('network', -1)).toBe(TABS.at(-1)?.name);
    expect(TABS.reduce((tab) => stepTab(tab, 1), 'network' as (typeof TABS)[number]['name'])).toBe('network');
  });
});
