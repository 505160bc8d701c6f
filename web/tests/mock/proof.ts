// TEST TOOL. A committee with keys of its own that signs a root over one balance and a few others, so that
// the page's verifier has something true to check. The formats are checked against a real network's bytes in
// tests/unit/verify.test.ts; this only has to agree with them.
import { ed25519 } from '@noble/curves/ed25519.js';
import { blake3 } from '@noble/hashes/blake3.js';
import type { CommitteeReport } from '../../src/protocol/messages';
import type { BalanceProofReply } from '../../src/protocol/private';
import { concat, toHex } from '../../src/verify/bytes';

const KEYS = ['alfa', 'bravo', 'charlie', 'delta'].map((name, at) => ({
  name,
  secret: new Uint8Array(32).fill(at + 1),
}));
const OWNER = new Uint8Array(32).fill(9);

export const committee: CommitteeReport = {
  epoch: 0,
  members: KEYS.map(({ name, secret }) => ({ name, key: toHex(ed25519.getPublicKey(secret)), stake: 1 })),
};

function hash(context: string, bytes: Uint8Array): Uint8Array {
  return blake3(bytes, { context: new TextEncoder().encode(context) });
}

function numbered(...values: bigint[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, at) => view.setBigUint64(8 * at, value));
  return bytes;
}

/** A proof of `micros` whose root three of the four have signed. */
export function balanceProof(micros: bigint, commit: bigint): BalanceProofReply {
  const leaf = concat(numbered(BigInt.asUintN(64, micros)), new Uint8Array(3));
  const path = hash('clockless tree key 2026', concat(Uint8Array.of(0), OWNER, Uint8Array.of(0, 0)));
  const value = hash('clockless tree value 2026', leaf);
  const siblings = [5, 6, 7].map((fill) => new Uint8Array(32).fill(fill));
  let below = hash('clockless tree leaf 2026', concat(path, value));
  for (let depth = siblings.length - 1; depth >= 0; depth -= 1) {
    const sibling = siblings[depth] ?? new Uint8Array(32);
    const isLeft = ((path[0] ?? 0) & (0x80 >> depth)) === 0;
    below = hash('clockless tree branch 2026', isLeft ? concat(below, sibling) : concat(sibling, below));
  }
  const statement = concat(numbered(0n, commit), below);
  const namespace = new TextEncoder().encode('clockless root');
  const message = concat(Uint8Array.of(namespace.length), namespace, statement);
  const signatures = KEYS.slice(0, 3).map(({ secret }, at) =>
    concat(Uint8Array.of(0, at), ed25519.sign(message, secret)),
  );
  return {
    owner: toHex(OWNER),
    subaccount: 0,
    leaf: toHex(leaf),
    proof: toHex(concat(Uint8Array.of(siblings.length), ...siblings, Uint8Array.of(1), path, value)),
    certificate: toHex(concat(statement, Uint8Array.of(signatures.length), ...signatures)),
  };
}
