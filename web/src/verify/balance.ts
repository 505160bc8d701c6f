// A balance that nobody has to be trusted for, checked in the browser.
//
// Invariant: the verdict rests on the committee's keys and the bytes alone; the gateway's own figure
// plays no part in it.
import { blake3 } from '@noble/hashes/blake3.js';
import type { BalanceProofReply } from '../protocol/private';
import { concat, fromHex, Malformed, readI64, toHex } from './bytes';
import { checkCertificate, readCertificate, type Committee, type Signed } from './certificate';
import { faultOf, levelsOf, pathOf } from './tree';

export interface Verdict {
  /** Micros of USDC; null when there is no such account. */
  balanceMicros: bigint | null;
  commit: bigint;
  root: string;
  signed: Signed;
  /** Levels of the tree between the balance and the root. */
  levels: number;
}

/** The proved balance; a text when something does not hold. */
export function verifyBalance(reply: BalanceProofReply, committee: Committee): Verdict | string {
  try {
    const certificate = readCertificate(fromHex(reply.certificate));
    const signed = checkCertificate(certificate, committee);
    if (typeof signed === 'string') return `The certificate does not hold: ${signed}.`;
    const [leaf, proof] = [fromHex(reply.leaf), fromHex(reply.proof)];
    const value = leaf.length === 0 ? null : leaf;
    const fault = faultOf(proof, certificate.root, { path: pathOf(keyOf(reply)), value });
    if (fault !== null) return `The proof does not hold: ${fault}.`;
    if (value !== null && value.length < 8) return 'The leaf cannot be read.';
    return {
      balanceMicros: value === null ? null : readI64(value),
      commit: certificate.commit,
      root: toHex(certificate.root),
      signed,
      levels: levelsOf(proof),
    };
  } catch (failure) {
    if (failure instanceof Malformed) return `The proof cannot be read: ${failure.message}.`;
    throw failure;
  }
}

/** The account's key in the tree: its kind (0), owner and subaccount. */
function keyOf(reply: BalanceProofReply): Uint8Array {
  const owner = fromHex(reply.owner);
  if (owner.length !== 32) throw new Malformed('the owner is no key');
  return concat(Uint8Array.of(0), owner, Uint8Array.of(reply.subaccount >> 8, reply.subaccount & 0xff));
}

/** A short name of a committee, to compare with one that was seen elsewhere. */
export function fingerprintOf(committee: Committee): string {
  const parts = committee.members.flatMap((it) => [it.key, new TextEncoder().encode(` ${it.stake};`)]);
  const text = concat(new TextEncoder().encode(`clockless committee ${committee.epoch};`), ...parts);
  return toHex(blake3(text)).slice(0, 16);
}
