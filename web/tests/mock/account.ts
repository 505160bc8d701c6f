// TEST TOOL. One account of the made-up market: it trades at the best prices there are, and keeps
// positions, orders and fills in the venue's shapes. It follows no margin rules: it only has figures.
import type {
  AccountSummary,
  Instrument,
  Order,
  OrderParams,
  Placed,
  Position,
  UserTrade,
} from '../../src/protocol/messages';
import type { MarginEnvelope } from '../../src/protocol/private';
import type { MockMarket } from './market';

const DEPOSIT = 100_000;

interface Holding {
  size: number;
  cost: number;
}

export class MockAccount {
  readonly orders = new Map<string, Order>();
  readonly fills: UserTrade[] = [];
  #holdings = new Map<string, Holding>();
  #next = 1;
  #fees = 0;
  #deposited = DEPOSIT;

  constructor(private readonly market: MockMarket) {}

  place(side: 'buy' | 'sell', params: OrderParams, now: number): Placed {
    const id = `MOCK-${this.#next++}`;
    const ticker = this.market.ticker(params.instrument_name, now);
    const best = (side === 'buy' ? ticker?.best_ask_price : ticker?.best_bid_price) ?? null;
    const limit = params.advanced === 'implv' ? null : (params.price ?? null);
    const crosses = best !== null && limit !== null && (side === 'buy' ? limit >= best : limit <= best);
    const fills = best !== null && (params.type === 'market' || crosses);
    const order: Order = {
      order_id: id,
      instrument_name: params.instrument_name,
      direction: side,
      order_type: params.type,
      order_state: fills ? 'filled' : 'open',
      time_in_force: params.time_in_force ?? 'good_til_cancelled',
      amount: params.amount,
      filled_amount: fills ? params.amount : 0,
      price: params.type === 'market' ? 'market_price' : (params.price ?? 0),
      average_price: fills ? best : 0,
      post_only: params.post_only ?? false,
      reduce_only: params.reduce_only ?? false,
      label: params.label,
      creation_timestamp: now,
      last_update_timestamp: now,
      ...(params.advanced === 'implv' ? { advanced: 'implv' as const, implv: params.price ?? 0 } : {}),
    };
    if (!fills) this.orders.set(id, order);
    const trades = fills ? [this.#fill(order, best, now)] : [];
    return { order, trades, commit: 17_900 };
  }

  cancel(id: string, now: number): Order | null {
    const order = this.orders.get(id);
    if (!order) return null;
    this.orders.delete(id);
    return { ...order, order_state: 'cancelled', last_update_timestamp: now };
  }

  close(name: string, now: number): Placed | null {
    const size = this.#holdings.get(name)?.size ?? 0;
    if (size === 0) return null;
    const params = { instrument_name: name, amount: Math.abs(size), type: 'market' as const, label: 'close' };
    return this.place(size > 0 ? 'sell' : 'buy', params, now);
  }

  positions(now: number): Position[] {
    return [...this.#holdings].map(([name, { size, cost }]) => {
      const instrument = this.market.byName.get(name) as Instrument;
      const ticker = this.market.ticker(name, now);
      const mark = ticker?.mark_price ?? 0;
      const greeks = ticker?.greeks;
      const times = (value: number | null | undefined): number => (value ?? 0) * size;
      return {
        instrument_name: name,
        kind: instrument.kind === 'option' ? 'option' : 'future',
        direction: size > 0 ? 'buy' : size < 0 ? 'sell' : 'zero',
        size,
        average_price: size === 0 ? 0 : cost / size,
        mark_price: mark,
        index_price: ticker?.index_price ?? 0,
        floating_profit_loss: size * mark - cost,
        realized_profit_loss: 0,
        initial_margin: Math.abs(size) * (ticker?.index_price ?? 0) * 0.1,
        maintenance_margin: Math.abs(size) * (ticker?.index_price ?? 0) * 0.08,
        delta: instrument.kind === 'option' ? times(greeks?.delta) : size,
        ...(greeks
          ? { gamma: times(greeks.gamma), vega: times(greeks.vega), theta: times(greeks.theta) }
          : {}),
      };
    });
  }

  summary(now: number): AccountSummary {
    const held = this.positions(now);
    const sum = (of: (position: Position) => number): number =>
      held.reduce((total, position) => total + of(position), 0);
    const profit = sum((position) => position.floating_profit_loss);
    const initial = sum((position) => position.initial_margin);
    return {
      currency: 'USDC',
      balance: this.#deposited - this.#fees,
      equity: this.#deposited - this.#fees + profit,
      available_funds: this.#deposited - this.#fees + profit - initial,
      initial_margin: initial,
      maintenance_margin: sum((position) => position.maintenance_margin),
      session_upl: profit,
      session_rpl: 0,
      total_pl: profit,
      delta_total: sum((position) => position.delta),
      options_gamma: sum((position) => position.gamma ?? 0),
      options_vega: sum((position) => position.vega ?? 0),
      options_theta: sum((position) => position.theta ?? 0),
    };
  }

  deposit(amount: number): { amount: number; balance: number } {
    this.#deposited += amount;
    return { amount, balance: this.#deposited - this.#fees };
  }

  /** As if the order that rests were on its way still: it may take its margin or not. */
  envelope(now: number): MarginEnvelope {
    const { equity, initial_margin, maintenance_margin, available_funds } = this.summary(now);
    const best = { equity, initial_margin, maintenance_margin, available_funds };
    const taken = 1_000 * this.orders.size;
    const worst = {
      ...best,
      initial_margin: initial_margin + taken,
      available_funds: available_funds - taken,
    };
    return { pending: this.orders.size, is_exact: true, best, worst };
  }

  #fill(order: Order, price: number, now: number): UserTrade {
    const holding = this.#holdings.get(order.instrument_name) ?? { size: 0, cost: 0 };
    const signed = order.direction === 'buy' ? order.amount : -order.amount;
    holding.size = Number((holding.size + signed).toFixed(8));
    holding.cost = holding.size === 0 ? 0 : holding.cost + signed * price;
    this.#holdings.set(order.instrument_name, holding);
    const fee = price * order.amount * 0.0003;
    this.#fees += fee;
    const fill: UserTrade = {
      trade_id: String(this.fills.length + 1),
      trade_seq: this.fills.length + 1,
      timestamp: now,
      instrument_name: order.instrument_name,
      direction: order.direction,
      price,
      amount: order.amount,
      fee,
      liquidity: 'T',
      order_id: order.order_id,
    };
    this.fills.unshift(fill);
    return fill;
  }
}
