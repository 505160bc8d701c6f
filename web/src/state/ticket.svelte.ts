// The order ticket: a draft for the selected instrument, its preview, and what became of the last order.
//
// Invariant: a draft is sent at most once at a time, under a label of its own: if an answer is lost, sending
// the same draft again is answered with the first order, so nothing trades twice.
import type { Link } from '../protocol/link';
import type { Instrument, Placed, Ticker } from '../protocol/messages';
import type { MarginQuote } from '../protocol/private';
import {
  estimateOf,
  orderOf,
  parseNumber,
  priceText,
  problemsOf,
  type Draft,
  type OrderSide,
} from '../portfolio/order-terms';
import { failureOf, type Loading } from './loading';
import { RequestFailure } from '../protocol/link';

export type Sending =
  | { phase: 'idle' }
  | { phase: 'sending' }
  | { phase: 'placed'; placed: Placed; tookMs: number }
  | { phase: 'refused'; reason: string };

export type MarginPreview =
  { status: 'none' } | { status: 'ready'; quote: MarginQuote } | { status: 'failed'; reason: string };

type MarginQuestion = { instrument_name: string; amount: number; price: number };

/** Between two questions for the margin of a draft. */
const PREVIEW_DELAY_MS = 150;
const EMPTY: Draft = {
  side: 'buy',
  kind: 'limit',
  unit: 'usd',
  amount: '',
  price: '',
  timeInForce: 'good_til_cancelled',
  postOnly: 'off',
  reduceOnly: 'off',
};

export class TicketState {
  draft = $state.raw<Draft>(EMPTY);
  sending = $state.raw<Sending>({ phase: 'idle' });
  margin = $state.raw<MarginPreview>({ status: 'none' });
  #label = newLabel();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #wanted: MarginQuestion | null = null;
  #asked = 0;
  #shown = 0;

  constructor(
    private readonly link: Link,
    private readonly now: () => number,
  ) {}

  change(part: Partial<Draft>): void {
    this.draft = { ...this.draft, ...part };
    this.#label = newLabel();
    if (this.sending.phase !== 'sending') this.sending = { phase: 'idle' };
  }

  /** Another instrument: prices of the last one mean nothing here, and its amounts may not fit. */
  begin(instrument: Instrument): void {
    const unit = instrument.kind === 'option' ? this.draft.unit : 'usd';
    const fits = problemsOf({ ...this.draft, kind: 'market' }, instrument).length === 0;
    const amount = fits ? this.draft.amount : String(instrument.min_trade_amount);
    this.change({ price: '', unit, amount });
    this.#forget();
  }

  /** A click on a price of the book. */
  take(instrument: Instrument, price: number): void {
    this.change({ kind: 'limit', unit: 'usd', price: priceText(instrument, price) });
  }

  choose(side: OrderSide): void {
    this.change({ side });
  }

  /** Asks the gateway now and then what margin the draft would take: also while prices never stand still. */
  preview(instrument: Instrument, ticker: Ticker | null, nowMs: number): void {
    const estimate = estimateOf(this.draft, instrument, { ticker, nowMs });
    const amount = parseNumber(this.draft.amount);
    if (estimate === null || amount === null || problemsOf(this.draft, instrument).length > 0) {
      this.#forget();
      return;
    }
    const price = Number(priceText(instrument, estimate.price));
    this.#wanted = { instrument_name: instrument.instrument_name, amount, price };
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.#wanted !== null) void this.#ask(this.#wanted);
    }, PREVIEW_DELAY_MS);
  }

  async send(instrument: Instrument): Promise<void> {
    const { draft } = this;
    const order = orderOf(draft, instrument, this.#label);
    if (order === null || this.sending.phase === 'sending') return;
    this.sending = { phase: 'sending' };
    const began = this.now();
    try {
      const placed = await this.link.request(draft.side === 'buy' ? 'private/buy' : 'private/sell', order);
      this.sending = { phase: 'placed', placed, tookMs: this.now() - began };
      this.#label = newLabel();
    } catch (failure) {
      this.sending = { phase: 'refused', reason: reasonOf(failure) };
    }
  }

  #forget(): void {
    this.#wanted = null;
    this.#shown = this.#asked;
    this.margin = { status: 'none' };
  }

  async #ask(params: MarginQuestion): Promise<void> {
    const asked = (this.#asked += 1);
    try {
      const quote = await this.link.request('private/get_margins', params);
      this.#show(asked, { status: 'ready', quote });
    } catch (failure) {
      this.#show(asked, { status: 'failed', reason: reasonOf(failure) });
    }
  }

  /** An answer counts unless a later one is shown already. */
  #show(asked: number, margin: MarginPreview): void {
    if (asked <= this.#shown) return;
    this.#shown = asked;
    this.margin = margin;
  }
}

function reasonOf(failure: unknown): string {
  if (failure instanceof RequestFailure && failure.reason === 'disconnected') {
    return 'the connection was lost: look at your orders before you send it again';
  }
  const failed: Loading | null = failureOf(failure);
  return failed?.status === 'failed' ? failed.reason : 'it failed';
}

function newLabel(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
