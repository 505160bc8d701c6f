// TEST TOOL. Requests for quotes in the made-up market: a desk answers every request at one percent around the marks, and
// asks once itself, so that there is something to answer.
import type { BlockRfq, Direction, RfqLeg } from '../../src/protocol/private';
import type { MockMarket } from './market';

/** How long the desk thinks. */
const ANSWER_MS = 300;
const SPAN_MS = 300_000;

interface Params {
  block_rfq_id?: number;
  legs?: { instrument_name: string; amount?: number; direction: Direction; price?: number; ratio?: number }[];
  amount?: number;
  price?: number;
  direction?: Direction;
  label?: string;
}

export class MockRfq {
  readonly #requests = new Map<number, BlockRfq>();
  #next = 1;

  constructor(
    private readonly market: MockMarket,
    private readonly tell: (channel: string, data: unknown) => void,
  ) {
    const [future] = market.instruments.filter((one) => one.kind === 'future');
    const call = market.instruments.find((one) => one.kind === 'option' && one.option_type === 'call');
    if (!future || !call) return;
    const legs: RfqLeg[] = [
      { instrument_name: call.instrument_name, direction: 'buy', ratio: 2 },
      { instrument_name: future.instrument_name, direction: 'sell', ratio: 1 },
    ];
    this.#open({ role: 'maker', taker: 'desk', amount: 0.5, legs });
  }

  /** Undefined for a method that is not about requests; null for a request that is not there. */
  call(method: string, params: Params): unknown {
    const request = this.#requests.get(params.block_rfq_id ?? 0);
    switch (method) {
      case 'private/get_block_rfqs':
        return { block_rfqs: [...this.#requests.values()].reverse(), continuation: null };
      case 'private/create_block_rfq':
        return this.#ask(params);
      case 'private/cancel_block_rfq':
        return request ? this.#put({ ...request, state: 'cancelled', bids: [], asks: [] }) : null;
      case 'private/accept_block_rfq':
        return request ? this.#trade(request, params) : null;
      case 'private/add_block_rfq_quote':
      case 'private/cancel_block_rfq_quote':
        return request ? this.#quote(request, params, method === 'private/add_block_rfq_quote') : null;
      default:
        return undefined;
    }
  }

  #open(request: Pick<BlockRfq, 'role' | 'taker' | 'amount' | 'legs'>): BlockRfq {
    const now = Date.now();
    const opened: BlockRfq = {
      block_rfq_id: this.#next++,
      creation_timestamp: now,
      expiration_timestamp: now + SPAN_MS,
      state: 'open',
      min_trade_amount: 0.1,
      bids: [],
      asks: [],
      ...request,
    };
    this.#requests.set(opened.block_rfq_id, opened);
    return opened;
  }

  #ask(params: Params): BlockRfq {
    const asked = params.legs ?? [];
    const amount = Math.min(...asked.map((leg) => leg.amount ?? 1));
    const legs = asked.map((leg) => ({
      instrument_name: leg.instrument_name,
      direction: leg.direction,
      ratio: Math.round((leg.amount ?? 1) / amount),
    }));
    const request = this.#open({ role: 'taker', taker: 'demo', amount, legs });
    setTimeout(() => this.#answer(request), ANSWER_MS);
    return request;
  }

  #answer(asked: BlockRfq): void {
    const request = this.#requests.get(asked.block_rfq_id);
    // It may have been taken back while the desk was thinking.
    if (request?.state !== 'open') return;
    const now = Date.now();
    const fair = this.#price(request.legs.map((leg) => [leg, this.#mark(leg.instrument_name)]));
    const level = (price: number): BlockRfq['bids'][number] => ({
      makers: ['desk'],
      price: Math.round(price),
      amount: request.amount,
      last_update_timestamp: now,
    });
    const half = Math.max(Math.abs(fair) * 0.01, 1);
    this.#put({ ...request, bids: [level(fair - half)], asks: [level(fair + half)] });
  }

  #mark(name: string): number {
    return this.market.ticker(name, Date.now())?.mark_price ?? 0;
  }

  #price(legs: readonly (readonly [RfqLeg, number])[]): number {
    return legs.reduce(
      (sum, [leg, price]) => sum + (leg.direction === 'buy' ? 1 : -1) * leg.ratio * price,
      0,
    );
  }

  #trade(request: BlockRfq, params: Params): object {
    const { price = 0, amount = 0, direction = 'buy' } = params;
    this.#put({
      ...request,
      state: 'filled',
      bids: [],
      asks: [],
      trades: [{ direction, price, amount, maker: 'desk' }],
    });
    return { trade_trigger: null, block_trades: [{ id: `BLOCK-${request.block_rfq_id}`, trades: [] }] };
  }

  #quote(request: BlockRfq, params: Params, adds: boolean): object {
    const direction = params.direction ?? (params.label?.endsWith('buy') ? 'buy' : 'sell');
    const priced = request.legs.map((leg, place) => [leg, params.legs?.[place]?.price ?? 0] as const);
    const level = {
      makers: ['demo'],
      price: this.#price(priced),
      amount: params.amount ?? 0,
      last_update_timestamp: Date.now(),
    };
    const side = direction === 'buy' ? 'bids' : 'asks';
    this.#put({ ...request, [side]: adds ? [level] : [] });
    return {
      block_rfq_id: request.block_rfq_id,
      block_rfq_quote_id: 1,
      quote_state: 'open',
      direction,
      ...level,
    };
  }

  #put(request: BlockRfq): BlockRfq {
    this.#requests.set(request.block_rfq_id, request);
    this.tell(`block_rfq.${request.role}.any`, request);
    return request;
  }
}
