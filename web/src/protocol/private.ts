// Every message that needs a login, in the venue's words.
//
// Invariant: as in messages.ts, names and units are those on the wire.
// Left out on purpose: methods that move money; the gateway's keys cannot.

export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
  scope: string;
}

export interface AccountSummary {
  currency: string;
  balance: number;
  equity: number;
  available_funds: number;
  initial_margin: number;
  maintenance_margin: number;
  session_upl: number;
  session_rpl: number;
  total_pl: number;
  delta_total: number;
  options_gamma: number;
  options_vega: number;
  options_theta: number;
}

export interface Position {
  instrument_name: string;
  kind: 'option' | 'future' | 'exotic';
  direction: 'buy' | 'sell' | 'zero';
  size: number;
  average_price: number;
  mark_price: number;
  index_price: number;
  floating_profit_loss: number;
  realized_profit_loss: number;
  initial_margin: number;
  maintenance_margin: number;
  delta: number;
  gamma?: number;
  vega?: number;
  theta?: number;
}

export type TimeInForce = 'good_til_cancelled' | 'good_til_day' | 'immediate_or_cancel' | 'fill_or_kill';

export interface Order {
  order_id: string;
  instrument_name: string;
  direction: 'buy' | 'sell';
  order_type: string;
  order_state: 'open' | 'filled' | 'rejected' | 'cancelled' | 'untriggered';
  time_in_force: TimeInForce;
  amount: number;
  filled_amount: number;
  price: number | 'market_price';
  average_price: number;
  post_only: boolean;
  reduce_only: boolean;
  label: string;
  creation_timestamp: number;
  last_update_timestamp: number;
  advanced?: 'usd' | 'implv';
  implv?: number;
  trigger_price?: number;
}

export interface UserTrade {
  trade_id: string;
  trade_seq: number;
  timestamp: number;
  instrument_name: string;
  direction: 'buy' | 'sell';
  price: number;
  amount: number;
  fee: number;
  liquidity: 'M' | 'T';
  order_id: string;
  iv?: number | null;
}

export interface OrderParams {
  instrument_name: string;
  amount: number;
  type: 'limit' | 'market';
  label: string;
  price?: number;
  time_in_force?: TimeInForce;
  post_only?: boolean;
  reduce_only?: boolean;
  advanced?: 'usd' | 'implv';
}

export interface Placed {
  order: Order;
  trades: UserTrade[];
  /** The commit that ordered it. */
  commit?: number;
}

/** Initial margin that an order would add, by side, and the prices that are accepted. */
export interface MarginQuote {
  buy: number;
  sell: number;
  min_price: number | null;
  max_price: number | null;
}

/** Bytes in hex: see src/verify. */
export interface BalanceProofReply {
  owner: string;
  subaccount: number;
  leaf: string;
  proof: string;
  certificate: string;
}

/** Bytes in hex: see src/verify/receipt. */
export interface ReceiptProofReply {
  intent: string;
  /** The commit that executed the intent. */
  commit: number;
  receipt: string;
  receipt_proof: string;
  leaf: string;
  proof: string;
  certificate: string;
}

/** How far an intent is. */
export interface IntentStage {
  intent: string;
  state: 'accepted' | 'final' | 'certified';
  commit?: number;
}

export type Direction = 'buy' | 'sell';

export interface RfqLeg {
  instrument_name: string;
  direction: Direction;
  ratio: number;
}

/** A maker's open quote on one side of a structure. */
export interface RfqLevel {
  makers: string[];
  /** What the structure's buyer pays for one. */
  price: number;
  amount: number;
  last_update_timestamp: number;
}

/** A request for quotes, as the taker or an asked maker sees it. */
export interface BlockRfq {
  block_rfq_id: number;
  creation_timestamp: number;
  expiration_timestamp: number;
  role: 'taker' | 'maker';
  state: 'open' | 'filled' | 'cancelled' | 'expired';
  amount: number;
  min_trade_amount: number;
  legs: RfqLeg[];
  bids: RfqLevel[];
  asks: RfqLevel[];
  taker?: string;
  trades?: { direction: Direction; price: number; amount: number; maker?: string }[];
}

export interface BlockRfqQuote {
  block_rfq_id: number;
  block_rfq_quote_id: number;
  quote_state: string;
  price: number;
  amount: number;
  direction: Direction;
}

/** What the account would have after some of its intents. */
export interface EnvelopePoint {
  equity: number;
  initial_margin: number;
  maintenance_margin: number;
  available_funds: number;
}

/** The ends of what its intents that are not ordered yet can still make of an account. */
export interface MarginEnvelope {
  pending: number;
  is_exact: boolean;
  best: EnvelopePoint;
  worst: EnvelopePoint;
}

export interface PrivateMethods {
  'public/auth': {
    params:
      | { grant_type: 'client_credentials'; client_id: string; client_secret: string; scope: string }
      | { grant_type: 'refresh_token'; refresh_token: string };
    result: Tokens;
  };
  'private/subscribe': { params: { channels: string[] }; result: string[] };
  'private/logout': { params: { invalidate_token: boolean }; result: unknown };
  'private/get_account_summary': { params: { currency: string; extended: boolean }; result: AccountSummary };
  'private/get_positions': { params: { currency: string }; result: Position[] };
  'private/get_open_orders': { params: Record<string, never>; result: Order[] };
  'private/get_user_trades_by_currency': {
    params: { currency: string; count: number };
    result: { trades: UserTrade[]; has_more: boolean };
  };
  'private/get_margins': {
    params: { instrument_name: string; amount: number; price: number };
    result: MarginQuote;
  };
  'private/buy': { params: OrderParams; result: Placed };
  'private/sell': { params: OrderParams; result: Placed };
  'private/cancel': { params: { order_id: string }; result: Order };
  'private/cancel_all': { params: Record<string, never>; result: number };
  'private/close_position': { params: { instrument_name: string; type: 'market' }; result: Placed };
  'private/clockless/get_margin_envelope': { params: Record<string, never>; result: MarginEnvelope };
  'private/clockless/exercise': {
    params: { instrument_name: string; amount: number };
    result: { balance: number; size: number };
  };
  'private/clockless/faucet': { params: { amount: number }; result: { amount: number; balance: number } };
  'private/get_block_rfqs': {
    params: { count: number };
    result: { block_rfqs: BlockRfq[]; continuation: string | null };
  };
  'private/create_block_rfq': {
    params: {
      legs: { instrument_name: string; amount: number; direction: Direction }[];
      disclosed: boolean;
    };
    result: BlockRfq;
  };
  'private/cancel_block_rfq': { params: { block_rfq_id: number }; result: BlockRfq };
  'private/accept_block_rfq': {
    params: {
      block_rfq_id: number;
      price: number;
      amount: number;
      direction: Direction;
      time_in_force: 'fill_or_kill';
    };
    result: { block_trades: { id: string; trades: UserTrade[] }[] };
  };
  'private/add_block_rfq_quote': {
    params: {
      block_rfq_id: number;
      direction: Direction;
      amount: number;
      label: string;
      legs: (RfqLeg & { price: number })[];
    };
    result: BlockRfqQuote;
  };
  'private/cancel_block_rfq_quote': {
    params: { block_rfq_id: number; label: string };
    result: BlockRfqQuote;
  };
  'private/clockless/get_balance_proof': { params: Record<string, never>; result: BalanceProofReply };
  'private/clockless/get_receipt_proof': { params: { intent: string }; result: ReceiptProofReply };
}
