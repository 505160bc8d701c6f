// The book shows exactly what the gateway sent, or says that it no longer knows.
import { describe, expect, it } from 'vitest';
import { OrderBook } from '../../src/market/book';
import { mergeTrades, TRADES_MAX } from '../../src/market/trades';
import type { BookDelta, BookUpdate, Trade } from '../../src/protocol/messages';

function update(
  type: BookUpdate['type'],
  id: number,
  bids: BookDelta[],
  asks: BookDelta[],
  previous?: number,
): BookUpdate {
  const base = { type, timestamp: 1, instrument_name: 'X', change_id: id, bids, asks };
  return previous === undefined ? base : { ...base, prev_change_id: previous };
}

const SNAPSHOT = update(
  'snapshot',
  10,
  [
    ['new', 99, 2],
    ['new', 98, 3],
  ],
  [
    ['new', 101, 1],
    ['new', 103, 4],
  ],
);

describe('order book', () => {
  it('puts the best price first and totals towards the worst', () => {
    const book = new OrderBook();
    expect(book.apply(SNAPSHOT)).toBe('applied');
    expect(book.depth(5)).toEqual({
      bids: [
        { price: 99, amount: 2, total: 2 },
        { price: 98, amount: 3, total: 5 },
      ],
      asks: [
        { price: 101, amount: 1, total: 1 },
        { price: 103, amount: 4, total: 5 },
      ],
      largestTotal: 5,
      spread: 2,
      middle: 100,
    });
  });

  it('applies new, change and delete', () => {
    const book = new OrderBook();
    book.apply(SNAPSHOT);
    const change = update(
      'change',
      11,
      [
        ['delete', 99, 0],
        ['change', 98, 7],
      ],
      [['new', 100, 5]],
      10,
    );
    expect(book.apply(change)).toBe('applied');
    const depth = book.depth(1);
    expect(depth.bids).toEqual([{ price: 98, amount: 7, total: 7 }]);
    expect(depth.asks).toEqual([{ price: 100, amount: 5, total: 5 }]);
  });

  it('refuses a change that does not follow, and every later one until a snapshot', () => {
    const book = new OrderBook();
    book.apply(SNAPSHOT);
    expect(book.apply(update('change', 13, [['new', 97, 1]], [], 12))).toBe('gap');
    expect(book.apply(update('change', 14, [], [], 13))).toBe('gap');
    expect(book.apply({ ...SNAPSHOT, change_id: 20 })).toBe('applied');
    expect(book.apply(update('change', 21, [], [], 20))).toBe('applied');
    expect(book.depth(9).bids.map((level) => level.price)).toEqual([99, 98]);
  });

  it('refuses a change before any snapshot', () => {
    expect(new OrderBook().apply(update('change', 2, [], [], 1))).toBe('gap');
  });

  it('has no spread while a side is empty', () => {
    const book = new OrderBook();
    book.apply(update('snapshot', 1, [['new', 5, 1]], []));
    expect(book.depth(3)).toMatchObject({ spread: null, middle: null, largestTotal: 1 });
  });
});

function trade(id: number, timestamp: number): Trade {
  return {
    trade_id: String(id),
    trade_seq: id,
    timestamp,
    instrument_name: 'X',
    price: 1,
    amount: 1,
    direction: 'buy',
  };
}

describe('trades', () => {
  it('are newest first and appear once', () => {
    const merged = mergeTrades([trade(2, 20), trade(1, 10)], [trade(3, 20), trade(2, 20)]);
    expect(merged.map((one) => one.trade_id)).toEqual(['3', '2', '1']);
  });

  it('never grow past the limit', () => {
    const many = Array.from({ length: TRADES_MAX * 3 }, (_, id) => trade(id, id));
    const merged = mergeTrades(many.slice(0, 10), many);
    expect(merged).toHaveLength(TRADES_MAX);
    expect(merged[0]?.trade_id).toBe(String(TRADES_MAX * 3 - 1));
  });
});
