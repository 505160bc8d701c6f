// The chain's order, its spot line, its cursor and its columns are functions of the data alone.
import { describe, expect, it } from 'vitest';
import { isInTheMoney, moveCursor, viewOf, type Cursor, type Step } from '../../src/market/chain';
import { columnsFor } from '../../src/market/columns';
import { arrange, firstExpiry, precisionOf } from '../../src/market/instruments';
import type { Chain, ChainQuote, Instrument } from '../../src/protocol/messages';

const QUOTE: ChainQuote = {
  instrument_name: 'X',
  bid: 1,
  bid_amount: 1,
  ask: 2,
  ask_amount: 1,
  mark: 1.5,
  bid_iv: 50,
  ask_iv: 52,
  mark_iv: 51,
  delta: 0.5,
  gamma: 0.00001,
  vega: 3,
  theta: -2,
  open_interest: 12,
};

function chain(strikes: number[], index: number | null, forward: number | null = null): Chain {
  return {
    timestamp: 1,
    expiry_timestamp: 2,
    index_price: index,
    forward,
    rows: strikes.map((strike) => ({ strike, call: QUOTE, put: { ...QUOTE, open_interest: strike } })),
  };
}

describe('chain view', () => {
  it('sorts strikes and finds the largest open interest', () => {
    const view = viewOf(chain([300, 100, 200], 150));
    expect(view.rows.map((row) => row.strike)).toEqual([100, 200, 300]);
    expect(view.largestOpenInterest).toBe(300);
  });

  it.each([
    [50, 0],
    [100, 1],
    [150, 1],
    [300, 3],
    [900, 3],
  ])('with the index at %d, %d rows are above the spot line', (index, rows) => {
    expect(viewOf(chain([100, 200, 300], index)).rowsAboveSpot).toBe(rows);
  });

  it('falls back to the forward, and has no line without either', () => {
    expect(viewOf(chain([100, 200], null, 150)).rowsAboveSpot).toBe(1);
    expect(viewOf(chain([100, 200], null)).rowsAboveSpot).toBe(-1);
    expect(viewOf(chain([], 100)).rows).toEqual([]);
  });

  it('calls are in the money below spot and puts above', () => {
    expect(isInTheMoney(90, 'call', 100)).toBe(true);
    expect(isInTheMoney(90, 'put', 100)).toBe(false);
    expect(isInTheMoney(110, 'put', 100)).toBe(true);
    expect(isInTheMoney(110, 'put', null)).toBe(false);
  });
});

describe('cursor', () => {
  const view = viewOf(chain([100, 200, 300], 150));
  const at = (strike: number, side: Cursor['side'] = 'call'): Cursor => ({ strike, side });

  it.each<[Cursor | null, Step, Cursor]>([
    [null, 'down', at(200)],
    [null, 'right', at(200, 'put')],
    [at(200), 'up', at(100)],
    [at(100), 'up', at(100)],
    [at(300), 'down', at(300)],
    [at(100), 'last', at(300)],
    [at(300, 'put'), 'first', at(100, 'put')],
    [at(100), 'page-down', at(300)],
    [at(200, 'put'), 'left', at(200)],
    [at(777, 'put'), 'up', at(200, 'put')],
  ])('from %o, %s leads to %o', (from, step, to) => expect(moveCursor(view, from, step)).toEqual(to));

  it('has nowhere to go in an empty chain', () => {
    expect(moveCursor(viewOf(chain([], 1)), null, 'down')).toBeNull();
  });
});

describe('columns', () => {
  it.each([390, 700, 1100, 1600])('at %d pixels both sides show the same columns', (width) => {
    const { call, put } = columnsFor(width);
    const keys = (columns: typeof call): string[] => columns.map((column) => column.key).sort();
    expect(keys(put)).toEqual(keys(call));
    expect(keys(call)).toContain('bid');
  });

  it('Greeks beyond delta ask for a wide screen', () => {
    const keys = (width: number): string[] => columnsFor(width).call.map((column) => column.key);
    expect(keys(1100)).not.toContain('gamma');
    expect(keys(1600)).toEqual(expect.arrayContaining(['delta', 'gamma', 'vega', 'theta']));
    expect(keys(390)).toEqual(['delta', 'bid', 'ask']);
  });

  it('missing quotes are dashes', () => {
    const empty = { ...QUOTE, bid: null, bid_amount: null, mark_iv: null };
    const texts = columnsFor(1100).call.map((column) =>
      column.text(empty, { price: 0, mark: 1, amount: 1 }, 0),
    );
    expect(texts.filter((text) => text === '–')).toHaveLength(3);
  });
});

const DAY = 86_400_000;

function listed(over: Partial<Instrument>): Instrument {
  return {
    instrument_name: 'X',
    kind: 'option',
    base_currency: 'BTC',
    strike: 100,
    option_type: 'call',
    expiration_timestamp: DAY,
    tick_size: 0.1,
    min_trade_amount: 0.1,
    ...over,
  };
}

describe('catalogue', () => {
  it('puts BTC and ETH first, the perpetual before dated futures, expiries in order', () => {
    const arranged = arrange([
      listed({ base_currency: 'SOL' }),
      listed({ base_currency: 'ETH' }),
      listed({ expiration_timestamp: 9 * DAY }),
      listed({ expiration_timestamp: 9 * DAY, option_type: 'put' }),
      listed({ expiration_timestamp: 2 * DAY }),
      listed({ kind: 'future', instrument_name: 'dated', expiration_timestamp: 5 * DAY }),
      listed({
        kind: 'future',
        instrument_name: 'perpetual',
        settlement_period: 'perpetual',
        expiration_timestamp: 99_999 * DAY,
      }),
      listed({ expiration_timestamp: 3 * DAY, is_active: false }),
    ]);
    expect(arranged.map((one) => one.currency)).toEqual(['BTC', 'ETH', 'SOL']);
    const bitcoin = arranged[0];
    expect(bitcoin?.futures.map((one) => one.instrument_name)).toEqual(['perpetual', 'dated']);
    expect(bitcoin?.expiries.map((one) => [one.expiryTimestamp / DAY, one.strikes])).toEqual([
      [2, 1],
      [9, 1],
    ]);
  });

  it('opens with the nearest expiry that is not about to end', () => {
    const [underlying] = arrange([1, 6, 30].map((days) => listed({ expiration_timestamp: days * DAY })));
    expect(underlying && firstExpiry(underlying, 0)).toBe(6 * DAY);
    expect(underlying && firstExpiry(underlying, 28 * DAY)).toBe(30 * DAY);
  });

  it('an underlying without options has no expiry to open', () => {
    const [underlying] = arrange([listed({ kind: 'future' })]);
    expect(underlying && firstExpiry(underlying, 0)).toBeNull();
  });

  it('precision follows the finest tick and the lot', () => {
    const stepped = listed({
      tick_size: 0.0005,
      tick_size_steps: [{ above_price: 0.005, tick_size: 0.001 }],
      min_trade_amount: 0.1,
    });
    expect(precisionOf(stepped)).toEqual({ price: 4, mark: 5, amount: 1 });
    expect(precisionOf(listed({ tick_size: 5, min_trade_amount: 1 }))).toEqual({
      price: 0,
      mark: 1,
      amount: 0,
    });
  });
});
