// The signed-in account: its session, its money, positions, orders and fills.
//
// Invariant: figures are the gateway's last; signing out forgets them all. The secret is sent once
// and never kept: what survives a reload is the session's refresh token, in this tab's storage.
// Left out on purpose: the owner's key. The gateway's session key can trade and cannot withdraw.
import type { Link } from '../protocol/link';
import type { AccountSummary, Order, Position, UserTrade } from '../protocol/messages';
import type { MarginEnvelope, Tokens } from '../protocol/private';
import { mergeOrders, mergeFills } from '../portfolio/own';
import type { Frames } from './frames';
import { failureOf, LOADING, READY, type Loading } from './loading';

export type Session =
  { phase: 'out'; reason: string | null } | { phase: 'signing-in' } | { phase: 'in'; name: string };

const POSITIONS_PERIOD_MS = 1_000;
const FILLS_ASKED = 100;
const SCOPE = 'session:page';
const STORED = 'clockless.session';

interface Stored {
  name: string;
  token: string;
}

/** Something that goes on as long as somebody is signed in. */
interface Companion {
  follow(): () => void;
  forget(): void;
}

export class AccountState {
  session = $state.raw<Session>({ phase: 'out', reason: null });
  loading = $state.raw<Loading>(LOADING);
  summary = $state.raw<AccountSummary | null>(null);
  /** What orders on their way can still make of the account. */
  envelope = $state.raw<MarginEnvelope | null>(null);
  positions = $state.raw<readonly Position[]>([]);
  orders = $state.raw<ReadonlyMap<string, Order>>(new Map());
  fills = $state.raw<readonly UserTrade[]>([]);
  /** By instrument name, for the chain. */
  readonly sizes: ReadonlyMap<string, number> = $derived(
    new Map(this.positions.map((one) => [one.instrument_name, one.size])),
  );
  #stored: Stored | null = readStored();
  #stop: (() => void) | null = null;

  constructor(
    private readonly link: Link,
    private readonly frames: Frames,
    private readonly companions: readonly Companion[],
  ) {}

  /** Signs in again after every reconnect, until the returned function is called. */
  follow(): () => void {
    const stop = this.link.watch((state) => {
      if (state.phase !== 'open') this.#pause();
      else if (this.#stored) void this.#resume(this.#stored);
    });
    return () => {
      stop();
      this.#pause();
    };
  }

  async signIn(clientId: string, clientSecret: string): Promise<void> {
    this.session = { phase: 'signing-in' };
    await this.#authenticate(clientId, {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
      scope: SCOPE,
    });
  }

  async signOut(): Promise<void> {
    this.#forget(null);
    // The connection ends with it and comes back as nobody's.
    await this.link.request('private/logout', { invalidate_token: true }).catch(failureOf);
  }

  /** Reads positions now: after an order of one's own nobody wants to wait for the clock. */
  refresh(): void {
    this.link.request('private/get_positions', { currency: 'any' }).then(
      (positions) => {
        if (this.session.phase === 'in') this.frames.put('positions', () => (this.positions = positions));
      },
      (failure: unknown) => (this.loading = failureOf(failure) ?? this.loading),
    );
    this.link.request('private/clockless/get_margin_envelope', {}).then(
      (envelope) => {
        if (this.session.phase === 'in') this.frames.put('envelope', () => (this.envelope = envelope));
      },
      (failure: unknown) => {
        // An older gateway has none; then nothing is shown of it.
        if (failureOf(failure)) this.envelope = null;
      },
    );
  }

  async #resume(stored: Stored): Promise<void> {
    await this.#authenticate(stored.name, { grant_type: 'refresh_token', refresh_token: stored.token });
  }

  async #authenticate(
    name: string,
    params: Parameters<typeof this.link.request<'public/auth'>>[1],
  ): Promise<void> {
    try {
      this.#begin(name, await this.link.request('public/auth', params));
    } catch (failure) {
      const failed = failureOf(failure);
      // A connection lost meanwhile is no refusal: the next one tries again.
      if (failed?.status === 'failed') this.#forget(failed.reason);
      else if (this.#stored === null) this.session = { phase: 'out', reason: 'the connection was lost' };
    }
  }

  #begin(name: string, tokens: Tokens): void {
    this.#stored = { name, token: tokens.refresh_token };
    store(this.#stored);
    this.session = { phase: 'in', name };
    this.#stop?.();
    this.#stop = this.#listen();
  }

  #listen(): () => void {
    const timer = setInterval(() => this.refresh(), POSITIONS_PERIOD_MS);
    const stops = [
      ...this.companions.map((it) => it.follow()),
      this.link.subscribe('user.portfolio.usdc', (summary) => this.#show(summary)),
      this.link.subscribe('user.orders.any.any.100ms', (orders) => this.take(orders)),
      this.link.subscribe('user.trades.any.any.100ms', (fills) => {
        this.fills = mergeFills(this.fills, fills);
        this.refresh();
      }),
    ];
    this.refresh();
    void this.#load();
    return () => {
      clearInterval(timer);
      stops.forEach((stop) => stop());
      ['portfolio', 'positions', 'envelope'].forEach((key) => this.frames.drop(key));
    };
  }

  async #load(): Promise<void> {
    try {
      const [summary, orders, fills] = await Promise.all([
        this.link.request('private/get_account_summary', { currency: 'USDC', extended: false }),
        this.link.request('private/get_open_orders', {}),
        this.link.request('private/get_user_trades_by_currency', { currency: 'any', count: FILLS_ASKED }),
      ]);
      this.#show(summary);
      this.orders = mergeOrders(new Map(), orders);
      this.fills = mergeFills([], fills.trades);
      this.loading = READY;
    } catch (failure) {
      this.loading = failureOf(failure) ?? this.loading;
    }
  }

  /** Orders as an answer or the channel tells them. */
  take(orders: readonly Order[]): void {
    this.orders = mergeOrders(this.orders, orders);
  }

  #show(summary: AccountSummary): void {
    this.frames.put('portfolio', () => (this.summary = summary));
  }

  #pause(): void {
    this.#stop?.();
    this.#stop = null;
  }

  #forget(reason: string | null): void {
    this.#pause();
    this.#stored = null;
    store(null);
    this.session = { phase: 'out', reason };
    this.loading = LOADING;
    this.summary = null;
    this.envelope = null;
    this.companions.forEach((it) => it.forget());
    this.positions = [];
    this.orders = new Map();
    this.fills = [];
  }
}

function readStored(): Stored | null {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
    const isWhole = typeof stored === 'object' && stored !== null && 'name' in stored && 'token' in stored;
    return isWhole ? (stored as Stored) : null;
  } catch {
    return null;
  }
}

function store(stored: Stored | null): void {
  try {
    if (stored) sessionStorage.setItem(STORED, JSON.stringify(stored));
    else sessionStorage.removeItem(STORED);
  } catch {
    // Storage may be blocked; the session then ends with the page.
  }
}
