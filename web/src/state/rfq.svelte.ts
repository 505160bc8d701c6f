// Requests for quotes of the signed-in account: those it asked, and those it is asked to answer.
//
// Invariant: what is shown is the gateway's last word on each request. One call at a time; a taking names the price and
// amount that stood on the screen, so that nobody trades at another one.
import type { Link } from '../protocol/link';
import type { Instrument } from '../protocol/messages';
import type { BlockRfq, Direction, RfqLevel } from '../protocol/private';
import { priceText } from '../portfolio/order-terms';
import { LEGS_MAX, structurePrice, type Answer, type DraftLeg } from '../portfolio/structure';
import { failureOf } from './loading';

const ASKED = 50;

export class RfqState {
  requests = $state.raw<ReadonlyMap<number, BlockRfq>>(new Map());
  legs = $state.raw<readonly DraftLeg[]>([]);
  name = $state.raw<'shown' | 'hidden'>('shown');
  answer = $state.raw<Answer | null>(null);
  busy = $state.raw<'no' | 'yes'>('no');
  failed = $state.raw<string | null>(null);
  /** What the last call did. */
  done = $state.raw<string | null>(null);
  readonly open: number = $derived([...this.requests.values()].filter((it) => it.state === 'open').length);

  constructor(private readonly link: Link) {}

  /** Keeps current while somebody is signed in, until the returned function is called. */
  follow(): () => void {
    const stops = [
      this.link.subscribe('block_rfq.taker.any', (request) => this.#put([request])),
      this.link.subscribe('block_rfq.maker.any', (request) => this.#put([request])),
    ];
    this.link.request('private/get_block_rfqs', { count: ASKED }).then(
      ({ block_rfqs }) => this.#put(block_rfqs),
      (failure: unknown) => this.#fail(failure),
    );
    return () => stops.forEach((stop) => stop());
  }

  forget(): void {
    this.requests = new Map();
    this.legs = [];
    this.answer = null;
    this.#say(null, null);
  }

  addLeg(instrument: Instrument): void {
    const name = instrument.instrument_name;
    if (this.legs.length >= LEGS_MAX || this.legs.some((leg) => leg.name === name)) return;
    this.legs = [...this.legs, { name, direction: 'buy', amount: String(instrument.min_trade_amount) }];
  }

  changeLeg(place: number, part: Partial<DraftLeg>): void {
    this.legs = this.legs.map((leg, at) => (at === place ? { ...leg, ...part } : leg));
  }

  removeLeg(place: number): void {
    this.legs = this.legs.filter((_, at) => at !== place);
  }

  ask(): Promise<void> {
    return this.#call(async () => {
      const legs = this.legs.map((leg) => ({
        instrument_name: leg.name,
        amount: Number(leg.amount.replaceAll(',', '')),
        direction: leg.direction,
      }));
      const request = await this.link.request('private/create_block_rfq', {
        legs,
        disclosed: this.name === 'shown',
      });
      this.#put([request]);
      this.legs = [];
      return `Asked as number ${request.block_rfq_id}`;
    });
  }

  /** Takes what stands on the screen: so much at that price. */
  take(request: BlockRfq, direction: Direction, level: RfqLevel): Promise<void> {
    return this.#call(async () => {
      const { block_trades } = await this.link.request('private/accept_block_rfq', {
        block_rfq_id: request.block_rfq_id,
        price: level.price,
        amount: level.amount,
        direction,
        time_in_force: 'fill_or_kill',
      });
      return `Traded as ${block_trades.map((block) => block.id).join(', ')}`;
    });
  }

  cancel(request: BlockRfq): Promise<void> {
    return this.#call(async () => {
      const { block_rfq_id } = request;
      this.#put([await this.link.request('private/cancel_block_rfq', { block_rfq_id })]);
      return `Number ${block_rfq_id} is taken back`;
    });
  }

  /** Opens an answer with the marks of the legs for prices. */
  async begin(request: BlockRfq, instruments: ReadonlyMap<string, Instrument>): Promise<void> {
    const { block_rfq_id: id, amount, legs } = request;
    this.answer = { id, direction: 'sell', amount: String(amount), prices: legs.map(() => '') };
    try {
      const tickers = await Promise.all(
        legs.map((leg) => this.link.request('public/ticker', { instrument_name: leg.instrument_name })),
      );
      const marks = tickers.map((ticker) => {
        const instrument = instruments.get(ticker.instrument_name);
        const mark = ticker.mark_price ?? null;
        return instrument && mark !== null ? priceText(instrument, mark) : '';
      });
      const isUntouched = this.answer?.id === id && this.answer.prices.every((price) => price === '');
      if (this.answer && isUntouched) this.answer = { ...this.answer, prices: marks };
    } catch (failure) {
      // Without marks the maker writes the prices himself.
      failureOf(failure);
    }
  }

  change(part: Partial<Answer>): void {
    if (this.answer) this.answer = { ...this.answer, ...part };
  }

  price(place: number, price: string): void {
    const answer = this.answer;
    if (answer) this.change({ prices: answer.prices.map((it, at) => (at === place ? price : it)) });
  }

  /** Sends the answer in place of the one on the same side that stands, if one does. */
  quote(request: BlockRfq): Promise<void> {
    return this.#call(async () => {
      const answer = this.answer;
      if (!answer || structurePrice(request.legs, answer.prices) === null) return null;
      const label = labelOf(answer.direction);
      const stands = answer.direction === 'buy' ? request.bids : request.asks;
      const { block_rfq_id } = request;
      if (stands.length > 0)
        await this.link.request('private/cancel_block_rfq_quote', { block_rfq_id, label });
      await this.link.request('private/add_block_rfq_quote', {
        block_rfq_id,
        direction: answer.direction,
        amount: Number(answer.amount),
        label,
        legs: request.legs.map((leg, place) => ({ ...leg, price: Number(answer.prices[place]) })),
      });
      this.answer = null;
      return `Number ${block_rfq_id} is answered`;
    });
  }

  withdraw(request: BlockRfq, direction: Direction): Promise<void> {
    return this.#call(async () => {
      const { block_rfq_id } = request;
      const label = labelOf(direction);
      await this.link.request('private/cancel_block_rfq_quote', { block_rfq_id, label });
      return 'The answer is taken back';
    });
  }

  async #call(act: () => Promise<string | null>): Promise<void> {
    if (this.busy === 'yes') return;
    this.busy = 'yes';
    this.#say(null, null);
    try {
      this.#say(await act(), null);
    } catch (failure) {
      this.#fail(failure);
    } finally {
      this.busy = 'no';
    }
  }

  #fail(failure: unknown): void {
    const failed = failureOf(failure);
    this.#say(null, failed?.status === 'failed' ? failed.reason : 'the connection was lost');
  }

  #say(done: string | null, failed: string | null): void {
    this.done = done;
    this.failed = failed;
  }

  #put(requests: readonly BlockRfq[]): void {
    const known = new Map(this.requests);
    requests.forEach((request) => known.set(request.block_rfq_id, request));
    this.requests = known;
    const answered = this.answer && known.get(this.answer.id);
    if (answered && answered.state !== 'open') this.answer = null;
  }
}

/** One answer on each side of a request is this page's, known by its label. */
function labelOf(direction: Direction): string {
  return `page-${direction}`;
}
