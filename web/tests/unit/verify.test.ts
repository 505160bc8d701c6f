// The verifier against bytes of a real network, and against every single change of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BalanceProofReply } from '../../src/protocol/private';
import { readGenesis } from '../../src/state/verify.svelte';
import { verifyBalance, fingerprintOf } from '../../src/verify/balance';
import { fromHex, Malformed, Reader, toHex } from '../../src/verify/bytes';
import { readCommittee, type CommitteeText } from '../../src/verify/certificate';
import { balanceProof, committee as mockCommittee } from '../mock/proof';
import { forgeries } from './forgeries';

interface Recorded {
  committee: CommitteeText;
  reply: BalanceProofReply;
  balance_micros: string;
  commit: number;
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'balance-proof.json'), 'utf8'),
) as Recorded;
const committee = readCommittee(recorded.committee);

describe('a balance of a real network', () => {
  it('is proved with the committee it was signed by', () => {
    const verdict = verifyBalance(recorded.reply, committee);
    expect(verdict).toMatchObject({
      balanceMicros: BigInt(recorded.balance_micros),
      commit: BigInt(recorded.commit),
      signed: { stake: 3n, quorum: 3n, total: 4n },
    });
  });

  it('is not proved when any part of the proof is changed', () => {
    for (const part of ['leaf', 'proof', 'certificate', 'owner'] as const) {
      for (const [how, forged] of forgeries(recorded.reply, part, part === 'certificate' ? 97 : 61)) {
        expect(typeof verifyBalance(forged, committee), how).toBe('string');
      }
    }
  });

  it('is of one subaccount alone', () => {
    expect(verifyBalance({ ...recorded.reply, subaccount: 1 }, committee)).toMatch(/absent/);
  });

  it('needs a quorum of the stake of its own committee and epoch', () => {
    const members = recorded.committee.members.map((it) => ({ ...it, stake: 1 }));
    // The one who did not sign holds most of the stake.
    const signed = verifyBalance(recorded.reply, committee);
    const signers = typeof signed === 'string' ? [] : signed.signed.signers;
    const heavy = members.map((it) => (signers.includes(it.name) ? it : { ...it, stake: 9 }));
    const weighed = verifyBalance(recorded.reply, readCommittee({ ...recorded.committee, members: heavy }));
    expect(weighed).toMatch(/stake 3 signed, 9 is needed/);
    const later = readCommittee({ ...recorded.committee, epoch: recorded.committee.epoch + 1 });
    expect(verifyBalance(recorded.reply, later)).toMatch(/epoch/);
    const swapped = readCommittee({
      ...recorded.committee,
      members: recorded.committee.members.toReversed(),
    });
    expect(verifyBalance(recorded.reply, swapped)).toMatch(/signature/);
    expect(verifyBalance(recorded.reply, readCommittee(mockCommittee))).toMatch(/does not hold/);
  });

  it('committees have names of their own', () => {
    expect(fingerprintOf(committee)).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprintOf(committee)).not.toBe(fingerprintOf(readCommittee(mockCommittee)));
  });
});

describe('the mock', () => {
  it('proves what it signs, and a balance below zero too', () => {
    const mocked = readCommittee(mockCommittee);
    for (const micros of [0n, 1n, -5_000_000n, 2n ** 62n]) {
      expect(verifyBalance(balanceProof(micros, 7n), mocked)).toMatchObject({
        balanceMicros: micros,
        commit: 7n,
      });
    }
  });
});

describe('a genesis file', () => {
  const validators = [{ name: 'a', key: '00', stake: 1 }];
  it('names the committee, or is none', () => {
    expect(readGenesis(JSON.stringify({ epoch: 2, validators, other: 1 }))).toEqual({
      epoch: 2,
      members: validators,
    });
    for (const text of [
      '',
      '{}',
      '[]',
      '{"epoch":1,"validators":[]}',
      '{"epoch":1,"validators":[{"name":"a"}]}',
    ]) {
      expect(readGenesis(text), text).toBeNull();
    }
  });
});

describe('bytes', () => {
  it('are read to their end and not beyond, in their shortest form only', () => {
    expect(toHex(fromHex('00ff10'))).toBe('00ff10');
    expect(() => fromHex('0')).toThrow(Malformed);
    expect(() => fromHex('zz')).toThrow(Malformed);
    expect(new Reader(fromHex('ac02')).length(300)).toBe(300);
    expect(() => new Reader(fromHex('ac02')).length(299)).toThrow(Malformed);
    expect(() => new Reader(fromHex('8000')).length(9)).toThrow(Malformed);
    expect(() => new Reader(fromHex('ffffffffff01')).length(2 ** 31)).toThrow(Malformed);
    expect(() => new Reader(fromHex('02')).flag()).toThrow(Malformed);
    expect(() => new Reader(fromHex('0102')).u64()).toThrow(Malformed);
    expect(() => new Reader(fromHex('01')).finish()).toThrow(Malformed);
  });
});
