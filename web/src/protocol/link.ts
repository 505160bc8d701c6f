// One WebSocket to the gateway: requests with replies, channels that survive reconnects.
//
// Invariant: what callers subscribed to is what the gateway was last asked for; after every
// reconnect the whole set is asked for again. A request settles exactly once: with its result, a
// refusal, a timeout, or the loss of the connection.
// Left out on purpose: who is logged in, and any knowledge of markets.
import { delayBefore } from './backoff';
import {
  parseFrame,
  type Channel,
  type ChannelData,
  type Method,
  type Methods,
  type Reply,
} from './messages';

export const REQUEST_TIMEOUT_MS = 10_000;
/** A connection that stays silent this long is asked for a sign of life. */
export const SILENCE_MS = 4_000;

export type LinkState =
  | { phase: 'connecting'; attempt: number }
  | { phase: 'open' }
  | { phase: 'waiting'; attempt: number; retryAt: number };

export type FailureReason = 'refused' | 'timeout' | 'disconnected';

/** Why a request has no result. `code` is the gateway's when it refused. */
export class RequestFailure extends Error {
  constructor(
    readonly reason: FailureReason,
    message: string,
    readonly code: number | null = null,
  ) {
    super(message);
  }
}

/** The part of WebSocket that the link uses; tests bring their own. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

/** Where time, chance and sockets come from. */
export interface Surroundings {
  open(url: string): Socket;
  now(): number;
  random(): number;
  after(delayMs: number, run: () => void): () => void;
}

interface Pending {
  settle(reply: Reply): void;
  fail(failure: RequestFailure): void;
  stopTimer(): void;
}

type Handler = (data: unknown) => void;
interface Subscriber {
  deliver: Handler;
  refuse: () => void;
}

export class Link {
  #state: LinkState = { phase: 'connecting', attempt: 0 };
  #socket: Socket | null = null;
  #attempt = 0;
  #nextId = 1;
  #pending = new Map<number, Pending>();
  #subscribers = new Map<string, Set<Subscriber>>();
  #asked = new Set<string>();
  #reconcileQueued = false;
  #listeners = new Set<(state: LinkState) => void>();
  #stopTimer: (() => void) | null = null;
  #lastHeard = 0;

  constructor(
    private readonly url: string,
    private readonly around: Surroundings,
  ) {}

  get state(): LinkState {
    return this.#state;
  }

  /** Calls `listener` now and at every change; returns what stops it. */
  watch(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }

  connect(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#become({ phase: 'connecting', attempt: this.#attempt });
    const socket = this.around.open(this.url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
  }

  request<M extends Method>(method: M, params: Methods[M]['params']): Promise<Methods[M]['result']> {
    if (this.#state.phase !== 'open') {
      return Promise.reject(new RequestFailure('disconnected', 'not connected'));
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const stopTimer = this.around.after(REQUEST_TIMEOUT_MS, () => {
        this.#pending.delete(id);
        reject(new RequestFailure('timeout', `no answer to ${method}`));
      });
      this.#pending.set(id, {
        settle: (reply) =>
          reply.error
            ? reject(new RequestFailure('refused', reply.error.message, reply.error.code))
            : resolve(reply.result as Methods[M]['result']),
        fail: reject,
        stopTimer,
      });
      this.#send(id, method, params);
    });
  }

  /**
   * Delivers a channel's data until the returned function is called. `refuse` runs when the
   * gateway does not know the channel. A second subscriber joins mid-stream: it gets no snapshot.
   */
  subscribe<C extends Channel>(
    channel: C,
    deliver: (data: ChannelData<C>) => void,
    refuse: () => void = () => {},
  ): () => void {
    const subscriber: Subscriber = { deliver: deliver as Handler, refuse };
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    subscribers.add(subscriber);
    this.#subscribers.set(channel, subscribers);
    this.#queueReconcile();
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0 && this.#subscribers.get(channel) === subscribers) {
        this.#subscribers.delete(channel);
      }
      this.#queueReconcile();
    };
  }

  /** Asks for a channel again, which makes the gateway start over with a snapshot. */
  restart(channel: Channel): void {
    if (!this.#asked.delete(channel)) return;
    this.#tell('public/unsubscribe', [channel]);
    this.#queueReconcile();
  }

  #opened(): void {
    this.#attempt = 0;
    this.#lastHeard = this.around.now();
    this.#become({ phase: 'open' });
    this.#reconcile();
    this.#watchSilence();
  }

  #received(text: string): void {
    this.#lastHeard = this.around.now();
    const frame = parseFrame(text);
    if (frame === null) return;
    if ('method' in frame) {
      const subscribers = this.#subscribers.get(frame.params.channel);
      subscribers?.forEach((subscriber) => subscriber.deliver(frame.params.data));
      return;
    }
    const pending = this.#pending.get(frame.id);
    if (!pending) return;
    this.#pending.delete(frame.id);
    pending.stopTimer();
    pending.settle(frame);
  }

  #lost(): void {
    this.#stopTimer?.();
    this.#socket = null;
    this.#asked.clear();
    this.#attempt += 1;
    const delay = delayBefore(this.#attempt, this.around.random());
    this.#stopTimer = this.around.after(delay, () => this.connect());
    this.#become({
      phase: 'waiting',
      attempt: this.#attempt,
      retryAt: this.around.now() + delay,
    });
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of pending) {
      request.stopTimer();
      request.fail(new RequestFailure('disconnected', 'the connection was lost'));
    }
  }

  /** A peer that vanished without closing is noticed here: any reply, even a refusal, is life. */
  #watchSilence(): void {
    this.#stopTimer = this.around.after(SILENCE_MS, () => {
      const silent = this.around.now() - this.#lastHeard >= SILENCE_MS;
      if (silent) this.#probe();
      this.#watchSilence();
    });
  }

  #probe(): void {
    const socket = this.#socket;
    this.request('public/test', {}).catch((failure: unknown) => {
      const gone = failure instanceof RequestFailure && failure.reason === 'timeout';
      if (!gone || this.#socket !== socket || socket === null) return;
      socket.onclose = null;
      socket.close();
      this.#lost();
    });
  }

  #queueReconcile(): void {
    if (this.#reconcileQueued) return;
    this.#reconcileQueued = true;
    queueMicrotask(() => {
      this.#reconcileQueued = false;
      this.#reconcile();
    });
  }

  /** Makes what was asked for equal to what is wanted, in at most three messages. */
  #reconcile(): void {
    if (this.#state.phase !== 'open') return;
    const unwanted = [...this.#asked].filter((channel) => !this.#subscribers.has(channel));
    const missing = [...this.#subscribers.keys()].filter((channel) => !this.#asked.has(channel));
    unwanted.forEach((channel) => this.#asked.delete(channel));
    missing.forEach((channel) => this.#asked.add(channel));
    if (unwanted.length > 0) this.#tell('public/unsubscribe', unwanted);
    const own = missing.filter(isOwn);
    const open = missing.filter((channel) => !isOwn(channel));
    if (open.length > 0) void this.#ask('public/subscribe', open);
    if (own.length > 0) void this.#ask('private/subscribe', own);
  }

  async #ask(method: 'public/subscribe' | 'private/subscribe', channels: string[]): Promise<void> {
    try {
      const granted = await this.request(method, { channels });
      const refused = channels.filter((channel) => !granted.includes(channel));
      refused.forEach((channel) => this.#refuse(channel));
    } catch (failure) {
      const lost = failure instanceof RequestFailure && failure.reason === 'disconnected';
      if (!lost) channels.forEach((channel) => this.#refuse(channel));
    }
  }

  #refuse(channel: string): void {
    this.#subscribers.get(channel)?.forEach((subscriber) => subscriber.refuse());
  }

  /** Sends without waiting: nothing depends on the answer. */
  #tell(method: Method, channels: string[]): void {
    if (this.#state.phase === 'open') this.#send(this.#nextId++, method, { channels });
  }

  #send(id: number, method: Method, params: object): void {
    this.#socket?.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  }

  #become(state: LinkState): void {
    this.#state = state;
    this.#listeners.forEach((listener) => listener(state));
  }
}

/** Whether a channel carries an account's own affairs, for which it must be signed in. */
function isOwn(channel: string): boolean {
  return channel.startsWith('user.') || channel.startsWith('block_rfq.');
}
