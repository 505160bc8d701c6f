// The signed-in account's latest intents: how far each is, and what its receipt proves.
//
// Invariant: an intent never goes back to an earlier stage. A verdict is of the bytes that were checked here.
import type { Link } from '../protocol/link';
import type { IntentStage } from '../protocol/private';
import type { ReceiptVerdict } from '../verify/receipt';
import { reasonOf, type VerifyState } from './verify.svelte';

export type Check =
  | { phase: 'none' }
  | { phase: 'checking' }
  | { phase: 'failed'; reason: string }
  | { phase: 'done'; verdict: ReceiptVerdict | string };

export interface Tracked {
  intent: string;
  stage: IntentStage['state'];
  commit: number | null;
  check: Check;
}

const KEPT = 6;
const STAGES = ['accepted', 'final', 'certified'] as const;

export class ReceiptsState {
  /** The latest first. */
  intents = $state.raw<readonly Tracked[]>([]);

  constructor(
    private readonly link: Link,
    private readonly verify: VerifyState,
  ) {}

  /** Keeps current while somebody is signed in, until the returned function is called. */
  follow(): () => void {
    return this.link.subscribe('user.clockless.intents', (told) => this.take(told));
  }

  forget(): void {
    this.intents = [];
  }

  take(told: IntentStage): void {
    const known = this.intents.find((it) => it.intent === told.intent);
    if (!known) {
      const first = { intent: told.intent, stage: told.state, commit: told.commit ?? null };
      this.intents = [{ ...first, check: { phase: 'none' } as const }, ...this.intents].slice(0, KEPT);
    } else if (STAGES.indexOf(told.state) > STAGES.indexOf(known.stage)) {
      this.#change(told.intent, { stage: told.state, commit: told.commit ?? known.commit });
    }
  }

  /** Asks for the proof of an intent's receipt and checks it here. */
  async check(intent: string): Promise<void> {
    this.#change(intent, { check: { phase: 'checking' } });
    try {
      const [{ verifyReceipt }, { committee }] = await Promise.all([
        import('../verify/receipt'),
        this.verify.committee(),
      ]);
      const reply = await this.link.request('private/clockless/get_receipt_proof', { intent });
      const verdict = reply.intent === intent ? verifyReceipt(reply, committee) : 'It is of another intent.';
      this.#change(intent, { check: { phase: 'done', verdict } });
    } catch (failure) {
      this.#change(intent, { check: { phase: 'failed', reason: reasonOf(failure) } });
    }
  }

  #change(intent: string, part: Partial<Tracked>): void {
    this.intents = this.intents.map((it) => (it.intent === intent ? { ...it, ...part } : it));
  }
}
