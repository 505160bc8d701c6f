// The link keeps its subscriptions through reconnects and settles each request exactly once.
import { describe, expect, it } from 'vitest';
import { delayBefore, FIRST_DELAY_MS, LONGEST_DELAY_MS } from '../../src/protocol/backoff';
import { Link, REQUEST_TIMEOUT_MS, RequestFailure, SILENCE_MS, type Socket } from '../../src/protocol/link';
import { parseFrame } from '../../src/protocol/messages';

interface Sent {
  id: number;
  method: string;
  params: { channels?: string[] };
}

/** A socket whose other end is the test. */
class Line implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Sent[] = [];
  closed = 0;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Sent);
  }

  close(): void {
    this.closed += 1;
  }

  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', ...frame }) });
  }

  /** Answers the newest request of this method. */
  answer(method: string, body: { result: unknown } | { error: { code: number; message: string } }): void {
    const request = this.sent.findLast((one) => one.method === method);
    this.say({ id: request?.id, ...body });
  }
}

/** Time that moves only when told. */
class World {
  readonly lines: Line[] = [];
  #now = 0;
  #timers = new Map<number, { at: number; run: () => void }>();
  #next = 1;

  readonly link = new Link('ws://gateway/ws/api/v2', {
    open: () => {
      const line = new Line();
      this.lines.push(line);
      return line;
    },
    now: () => this.#now,
    random: () => 0.5,
    after: (delay, run) => {
      const id = this.#next++;
      this.#timers.set(id, { at: this.#now + delay, run });
      return () => this.#timers.delete(id);
    },
  });

  get line(): Line {
    const last = this.lines.at(-1);
    if (!last) throw new Error('no connection was opened');
    return last;
  }

  open(): void {
    this.link.connect();
    this.line.onopen?.();
  }

  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.at <= until)
        .sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = due[1].at;
      due[1].run();
      await settle();
    }
    this.#now = until;
  }
}

/** Lets promises and microtasks run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('back-off', () => {
  it('doubles up to the longest delay and keeps half of it random', () => {
    expect(delayBefore(1, 0)).toBe(FIRST_DELAY_MS / 2);
    expect(delayBefore(1, 1)).toBe(FIRST_DELAY_MS);
    expect(delayBefore(2, 1)).toBe(FIRST_DELAY_MS * 2);
    expect(delayBefore(99, 0)).toBe(LONGEST_DELAY_MS / 2);
    expect(delayBefore(99, 1)).toBe(LONGEST_DELAY_MS);
  });
});

describe('frames', () => {
  it.each([
    '',
    '{',
    '[]',
    'null',
    '3',
    '{"id":"x"}',
    '{"method":"heartbeat","params":{}}',
    '{"method":"subscription","params":{"channel":3}}',
  ])('of no use are ignored: %s', (text) => expect(parseFrame(text)).toBeNull());
});

describe('requests', () => {
  it('get the result that carries their id', async () => {
    const world = new World();
    world.open();
    const first = world.link.request('public/test', {});
    const second = world.link.request('public/get_instruments', { currency: 'any' });
    world.line.answer('public/get_instruments', { result: [] });
    world.line.answer('public/test', { result: 'fine' });
    expect(await first).toBe('fine');
    expect(await second).toEqual([]);
  });

  it('are refused with the code of the gateway', async () => {
    const world = new World();
    world.open();
    const request = world.link.request('public/ticker', { instrument_name: 'nothing' });
    world.line.answer('public/ticker', {
      error: { code: 10020, message: 'invalid_or_unsupported_instrument' },
    });
    await expect(request).rejects.toMatchObject({ reason: 'refused', code: 10020 });
  });

  it('time out', async () => {
    const world = new World();
    world.open();
    const outcome = world.link
      .request('public/ticker', { instrument_name: 'X' })
      .catch((failure: unknown) => failure);
    await world.pass(REQUEST_TIMEOUT_MS);
    expect(await outcome).toMatchObject({ reason: 'timeout' });
  });

  it('fail when the connection is lost, and while there is none', async () => {
    const world = new World();
    world.open();
    const outcome = world.link.request('public/test', {}).catch((failure: unknown) => failure);
    world.line.onclose?.();
    expect(await outcome).toBeInstanceOf(RequestFailure);
    await expect(world.link.request('public/test', {})).rejects.toMatchObject({ reason: 'disconnected' });
  });
});

describe('subscriptions', () => {
  it('made together are asked for together', async () => {
    const world = new World();
    world.open();
    world.link.subscribe('clockless.network', () => {});
    world.link.subscribe('clockless.dag', () => {});
    await settle();
    expect(world.line.sent).toMatchObject([
      { method: 'public/subscribe', params: { channels: ['clockless.network', 'clockless.dag'] } },
    ]);
  });

  it('come back after a reconnect', async () => {
    const world = new World();
    const heard: unknown[] = [];
    world.link.subscribe('clockless.dag', (update) => heard.push(update));
    world.open();
    world.line.onclose?.();
    expect(world.link.state).toMatchObject({ phase: 'waiting', attempt: 1 });
    await world.pass(FIRST_DELAY_MS);
    expect(world.lines).toHaveLength(2);
    world.line.onopen?.();
    await settle();
    expect(world.line.sent).toMatchObject([
      { method: 'public/subscribe', params: { channels: ['clockless.dag'] } },
    ]);
    world.line.say({ method: 'subscription', params: { channel: 'clockless.dag', data: 7 } });
    expect(heard).toEqual([7]);
  });

  it('end when nobody listens, and a quick return costs nothing', async () => {
    const world = new World();
    world.open();
    const stop = world.link.subscribe('book.X.100ms', () => {});
    await settle();
    stop();
    const stopAgain = world.link.subscribe('book.X.100ms', () => {});
    await settle();
    expect(world.line.sent).toHaveLength(1);
    stopAgain();
    await settle();
    expect(world.line.sent[1]).toMatchObject({
      method: 'public/unsubscribe',
      params: { channels: ['book.X.100ms'] },
    });
  });

  it('that the gateway leaves out are reported as refused', async () => {
    const world = new World();
    world.open();
    let refused = 0;
    world.link.subscribe(
      'book.X.100ms',
      () => {},
      () => (refused += 1),
    );
    world.link.subscribe(
      'clockless.dag',
      () => {},
      () => (refused += 10),
    );
    await settle();
    world.line.answer('public/subscribe', { result: ['clockless.dag'] });
    await settle();
    expect(refused).toBe(1);
  });

  it('start over with an unsubscribe and a subscribe', async () => {
    const world = new World();
    world.open();
    world.link.subscribe('book.X.100ms', () => {});
    await settle();
    world.link.restart('book.X.100ms');
    await settle();
    expect(world.line.sent.map((one) => one.method)).toEqual([
      'public/subscribe',
      'public/unsubscribe',
      'public/subscribe',
    ]);
  });
});

describe('silence', () => {
  it('of a peer that answers is no reason to reconnect', async () => {
    const world = new World();
    world.open();
    await world.pass(SILENCE_MS);
    world.line.answer('public/test', { error: { code: -32601, message: 'Method not found' } });
    await world.pass(REQUEST_TIMEOUT_MS / 2);
    expect(world.link.state.phase).toBe('open');
  });

  it('of a peer that is gone ends the connection', async () => {
    const world = new World();
    world.open();
    const line = world.line;
    await world.pass(SILENCE_MS + REQUEST_TIMEOUT_MS);
    expect(line.closed).toBe(1);
    expect(world.link.state.phase).toBe('waiting');
  });
});
