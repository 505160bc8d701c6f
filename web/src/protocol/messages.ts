// Every public message the page sends or reads: Deribit JSON-RPC v2 plus the `clockless` additions.
//
// Invariant: field names and units are those on the wire (snake case, milliseconds, percent for
// volatility, base currency for amounts), so a shape here can be compared with a captured frame.
// Left out on purpose: fields the page does not read. What needs a login stands in private.ts.
import type { Exotic } from '../portfolio/exotics';
import type { AccountSummary, BlockRfq, IntentStage, Order, PrivateMethods, UserTrade } from './private';

export type { AccountSummary, Order, OrderParams, Placed, Position, TimeInForce, UserTrade } from './private';

export type Kind = 'option' | 'future' | 'spot' | 'option_combo' | 'future_combo' | 'exotic';

export interface TickStep {
  above_price: number;
  tick_size: number;
}

export interface Instrument {
  instrument_name: string;
  kind: Kind;
  base_currency: string;
  option_type?: 'call' | 'put' | null;
  strike?: number | null;
  settlement_period?: string | null;
  expiration_timestamp: number;
  tick_size: number;
  tick_size_steps?: TickStep[] | null;
  min_trade_amount: number;
  price_index?: string;
  taker_commission?: number;
  maker_commission?: number;
  is_active?: boolean;
}

export interface Greeks {
  delta: number | null;
  gamma: number | null;
  vega: number | null;
  theta: number | null;
  rho?: number | null;
}

export interface TickerStats {
  high: number | null;
  low: number | null;
  price_change?: number | null;
  volume: number | null;
  volume_usd?: number | null;
}

export interface Ticker {
  timestamp: number;
  instrument_name: string;
  state?: string;
  stats?: TickerStats;
  last_price: number | null;
  best_bid_price: number | null;
  best_bid_amount: number | null;
  best_ask_price: number | null;
  best_ask_amount: number | null;
  mark_price: number | null;
  index_price: number | null;
  underlying_price?: number | null;
  open_interest: number | null;
  funding_8h?: number | null;
  current_funding?: number | null;
  mark_iv?: number | null;
  bid_iv?: number | null;
  ask_iv?: number | null;
  greeks?: Greeks | null;
}

export interface BookSummary {
  instrument_name: string;
  base_currency: string;
  mark_price: number | null;
  mark_iv?: number | null;
  underlying_price?: number | null;
  open_interest: number | null;
}

export type BookAction = 'new' | 'change' | 'delete';
export type BookDelta = [action: BookAction, price: number, amount: number];

export interface BookUpdate {
  type: 'snapshot' | 'change';
  timestamp: number;
  instrument_name: string;
  change_id: number;
  prev_change_id?: number | null;
  bids: BookDelta[];
  asks: BookDelta[];
}

export interface Trade {
  trade_id: string;
  trade_seq: number;
  timestamp: number;
  instrument_name: string;
  price: number;
  amount: number;
  direction: 'buy' | 'sell';
  iv?: number | null;
}

export interface ChainQuote extends Greeks {
  instrument_name: string;
  bid: number | null;
  bid_amount: number | null;
  ask: number | null;
  ask_amount: number | null;
  mark: number | null;
  bid_iv: number | null;
  ask_iv: number | null;
  mark_iv: number | null;
  open_interest: number | null;
}

export interface ChainRow {
  strike: number;
  call: ChainQuote | null;
  put: ChainQuote | null;
}

export interface Chain {
  timestamp: number;
  expiry_timestamp: number;
  index_price: number | null;
  forward: number | null;
  rows: ChainRow[];
}

export interface ValidatorStatus {
  index: number;
  name: string;
  round: number;
  lag_ms: number | null;
  alive: boolean;
}

export interface NetworkStatus {
  validators: ValidatorStatus[];
  round: number;
  commit_index: number;
  certified_commit: number | null;
  root: string | null;
  commits_per_s: number | null;
  orders_per_s: number | null;
  trades_per_s: number | null;
  finality_ms: { p50: number | null; p99: number | null } | null;
  /** What `finality_ms` is of: orders through this gateway, or, before there were any, the age of commits. */
  finality_of?: 'orders' | 'commits';
  instruments: number | null;
  intents: number | null;
  /** What the faucet gives at once, in USDC; nothing where there is none. */
  faucet_max?: number;
}

/** A block's place in the DAG: its round and its author's index. */
export type BlockPlace = [round: number, author: number];

export interface DagBlock {
  round: number;
  author: number;
  digest: string;
  parents: BlockPlace[];
  transactions: number;
}

export interface DagCommit {
  index: number;
  leader: BlockPlace;
  blocks: BlockPlace[];
  /** The beginning of the coin that chose the leader, in hex. */
  coin?: string;
}

export interface DagUpdate {
  blocks: DagBlock[];
  commits: DagCommit[];
}

/** Parallel lists, one place a candle. */
export interface ChartData {
  status: 'ok' | 'no_data';
  ticks: number[];
  open: number[];
  high: number[];
  low: number[];
  close: number[];
  volume: number[];
}

export interface ChartCandle {
  tick: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Who signs roots: what a verifier must know, and nothing else. */
export interface CommitteeReport {
  epoch: number;
  members: { name: string; key: string; stake: number }[];
}

/** Every public method the page calls, with what it sends and what it gets. */
export interface PublicMethods {
  'public/test': { params: Record<string, never>; result: unknown };
  'public/subscribe': { params: { channels: string[] }; result: string[] };
  'public/unsubscribe': { params: { channels: string[] }; result: string[] };
  'public/get_instruments': { params: { currency: string; kind?: Kind }; result: Instrument[] };
  'public/get_book_summary_by_currency': {
    params: { currency: string; kind?: Kind };
    result: BookSummary[];
  };
  'public/ticker': { params: { instrument_name: string }; result: Ticker };
  'public/get_last_trades_by_instrument': {
    params: { instrument_name: string; count: number; include_old: boolean };
    result: { trades: Trade[]; has_more: boolean };
  };
  'public/clockless/get_chain': {
    params: { currency: string; expiry_timestamp: number };
    result: Chain;
  };
  'public/get_tradingview_chart_data': {
    params: { instrument_name: string; start_timestamp: number; end_timestamp: number; resolution: string };
    result: ChartData;
  };
  'public/clockless/get_exotic': { params: { instrument_name: string }; result: Exotic };
  'public/clockless/get_committee': { params: Record<string, never>; result: CommitteeReport };
}

export type Methods = PublicMethods & PrivateMethods;
export type Method = keyof Methods;

export type Channel =
  | `ticker.${string}.100ms`
  | `book.${string}.100ms`
  | `trades.${string}.100ms`
  | `chart.trades.${string}.${string}`
  | 'user.orders.any.any.100ms'
  | 'user.trades.any.any.100ms'
  | 'user.portfolio.usdc'
  | 'user.clockless.intents'
  | 'block_rfq.taker.any'
  | 'block_rfq.maker.any'
  | `clockless.chain.${string}.${number}`
  | 'clockless.network'
  | 'clockless.dag';

/** What a channel carries, by its name. */
export type ChannelData<C extends Channel> = C extends 'clockless.network'
  ? NetworkStatus
  : C extends 'clockless.dag'
    ? DagUpdate
    : C extends `clockless.chain.${string}`
      ? Chain
      : C extends `ticker.${string}`
        ? Ticker
        : C extends `book.${string}`
          ? BookUpdate
          : C extends `trades.${string}`
            ? Trade[]
            : C extends `chart.${string}`
              ? ChartCandle
              : C extends `user.orders.${string}`
                ? Order[]
                : C extends `user.trades.${string}`
                  ? UserTrade[]
                  : C extends 'user.portfolio.usdc'
                    ? AccountSummary
                    : C extends 'user.clockless.intents'
                      ? IntentStage
                      : C extends `block_rfq.${string}`
                        ? BlockRfq
                        : never;

export interface RpcError {
  code: number;
  message: string;
}

export interface Reply {
  id: number;
  result?: unknown;
  error?: RpcError;
}

export interface Notification {
  method: 'subscription';
  params: { channel: string; data: unknown };
}

export type Incoming = Reply | Notification | null;

/** Reads one text frame; null for anything the page has no use for (heartbeats, broken JSON). */
export function parseFrame(text: string): Incoming {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof frame !== 'object' || frame === null) return null;
  if ('method' in frame) return isNotification(frame) ? frame : null;
  if ('id' in frame && typeof frame.id === 'number') return frame as Reply;
  return null;
}

function isNotification(frame: object): frame is Notification {
  if (!('method' in frame) || frame.method !== 'subscription' || !('params' in frame)) return false;
  const params = frame.params;
  return (
    typeof params === 'object' &&
    params !== null &&
    'channel' in params &&
    typeof params.channel === 'string' &&
    'data' in params
  );
}
