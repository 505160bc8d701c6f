// The verifier of receipts against bytes of a real network, and against changes of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Link } from '../../src/protocol/link';
import type { ReceiptProofReply } from '../../src/protocol/private';
import { ReceiptsState } from '../../src/state/receipts.svelte';
import { VerifyState } from '../../src/state/verify.svelte';
import { concat, u64 } from '../../src/verify/bytes';
import { readCommittee, type CommitteeText } from '../../src/verify/certificate';
import { verifyReceipt } from '../../src/verify/receipt';
import { committee as mockCommittee, intentOf, receiptProof } from '../mock/proof';
import { forgeries } from './forgeries';

interface Recorded {
  committee: CommitteeText;
  reply: ReceiptProofReply;
  order: string;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'receipt-proof.json'), 'utf8'),
) as Recorded;
const committee = readCommittee(recorded.committee);
const mocked = readCommittee(mockCommittee);

describe('a receipt of a real network', () => {
  it('is proved with the committee it was signed by', () => {
    expect(verifyReceipt(recorded.reply, committee)).toMatchObject({
      outcomes: [`placed as order ${recorded.order}`],
      actions: 1,
      commit: BigInt(recorded.reply.commit),
      signed: { stake: 3n, quorum: 3n, total: 4n },
    });
  });

  it('is not proved when any part of the proof is changed', () => {
    const parts = ['intent', 'receipt', 'receipt_proof', 'leaf', 'proof', 'certificate'] as const;
    for (const part of parts) {
      for (const [how, forged] of forgeries(recorded.reply, part, part === 'certificate' ? 97 : 31)) {
        expect(typeof verifyReceipt(forged, committee), how).toBe('string');
      }
    }
    const elsewhere = { ...recorded.reply, commit: recorded.reply.commit + 1 };
    expect(verifyReceipt(elsewhere, committee)).toMatch(/absent/);
    expect(verifyReceipt(recorded.reply, mocked)).toMatch(/does not hold/);
  });
});

describe('outcomes', () => {
  const intent = intentOf('1');
  const verdict = (...outcomes: Uint8Array[]) => verifyReceipt(receiptProof(intent, 9n, outcomes), mocked);
  const bytes = (...parts: number[]) => Uint8Array.of(...parts);

  it('are told one by one, up to the first that was rejected', () => {
    const retry = concat(bytes(3), u64(5n), u64(0n), bytes(1, 4));
    const quote = concat(bytes(4, 1), u64(6n), bytes(0));
    const all = [bytes(0), concat(bytes(1), u64(4n)), retry, quote, concat(bytes(5), u64(1n))];
    expect(verdict(...all, concat(bytes(7), bytes(0, 0, 1, 2), bytes(1)))).toMatchObject({
      outcomes: [
        'done',
        'placed as order 4',
        'a retry of order 5',
        'quoted: bid 6, no ask',
        'withdrawal 1',
        'combo 258',
      ],
      actions: 6,
    });
    expect(verdict(bytes(0), bytes(2, 9, 9), bytes(0))).toMatchObject({
      outcomes: ['done', 'rejected'],
      actions: 3,
    });
  });

  it('that cannot be read are not made up', () => {
    expect(verdict(bytes(99))).toMatch(/cannot be read/);
    expect(verdict(bytes(0, 0))).toMatch(/cannot be read/);
    expect(verdict(bytes(1, 0))).toMatch(/cannot be read/);
  });
});

describe('intents', () => {
  const link = (answers: Record<string, unknown>): Link =>
    ({ request: (method: string) => Promise.resolve(answers[method]) }) as unknown as Link;

  it('go forward, the latest first, and their receipts are checked when asked', async () => {
    const intent = intentOf('7');
    const answers = {
      'public/clockless/get_committee': mockCommittee,
      'private/clockless/get_receipt_proof': receiptProof(intent, 9n),
    };
    const receipts = new ReceiptsState(link(answers), new VerifyState(link(answers)));
    for (let at = 0; at < 8; at += 1) receipts.take({ intent: intentOf(`${at}`), state: 'accepted' });
    receipts.take({ intent, state: 'certified', commit: 9 });
    receipts.take({ intent, state: 'final', commit: 9 });
    expect(receipts.intents).toHaveLength(6);
    expect(receipts.intents[0]).toMatchObject({ intent, stage: 'certified', commit: 9 });
    await receipts.check(intent);
    expect(receipts.intents[0]?.check).toMatchObject({ phase: 'done', verdict: { outcomes: ['done'] } });
    const other = receipts.intents[1]?.intent ?? '';
    await receipts.check(other);
    expect(receipts.intents[1]?.check).toEqual({ phase: 'done', verdict: 'It is of another intent.' });
  });
});
