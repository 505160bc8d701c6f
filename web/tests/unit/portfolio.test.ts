// Payoffs, scenarios, liquidation distance, totals and the ticket: claims that hold for any market.
import { describe, expect, it } from 'vitest';
import { impliedVolatility, intrinsic, normal, priceOf, sensitivitiesOf } from '../../src/market/black';
import { legsOf, profitSinceEntry, type Leg } from '../../src/portfolio/legs';
import {
  estimateOf,
  isStep,
  orderOf,
  parseNumber,
  priceText,
  problemsOf,
  tickAt,
  type Draft,
} from '../../src/portfolio/order-terms';
import { mergeFills, mergeOrders } from '../../src/portfolio/own';
import { breakEvens, liquidationDistance, payoffLine, scenarioMatrix } from '../../src/portfolio/scenarios';
import { marginUse, totalsByUnderlying } from '../../src/portfolio/totals';
import type { Instrument, Order, Position, Ticker, UserTrade } from '../../src/protocol/messages';

const NOW = 1_790_000_000_000;
const DAY = 86_400_000;

function leg(over: Partial<Leg> = {}): Leg {
  return {
    name: 'BTC_USDC-C',
    currency: 'BTC',
    kind: 'option',
    right: 'call',
    strike: 60_000,
    expiryMs: NOW + 30 * DAY,
    size: 1,
    entry: 2_000,
    forward: 60_000,
    volatility: 50,
    ...over,
  };
}

const future = (size: number): Leg =>
  leg({ kind: 'future', size, entry: 60_000, expiryMs: 32_503_708_800_000 });

describe('Black', () => {
  // Figures of the formula with the error function of C's library.
  it.each([
    [{ right: 'call', strike: 100 }, { forward: 100, volatility: 20, years: 1 }, 7.965567455],
    [{ right: 'put', strike: 100 }, { forward: 100, volatility: 20, years: 1 }, 7.965567455],
    [{ right: 'call', strike: 70_000 }, { forward: 60_000, volatility: 55, years: 0.25 }, 3_187.656046],
  ] as const)('%o in %o costs %d', (terms, at, price) => expect(priceOf(terms, at)).toBeCloseTo(price, 5));

  it('normal is symmetric, monotone and known at its landmarks', () => {
    expect(normal(0)).toBe(0.5);
    expect(normal(1.959963984540054)).toBeCloseTo(0.975, 12);
    expect(normal(-3.090232306167813)).toBeCloseTo(0.001, 12);
    for (let x = -8; x < 8; x += 0.173) {
      expect(normal(x) + normal(-x)).toBeCloseTo(1, 12);
      expect(normal(x + 0.01)).toBeGreaterThanOrEqual(normal(x));
    }
    expect([normal(-50), normal(50)]).toEqual([0, 1]);
  });

  it('a call less a put is the forward less the strike, whatever the volatility', () => {
    for (const volatility of [5, 50, 200]) {
      const at = { forward: 61_000, volatility, years: 0.1 };
      const [call, put] = [
        priceOf({ right: 'call', strike: 60_000 }, at),
        priceOf({ right: 'put', strike: 60_000 }, at),
      ];
      expect(call - put).toBeCloseTo(1_000, 6);
    }
  });

  it('Greeks are the slopes of the price', () => {
    const [terms, at] = [
      { right: 'put', strike: 58_000 } as const,
      { forward: 60_000, volatility: 60, years: 0.2 },
    ];
    const greeks = sensitivitiesOf(terms, at);
    const slope = (over: Partial<typeof at>, under: Partial<typeof at>, width: number): number =>
      (priceOf(terms, { ...at, ...over }) - priceOf(terms, { ...at, ...under })) / width;
    expect(greeks.delta).toBeCloseTo(slope({ forward: 60_001 }, { forward: 59_999 }, 2), 6);
    expect(greeks.vega).toBeCloseTo(slope({ volatility: 60.01 }, { volatility: 59.99 }, 0.02), 4);
    expect(greeks.theta).toBeCloseTo(slope({ years: 0.2 - 1e-5 }, { years: 0.2 + 1e-5 }, 2e-5 * 365), 2);
  });

  it('the implied volatility gives the price back, and no price beyond the bounds has one', () => {
    const at = { forward: 60_000, years: 0.1 };
    for (const right of ['call', 'put'] as const) {
      for (const strike of [40_000, 60_000, 90_000]) {
        const price = priceOf({ right, strike }, { ...at, volatility: 72.5 });
        expect(impliedVolatility({ right, strike }, at, price)).toBeCloseTo(72.5, 4);
        expect(impliedVolatility({ right, strike }, at, intrinsic({ right, strike }, 60_000))).toBeNull();
        expect(impliedVolatility({ right, strike }, at, 1e6)).toBeNull();
      }
    }
  });
});

describe('payoffs', () => {
  it('a call at its expiry pays what is above the strike, less its price', () => {
    const line = payoffLine([leg()], { spot: 60_000, nowMs: NOW }, 0.5);
    expect(line.expiryMs).toBe(NOW + 30 * DAY);
    expect(line.atExpiry?.[0]).toBeCloseTo(-2_000, 6);
    expect(line.atExpiry?.at(-1)).toBeCloseTo(28_000, 6);
    expect(breakEvens(line.prices, line.atExpiry ?? [])).toEqual([expect.closeTo(62_000, 3)]);
  });

  it('a perpetual alone has no expiry, and its profit is a straight line', () => {
    const line = payoffLine([future(-2)], { spot: 60_000, nowMs: NOW }, 0.1);
    expect(line.atExpiry).toBeNull();
    expect(line.now[0]).toBeCloseTo(12_000, 6);
    expect(line.now.at(-1)).toBeCloseTo(-12_000, 6);
  });

  it('profits of legs add', () => {
    const moved = { spot: -0.07, volatility: 5, atMs: NOW + DAY };
    const [one, two] = [leg(), leg({ right: 'put', size: -3, strike: 55_000 })];
    expect(profitSinceEntry([one, two], moved)).toBeCloseTo(
      profitSinceEntry([one], moved) + profitSinceEntry([two], moved),
      9,
    );
  });

  it('nothing moved changes nothing; a long option gains with volatility everywhere', () => {
    const matrix = scenarioMatrix([leg()], NOW);
    expect(matrix[4]?.[2]).toBe(0);
    for (const row of matrix) {
      for (let column = 1; column < row.length; column += 1) {
        expect(row[column]).toBeGreaterThanOrEqual(row[column - 1] ?? 0);
      }
    }
  });

  it('a position that the gateway marks no longer is named, not counted as worthless', () => {
    const held = { instrument_name: 'GONE', size: 1 } as Position;
    expect(legsOf([held], new Map(), new Map())).toEqual({ legs: [], leftOut: ['GONE'] });
  });
});

describe('liquidation distance', () => {
  it('of a long future is what the cushion buys', () => {
    const { down, up } = liquidationDistance([future(1)], 6_000, NOW);
    expect(down).toBeCloseTo(-0.1, 5);
    expect(up).toBeNull();
  });

  it('of a short one is above', () => {
    expect(liquidationDistance([future(-1)], 30_000, NOW).up).toBeCloseTo(0.5, 5);
  });

  it('is nothing once the cushion is gone, and nowhere for what was paid for', () => {
    expect(liquidationDistance([future(1)], -1, NOW)).toEqual({ down: 0, up: 0 });
    expect(liquidationDistance([leg()], 5_000, NOW)).toEqual({ down: null, up: null });
    expect(liquidationDistance([], 0, NOW)).toEqual({ down: null, up: null });
  });
});

describe('totals', () => {
  const instruments = new Map(
    [
      ['B1', 'BTC'],
      ['B2', 'BTC'],
      ['E1', 'ETH'],
    ].map(([name, base]) => [name, { instrument_name: name, base_currency: base } as Instrument] as const),
  ) as ReadonlyMap<string, Instrument>;
  const position = (name: string, over: Partial<Position>): Position =>
    ({
      instrument_name: name,
      size: 1,
      delta: 0.5,
      floating_profit_loss: 10,
      initial_margin: 7,
      ...over,
    }) as Position;

  it('are by underlying, and a Greek that nobody gave is missing', () => {
    const totals = totalsByUnderlying(
      [
        position('B1', { gamma: 0.1, vega: 2, theta: -1 }),
        position('B2', { size: -1, delta: -1 }),
        position('E1', {}),
      ],
      instruments,
    );
    expect(totals.map((it) => it.currency)).toEqual(['BTC', 'ETH']);
    expect(totals[0]).toMatchObject({
      delta: -0.5,
      gamma: 0.1,
      vega: 2,
      theta: -1,
      profit: 20,
      initialMargin: 14,
    });
    expect(totals[1]).toMatchObject({ delta: 0.5, gamma: null, vega: null, theta: null });
  });

  it('margin use is a part of equity, endless without equity', () => {
    expect(marginUse(1_000, 250)).toBe(0.25);
    expect(marginUse(0, 1)).toBe(Infinity);
    expect(marginUse(0, 0)).toBeNull();
  });
});

const OPTION: Instrument = {
  instrument_name: 'BTC_USDC-1JAN27-60000-C',
  kind: 'option',
  base_currency: 'BTC',
  option_type: 'call',
  strike: 60_000,
  expiration_timestamp: NOW + 30 * DAY,
  tick_size: 5,
  tick_size_steps: [{ above_price: 1_000, tick_size: 10 }],
  min_trade_amount: 0.1,
  taker_commission: 0.0003,
};
const TICKER = {
  best_bid_price: 1_990,
  best_ask_price: 2_010,
  index_price: 60_000,
  underlying_price: 60_000,
  mark_price: 2_000,
  mark_iv: 50,
} as Ticker;

function draft(over: Partial<Draft> = {}): Draft {
  return {
    side: 'buy',
    kind: 'limit',
    unit: 'usd',
    amount: '0.5',
    price: '2000',
    timeInForce: 'good_til_cancelled',
    postOnly: 'off',
    reduceOnly: 'off',
    ...over,
  };
}

describe('the ticket', () => {
  it.each([
    [{}, []],
    [{ amount: '' }, ['amount']],
    [{ amount: '1e3' }, ['amount']],
    [{ amount: '-1' }, ['amount']],
    [{ amount: '0.05' }, ['amount']],
    [{ amount: '0.25' }, ['amount']],
    [{ price: '' }, ['price']],
    [{ price: '0' }, ['price']],
    [{ price: '2005' }, ['price']],
    [{ price: '55.5', unit: 'iv' }, []],
    [{ price: '', kind: 'market' }, []],
    [{ postOnly: 'on', timeInForce: 'fill_or_kill' }, ['terms']],
  ] as [Partial<Draft>, string[]][])('%o has problems with %o', (over, fields) => {
    expect(problemsOf(draft(over), OPTION).map((one) => one.field)).toEqual(fields);
    expect(orderOf(draft(over), OPTION, 'x') === null).toBe(fields.length > 0);
  });

  it('says exactly what was entered, and nothing that does not apply', () => {
    expect(orderOf(draft({ unit: 'iv', price: '55.5', postOnly: 'on' }), OPTION, 'a')).toEqual({
      instrument_name: OPTION.instrument_name,
      amount: 0.5,
      type: 'limit',
      label: 'a',
      price: 55.5,
      time_in_force: 'good_til_cancelled',
      advanced: 'implv',
      post_only: true,
    });
    expect(orderOf(draft({ kind: 'market', price: '9', reduceOnly: 'on' }), OPTION, 'b')).toEqual({
      instrument_name: OPTION.instrument_name,
      amount: 0.5,
      type: 'market',
      label: 'b',
      reduce_only: true,
    });
  });

  it('numbers are decimals and nothing else', () => {
    expect(['1,234.5', '.5', '7.', ' 8 '].map(parseNumber)).toEqual([1234.5, 0.5, 7, 8]);
    expect(['', '.', '1e5', '-3', '0x10', '1.2.3', 'NaN'].map(parseNumber)).toEqual(Array(7).fill(null));
  });

  it('ticks follow the price, and a price is written in its tick', () => {
    expect([tickAt(OPTION, 900), tickAt(OPTION, 1_000), tickAt(OPTION, 1_001)]).toEqual([5, 5, 10]);
    expect(priceText(OPTION, 1_234.4)).toBe('1230');
    expect(isStep(0.3, 0.1)).toBe(true);
    expect(isStep(0.35, 0.1)).toBe(false);
  });

  it('an estimate adds the fee to what is lost and takes it from what is gained', () => {
    const bought = estimateOf(draft(), OPTION, { ticker: TICKER, nowMs: NOW });
    // 0.0003 of the index, below an eighth of the price.
    expect(bought).toMatchObject({ price: 2_000, source: 'limit', premium: 1_000, mostGained: null });
    expect(bought?.fee).toBeCloseTo(9, 9);
    expect(bought?.mostLost).toBeCloseTo(1_009, 9);
    expect(bought?.breakEven).toBeCloseTo(62_018, 9);
    const sold = estimateOf(draft({ side: 'sell' }), OPTION, { ticker: TICKER, nowMs: NOW });
    expect(sold).toMatchObject({ premium: -1_000, mostLost: null });
    expect(sold?.mostGained).toBeCloseTo(991, 9);
    const put = { ...OPTION, option_type: 'put' as const };
    const sellPut = estimateOf(draft({ side: 'sell' }), put, { ticker: TICKER, nowMs: NOW });
    expect(sellPut?.mostLost).toBeCloseTo(29_009, 9);
    expect(estimateOf(draft(), put, { ticker: TICKER, nowMs: NOW })?.mostGained).toBeCloseTo(28_991, 9);
  });

  it('a market order is estimated at the best price of the other side, or not at all', () => {
    const market = { ticker: TICKER, nowMs: NOW };
    expect(estimateOf(draft({ kind: 'market' }), OPTION, market)?.price).toBe(2_010);
    expect(estimateOf(draft({ kind: 'market', side: 'sell' }), OPTION, market)?.price).toBe(1_990);
    const empty = { ...TICKER, best_ask_price: null };
    expect(estimateOf(draft({ kind: 'market' }), OPTION, { ...market, ticker: empty })).toBeNull();
  });

  it('a volatility means the price that means it', () => {
    const at = estimateOf(draft({ unit: 'iv', price: '50' }), OPTION, { ticker: TICKER, nowMs: NOW });
    expect(at?.volatility).toBeCloseTo(50, 4);
    expect(at?.source).toBe('volatility');
  });
});

describe('own orders and fills', () => {
  const order = (id: string, state: Order['order_state'], at: number): Order =>
    ({ order_id: id, order_state: state, last_update_timestamp: at }) as Order;

  it('an order leaves when it ends, and an older word does not bring it back', () => {
    const open = mergeOrders(new Map(), [order('a', 'open', 1), order('b', 'untriggered', 1)]);
    expect([...open.keys()]).toEqual(['a', 'b']);
    const later = mergeOrders(open, [order('a', 'filled', 3), order('b', 'open', 0)]);
    expect([...later.values()]).toEqual([order('b', 'untriggered', 1)]);
  });

  it('a fill appears once, newest first', () => {
    const fill = (id: string, at: number): UserTrade =>
      ({ trade_id: id, order_id: 'o', timestamp: at }) as UserTrade;
    expect(mergeFills([fill('1', 1)], [fill('2', 2), fill('1', 1)]).map((it) => it.trade_id)).toEqual([
      '2',
      '1',
    ]);
  });
});
