// The whole page's state: what is selected, and the stores that follow the selection.
//
// Invariant: the selection names things the catalogue lists, or nothing. The address bar's
// fragment is the selected instrument, so that a reload or a shared link opens the same view.
import type { Link, LinkState } from '../protocol/link';
import type { Instrument, Order } from '../protocol/messages';
import { moveCursor, quoteOf, type Cursor, type Step } from '../market/chain';
import { firstExpiry, isPerpetual, type ExpiryListing, type Underlying } from '../market/instruments';
import { liquidationDistance, type Distance } from '../portfolio/scenarios';
import { legsOf, type Legs } from '../portfolio/legs';
import { AccountState } from './account.svelte';
import { CandleState } from './candles.svelte';
import { Catalogue } from './catalogue.svelte';
import { ChainState } from './chain.svelte';
import { Exotics } from './exotics.svelte';
import { Frames } from './frames';
import { InstrumentState } from './instrument.svelte';
import { failureOf } from './loading';
import { NetworkState } from './network.svelte';
import { Prices } from './prices.svelte';
import { ReceiptsState } from './receipts.svelte';
import { RfqState } from './rfq.svelte';
import { ThemeState } from './theme.svelte';
import { stepTab, type Tab } from './tabs';
import { TicketState } from './ticket.svelte';
import { VerifyState } from './verify.svelte';

const MINUTE_MS = 60_000;

export class Terminal {
  readonly catalogue: Catalogue;
  readonly chain: ChainState;
  readonly instrument: InstrumentState;
  readonly network: NetworkState;
  readonly prices: Prices;
  readonly theme = new ThemeState();
  readonly account: AccountState;
  readonly ticket: TicketState;
  readonly candles: CandleState;
  readonly verify: VerifyState;
  readonly receipts: ReceiptsState;
  readonly rfq: RfqState;
  readonly exotics: Exotics;

  linkState = $state.raw<LinkState>({ phase: 'connecting', attempt: 0 });
  currency = $state.raw<string | null>(null);
  expiry = $state.raw<number | null>(null);
  selected = $state.raw<string | null>(null);
  cursor = $state.raw<Cursor | null>(null);
  tab = $state.raw<Tab>('network');
  cancelFailed = $state.raw<string | null>(null);
  dialog = $state.raw<'none' | 'help' | 'sign-in' | 'verify'>('none');

  readonly underlying: Underlying | null = $derived.by(
    () => this.catalogue.underlyings.find((one) => one.currency === this.currency) ?? null,
  );
  readonly listing: ExpiryListing | null = $derived.by(
    () => this.underlying?.expiries.find((one) => one.expiryTimestamp === this.expiry) ?? null,
  );
  readonly selectedInstrument: Instrument | null = $derived.by(() =>
    this.selected === null ? null : (this.catalogue.instruments.get(this.selected) ?? null),
  );
  /** The venue's time: the latest a message told, so days to expiry follow its clock, not ours. */
  readonly now: number = $derived.by(() =>
    Math.max(this.catalogue.timestamp, this.chain.chain?.timestamp ?? 0, this.prices.timestamp),
  );

  /** The same to the minute: for what is dear to compute and does not change with a tick. */
  readonly minute: number = $derived.by(() => Math.floor(this.now / MINUTE_MS) * MINUTE_MS);
  /** The account's positions as a model sees them, of all underlyings. */
  readonly legs: Legs = $derived.by(() =>
    legsOf(this.account.positions, this.catalogue.instruments, this.catalogue.summaries),
  );
  /** How far each underlying is from a liquidation, by the margin that holds now. */
  readonly distances: ReadonlyMap<string, Distance> = $derived.by(() => this.#distances());

  constructor(
    private readonly link: Link,
    now: () => number,
    request: (run: () => void) => void,
  ) {
    const frames = new Frames(request);
    this.catalogue = new Catalogue(link);
    this.chain = new ChainState(link, frames);
    this.instrument = new InstrumentState(link, frames);
    this.network = new NetworkState(link, frames, now);
    this.prices = new Prices(link, frames);
    this.rfq = new RfqState(link);
    this.exotics = new Exotics(link);
    this.verify = new VerifyState(link);
    this.receipts = new ReceiptsState(link, this.verify);
    this.account = new AccountState(link, frames, [this.rfq, this.receipts]);
    this.ticket = new TicketState(link, now);
    this.candles = new CandleState(link);
  }

  /** Starts everything that does not depend on a selection. */
  start(): () => void {
    const stops = [
      this.theme.follow(),
      this.network.follow(),
      this.catalogue.follow(),
      this.exotics.follow(),
      this.account.follow(),
      this.link.watch((state) => {
        this.linkState = state;
        if (state.phase === 'open') void this.catalogue.load();
      }),
    ];
    this.link.connect();
    return () => stops.forEach((stop) => stop());
  }

  /** Once instruments are listed: opens what the fragment names, or the first underlying. */
  open(fragment: string): void {
    const named = this.catalogue.instruments.get(fragment);
    const currency = named?.base_currency ?? this.catalogue.underlyings[0]?.currency;
    if (currency === undefined) return;
    this.selectUnderlying(currency);
    if (!named) return;
    if (named.kind === 'option') this.expiry = named.expiration_timestamp;
    this.selectInstrument(named.instrument_name);
  }

  /** What was selected may have expired since: then the nearest that is listed takes its place. */
  keepListed(): void {
    if (this.underlying && this.listing === null) this.expiry = firstExpiry(this.underlying, this.now);
    if (this.selected !== null && this.selectedInstrument === null) {
      this.selected = this.underlying?.futures[0]?.instrument_name ?? null;
    }
  }

  selectUnderlying(currency: string): void {
    const underlying = this.catalogue.underlyings.find((one) => one.currency === currency);
    if (!underlying || this.currency === currency) return;
    this.currency = currency;
    this.expiry = firstExpiry(underlying, this.now);
    this.cursor = null;
    this.catalogue.choose(currency);
    const perpetual = underlying.futures.find(isPerpetual) ?? underlying.futures[0];
    this.selected = perpetual?.instrument_name ?? null;
  }

  selectExpiry(expiryTimestamp: number): void {
    this.expiry = expiryTimestamp;
    this.cursor = null;
  }

  /** Moves to the neighbouring expiry, if there is one. */
  stepExpiry(direction: -1 | 1): void {
    const expiries = this.underlying?.expiries ?? [];
    const place = expiries.findIndex((one) => one.expiryTimestamp === this.expiry);
    const next = expiries[place + direction];
    if (place >= 0 && next) this.selectExpiry(next.expiryTimestamp);
  }

  selectInstrument(name: string): void {
    this.selected = name;
    const instrument = this.catalogue.instruments.get(name);
    const strike = instrument?.strike;
    if (instrument?.kind === 'option' && typeof strike === 'number') {
      this.cursor = { strike, side: instrument.option_type ?? 'call' };
    }
  }

  async cancel(order: Order): Promise<void> {
    this.cancelFailed = null;
    try {
      this.account.take([await this.link.request('private/cancel', { order_id: order.order_id })]);
    } catch (failure) {
      const failed = failureOf(failure);
      this.cancelFailed = failed?.status === 'failed' ? failed.reason : 'the connection was lost';
    }
  }

  cancelAll(): Promise<number> {
    return this.link.request('private/cancel_all', {});
  }

  /** Closes a position with a market order that can only reduce it. */
  async close(name: string): Promise<void> {
    await this.link.request('private/close_position', { instrument_name: name, type: 'market' });
    this.account.refresh();
  }

  /** Exercises all that is held of an American option. */
  async exercise(name: string): Promise<void> {
    const held = this.account.positions.find((one) => one.instrument_name === name)?.size ?? 0;
    await this.link.request('private/clockless/exercise', { instrument_name: name, amount: held });
    this.account.refresh();
  }

  /** Asks the network's faucet, where there is one. */
  async askFaucet(amount: number): Promise<void> {
    await this.link.request('private/clockless/faucet', { amount });
    this.account.refresh();
  }

  stepTab(direction: -1 | 1): void {
    this.tab = stepTab(this.tab, direction);
  }

  moveCursor(step: Step): void {
    this.cursor = moveCursor(this.chain.view, this.cursor, step);
  }

  selectAtCursor(): void {
    const cursor = this.cursor;
    if (!cursor) return;
    const row = this.chain.view.rows.find((one) => one.strike === cursor.strike);
    const quote = quoteOf(row, cursor.side);
    if (quote) this.selectInstrument(quote.instrument_name);
  }

  #distances(): Map<string, Distance> {
    const summary = this.account.summary;
    const distances = new Map<string, Distance>();
    // A distance that leaves a position out would be a wrong one.
    if (!summary || this.legs.leftOut.length > 0) return distances;
    const cushion = summary.equity - summary.maintenance_margin;
    for (const currency of new Set(this.legs.legs.map((leg) => leg.currency))) {
      const legs = this.legs.legs.filter((leg) => leg.currency === currency);
      distances.set(currency, liquidationDistance(legs, cushion, this.minute));
    }
    return distances;
  }
}
