// TEST TOOL. A gateway with a made-up market behind it: the same JSON-RPC messages over a real
// WebSocket, and the built page over HTTP. For development and browser tests only.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ChartData, DagUpdate, Instrument, OrderParams, Placed } from '../../src/protocol/messages';
import { MockAccount } from './account';
import { MockBook, mockTrade } from './book';
import { MockDag } from './dag';
import { MockMarket } from './market';
import { balanceProof, committee, intentOf, receiptProof } from './proof';
import { Random } from './random';
import { MockRfq } from './rfq';

export interface MockOptions {
  port?: number;
  seed?: number;
  listing?: 'full' | 'empty' | 'refused';
  /** Milliseconds between two rounds of the DAG. */
  roundMs?: number;
  /** Milliseconds between two chains of the selected expiry; 500 as a gateway sends them. */
  chainMs?: number;
  /** A proof whose balance is not the one that the committee signed. */
  proof?: 'true' | 'forged';
}

export interface MockGateway {
  url: string;
  port: number;
  /** Cuts every connection, as a restarting gateway does. */
  cut(): void;
  close(): Promise<void>;
}

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

interface Params {
  channels?: string[];
  currency?: string;
  expiry_timestamp?: number;
  instrument_name?: string;
  count?: number;
  client_id?: string;
  client_secret?: string;
  refresh_token?: string;
  order_id?: string;
  intent?: string;
  amount?: number;
  price?: number;
  start_timestamp?: number;
  end_timestamp?: number;
  resolution?: string;
}

class Refusal extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** One client: its channels and the state that incremental channels need. */
class Client {
  readonly channels = new Set<string>();
  readonly #books = new Map<string, MockBook>();
  #login: 'none' | 'demo' = 'none';

  constructor(
    private readonly socket: WebSocket,
    private readonly venue: Venue,
  ) {}

  answer(text: string): void {
    const { id, method, params = {} } = JSON.parse(text) as { id: number; method: string; params?: Params };
    try {
      this.#send({ id, result: this.#call(method, params) });
    } catch (failure) {
      if (!(failure instanceof Refusal)) throw failure;
      this.#send({ id, error: { code: failure.code, message: failure.message } });
    }
  }

  notify(channel: string, data: unknown): void {
    if (this.channels.has(channel)) this.#send({ method: 'subscription', params: { channel, data } });
  }

  pushBooks(now: number): void {
    for (const [channel, book] of this.#books) this.notify(channel, book.change(now));
  }

  #call(method: string, params: Params): unknown {
    if (method === 'public/subscribe') return this.#subscribe(params.channels ?? []);
    if (method === 'public/unsubscribe') return this.#unsubscribe(params.channels ?? []);
    if (method === 'public/auth') return this.#authenticate(params);
    if (!method.startsWith('private/')) return this.venue.call(method, params);
    if (this.#login === 'none') throw new Refusal(13009, 'unauthorized');
    if (method === 'private/subscribe') return this.#subscribe(params.channels ?? []);
    if (method === 'private/logout') {
      this.#login = 'none';
      return 'ok';
    }
    return this.venue.callPrivate(method, params);
  }

  #authenticate(params: Params): object {
    const known = params.client_id === 'demo' && params.client_secret === 'demo';
    if (!known && params.refresh_token !== 'mock-refresh') throw new Refusal(13004, 'invalid_credentials');
    this.#login = 'demo';
    return { access_token: 'mock', refresh_token: 'mock-refresh', expires_in: 900, scope: 'session:page' };
  }

  #subscribe(channels: string[]): string[] {
    const known = channels.filter((channel) => this.venue.knows(channel));
    known.forEach((channel) => this.channels.add(channel));
    setImmediate(() => known.forEach((channel) => this.#first(channel)));
    return known;
  }

  #unsubscribe(channels: string[]): string[] {
    channels.forEach((channel) => {
      this.channels.delete(channel);
      this.#books.delete(channel);
    });
    return channels;
  }

  #first(channel: string): void {
    const name = channel.split('.')[1] ?? '';
    const instrument = this.venue.market.byName.get(name);
    if (channel.startsWith('book.') && instrument) {
      const book = new MockBook(this.venue.market, instrument, this.venue.random);
      this.#books.set(channel, book);
      this.notify(channel, book.snapshot(Date.now()));
    } else if (channel.startsWith('ticker.')) {
      this.notify(channel, this.venue.market.ticker(name, Date.now()));
    }
  }

  #send(message: object): void {
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }
}

class Venue {
  readonly random: Random;
  readonly market: MockMarket;
  readonly dag: MockDag;
  readonly account: MockAccount;
  readonly rfq: MockRfq;
  tell: (channel: string, data: unknown) => void = () => {};

  constructor(private readonly options: MockOptions) {
    this.random = new Random(options.seed ?? 7);
    this.market = new MockMarket(options.seed ?? 7, Date.now());
    this.dag = new MockDag(this.random, this.market.instruments.length);
    this.account = new MockAccount(this.market);
    this.rfq = new MockRfq(this.market, (channel, data) => this.tell(channel, data));
  }

  knows(channel: string): boolean {
    const [topic, name] = channel.split('.');
    if (['clockless', 'user', 'chart', 'block_rfq'].includes(topic ?? '')) return true;
    return ['ticker', 'book', 'trades'].includes(topic ?? '') && this.market.byName.has(name ?? '');
  }

  call(method: string, params: Params): unknown {
    const now = Date.now();
    switch (method) {
      case 'public/test':
        return { version: 'mock' };
      case 'public/get_instruments':
        return this.#instruments();
      case 'public/get_book_summary_by_currency':
        return this.#summaries(params.currency ?? '', now);
      case 'public/ticker':
        return this.market.ticker(this.#named(params).instrument_name, now);
      case 'public/get_last_trades_by_instrument':
        return { trades: this.#trades(this.#named(params), params.count ?? 10, now), has_more: true };
      case 'public/clockless/get_chain':
        return this.market.chain(params.currency ?? '', params.expiry_timestamp ?? 0, now);
      case 'public/clockless/get_committee':
        return committee;
      case 'public/get_tradingview_chart_data':
        return this.#candles(this.#named(params), params);
      default:
        throw new Refusal(-32601, 'Method not found');
    }
  }

  callPrivate(method: string, params: Params): unknown {
    const now = Date.now();
    switch (method) {
      case 'private/get_account_summary':
        return this.account.summary(now);
      case 'private/get_positions':
        return this.account.positions(now);
      case 'private/get_open_orders':
        return [...this.account.orders.values()];
      case 'private/get_user_trades_by_currency':
        return { trades: this.account.fills, has_more: false };
      case 'private/get_margins': {
        const value =
          (params.amount ?? 0) *
          (this.market.ticker(this.#named(params).instrument_name, now)?.index_price ?? 0);
        return { buy: value * 0.1, sell: value * 0.12, min_price: 1, max_price: 1_000_000 };
      }
      case 'private/buy':
      case 'private/sell':
        this.#named(params);
        return this.#told(
          this.account.place(
            method === 'private/buy' ? 'buy' : 'sell',
            params as unknown as OrderParams,
            now,
          ),
        );
      case 'private/cancel': {
        const order = this.account.cancel(params.order_id ?? '', now);
        if (!order) throw new Refusal(11_044, 'not_open_order');
        this.tell('user.orders.any.any.100ms', [order]);
        return order;
      }
      case 'private/close_position': {
        const placed = this.account.close(params.instrument_name ?? '', now);
        if (!placed) throw new Refusal(11_094, 'nothing_to_close');
        return this.#told(placed);
      }
      case 'private/clockless/get_balance_proof': {
        const reply = balanceProof(100_000_000_000n, 17_880n);
        return this.options.proof === 'forged' ? { ...reply, leaf: `0${reply.leaf.slice(1, -1)}1` } : reply;
      }
      case 'private/clockless/get_receipt_proof':
        return receiptProof(params.intent ?? '', 17_900n);
      case 'private/clockless/get_margin_envelope':
        return this.account.envelope(now);
      case 'private/clockless/faucet':
        return this.account.deposit(params.amount ?? 0);
      default: {
        const answered = this.rfq.call(method, params as object);
        if (answered === undefined) throw new Refusal(-32601, 'Method not found');
        if (answered === null) throw new Refusal(13_020, 'not_found');
        return answered;
      }
    }
  }

  #told(placed: Placed): Placed {
    const intent = intentOf(placed.order.order_id);
    for (const state of ['accepted', 'final', 'certified'] as const) {
      this.tell('user.clockless.intents', {
        intent,
        state,
        ...(state === 'accepted' ? {} : { commit: 17_900 }),
      });
    }
    this.tell('user.orders.any.any.100ms', [placed.order]);
    if (placed.trades.length > 0) this.tell('user.trades.any.any.100ms', placed.trades);
    return placed;
  }

  #candles(instrument: Instrument, params: Params): ChartData {
    const step = (params.resolution === '1D' ? 1_440 : Number(params.resolution)) * 60_000;
    const end = params.end_timestamp ?? Date.now();
    const chance = new Random(5);
    let price = this.market.ticker(instrument.instrument_name, end)?.mark_price ?? 1;
    const data: ChartData = { status: 'ok', ticks: [], open: [], high: [], low: [], close: [], volume: [] };
    for (let tick = Math.ceil((params.start_timestamp ?? end) / step) * step; tick <= end; tick += step) {
      const close = price * (1 + chance.normal() * 0.001);
      data.ticks.push(tick);
      data.open.push(price);
      data.close.push(close);
      data.high.push(Math.max(price, close) * 1.0004);
      data.low.push(Math.min(price, close) * 0.9996);
      data.volume.push(chance.between(0, 9));
      price = close;
    }
    return data;
  }

  #instruments(): Instrument[] {
    if (this.options.listing === 'refused') throw new Refusal(13028, 'temporarily_unavailable');
    return this.options.listing === 'empty' ? [] : this.market.instruments;
  }

  #summaries(currency: string, now: number): object[] {
    return this.market.instruments
      .filter((one) => one.base_currency === currency)
      .map((one) => ({
        instrument_name: one.instrument_name,
        base_currency: one.base_currency,
        mark_price: this.market.ticker(one.instrument_name, now)?.mark_price ?? null,
        mark_iv: this.market.ticker(one.instrument_name, now)?.mark_iv ?? null,
        underlying_price:
          one.kind === 'option' ? this.market.forward(currency, one.expiration_timestamp, now) : null,
        open_interest: 0,
      }));
  }

  #trades(instrument: Instrument, count: number, now: number): object[] {
    return Array.from({ length: count }, (_, back) =>
      mockTrade(this.market, instrument, this.random, now - (count - back) * 2_300),
    )
      .filter((trade) => trade !== null)
      .reverse();
  }

  #named(params: Params): Instrument {
    const found = this.market.byName.get(params.instrument_name ?? '');
    if (!found) throw new Refusal(10020, 'invalid_or_unsupported_instrument');
    return found;
  }
}

export async function startMock(options: MockOptions = {}): Promise<MockGateway> {
  const venue = new Venue(options);
  const clients = new Map<WebSocket, Client>();
  const server = createServer(serveFile);
  const sockets = new WebSocketServer({ server, path: '/ws/api/v2' });
  sockets.on('connection', (socket) => {
    const client = new Client(socket, venue);
    clients.set(socket, client);
    socket.on('message', (data) => client.answer(String(data)));
    socket.on('close', () => clients.delete(socket));
  });
  const timers = startPushing(venue, clients, options);
  await listen(server, options.port ?? 0);
  const { port } = server.address() as AddressInfo;
  const cut = (): void => clients.forEach((_, socket) => socket.terminate());
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    cut,
    close: async () => {
      timers.forEach((timer) => clearInterval(timer));
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function startPushing(venue: Venue, clients: Map<WebSocket, Client>, options: MockOptions): NodeJS.Timeout[] {
  const each = (run: (client: Client) => void): void => clients.forEach(run);
  let grown: DagUpdate = { blocks: [], commits: [] };
  const push = (channel: string, data: unknown): void => each((client) => client.notify(channel, data));
  venue.tell = push;
  return [
    setInterval(() => push('user.portfolio.usdc', venue.account.summary(Date.now())), 1_000),
    setInterval(() => {
      venue.market.step();
      each((client) => pushMarket(client, venue));
    }, 100),
    setInterval(() => each((client) => pushChains(client, venue)), options.chainMs ?? 500),
    setInterval(() => push('clockless.network', venue.dag.status()), 500),
    setInterval(() => {
      const { blocks, commits } = venue.dag.step();
      grown = { blocks: [...grown.blocks, ...blocks], commits: [...grown.commits, ...commits] };
    }, options.roundMs ?? 85),
    setInterval(() => {
      push('clockless.dag', grown);
      grown = { blocks: [], commits: [] };
    }, 250),
  ];
}

function pushMarket(client: Client, venue: Venue): void {
  const now = Date.now();
  client.pushBooks(now);
  for (const channel of client.channels) {
    const [topic, name = ''] = channel.split('.');
    if (topic === 'ticker') client.notify(channel, venue.market.ticker(name, now));
    const instrument = venue.market.byName.get(name);
    if (topic === 'trades' && instrument && venue.random.next() < 0.12) {
      const trade = mockTrade(venue.market, instrument, venue.random, now);
      if (trade) client.notify(channel, [trade]);
    }
  }
}

function pushChains(client: Client, venue: Venue): void {
  for (const channel of client.channels) {
    const [, topic, currency = '', expiry] = channel.split('.');
    if (topic === 'chain') client.notify(channel, venue.market.chain(currency, Number(expiry), Date.now()));
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

function serveFile(request: IncomingMessage, response: ServerResponse): void {
  const asked = new URL(request.url ?? '/', 'http://mock').pathname;
  const path = join(DIST, normalize(asked === '/' ? '/index.html' : asked));
  if (!path.startsWith(DIST) || !existsSync(path) || !statSync(path).isFile()) {
    response.writeHead(404).end('not found');
    return;
  }
  response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
  createReadStream(path).pipe(response);
}
