// The check of one's own balance against a certified root, done here and not at the gateway.
//
// Invariant: a verdict names the committee it rests on and where that came from. A committee other
// than the one this browser saw first is said, never silently accepted.
// Left out on purpose: the cryptography; src/verify is loaded when it is first asked for.
import type { Link } from '../protocol/link';
import type { Committee, CommitteeText } from '../verify/certificate';
import type { Verdict } from '../verify/balance';
import { failureOf } from './loading';

export type Source = 'gateway' | 'file';
export type Familiarity = 'first' | 'same' | 'changed';

export interface Checked {
  verdict: Verdict | string;
  fingerprint: string;
  source: Source;
  familiarity: Familiarity;
  /** What the gateway says the balance is, in USDC; for comparison only. */
  told: number | null;
}

export type Verification =
  | { phase: 'idle' }
  | { phase: 'checking' }
  | { phase: 'failed'; reason: string }
  | { phase: 'done'; checked: Checked };

const SEEN = 'clockless.committee';

export class VerifyState {
  verification = $state.raw<Verification>({ phase: 'idle' });
  /** The committee of a genesis file that the visitor opened: it owes the gateway nothing. */
  own = $state.raw<CommitteeText | null>(null);

  constructor(private readonly link: Link) {}

  async run(): Promise<void> {
    if (this.verification.phase === 'checking') return;
    this.verification = { phase: 'checking' };
    try {
      const [{ verifyBalance, fingerprintOf }, { committee, source }] = await Promise.all([
        import('../verify/balance'),
        this.committee(),
      ]);
      const reply = await this.link.request('private/clockless/get_balance_proof', {});
      const summary = await this.link.request('private/get_account_summary', {
        currency: 'USDC',
        extended: false,
      });
      const fingerprint = fingerprintOf(committee);
      const checked = {
        verdict: verifyBalance(reply, committee),
        fingerprint,
        source,
        familiarity: familiarityOf(fingerprint),
        told: summary.balance,
      };
      this.verification = { phase: 'done', checked };
    } catch (failure) {
      this.verification = { phase: 'failed', reason: reasonOf(failure) };
    }
  }

  /** Whose signatures count, and who says so. */
  async committee(): Promise<{ committee: Committee; source: Source }> {
    const { readCommittee } = await import('../verify/certificate');
    const text = this.own ?? (await this.link.request('public/clockless/get_committee', {}));
    return { committee: readCommittee(text), source: this.own ? 'file' : 'gateway' };
  }

  /** Takes the committee from a genesis file's text. */
  useGenesis(text: string): void {
    const committee = readGenesis(text);
    if (committee === null) {
      this.verification = { phase: 'failed', reason: 'the file is no genesis: it names no validators' };
      return;
    }
    this.own = committee;
    void this.run();
  }
}

/** The committee that a genesis file names; null when it names none. */
export function readGenesis(text: string): CommitteeText | null {
  let genesis: unknown;
  try {
    genesis = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof genesis !== 'object' || genesis === null || !('validators' in genesis)) return null;
  const { validators } = genesis;
  const epoch = 'epoch' in genesis && typeof genesis.epoch === 'number' ? genesis.epoch : null;
  if (!Array.isArray(validators) || validators.length === 0 || epoch === null) return null;
  const isWhole = (it: unknown): it is { name: string; key: string; stake: number } => {
    const one = it as { name?: unknown; key?: unknown; stake?: unknown } | null;
    return typeof one?.name === 'string' && typeof one.key === 'string' && typeof one.stake === 'number';
  };
  return validators.every(isWhole)
    ? { epoch, members: validators.map(({ name, key, stake }) => ({ name, key, stake })) }
    : null;
}

function familiarityOf(fingerprint: string): Familiarity {
  try {
    const seen = localStorage.getItem(SEEN);
    if (seen === null) localStorage.setItem(SEEN, fingerprint);
    return seen === null ? 'first' : seen === fingerprint ? 'same' : 'changed';
  } catch {
    return 'first';
  }
}

export function reasonOf(failure: unknown): string {
  if (failure instanceof Error && failure.name === 'Error' && !('reason' in failure)) return failure.message;
  const failed = failureOf(failure);
  return failed?.status === 'failed' ? failed.reason : 'the connection was lost';
}
