// TEST TOOL. A committee with keys of its own that signs a root over one leaf and a few others, so that
// the page's verifier has something true to check. The formats are checked against a real network's bytes in
// tests/unit/verify.test.ts and receipt.test.ts; this only has to agree with them.
import { ed25519 } from '@noble/curves/ed25519.js';
import { blake3 } from '@noble/hashes/blake3.js';
import type { CommitteeReport } from '../../src/protocol/messages';
import type { BalanceProofReply, ReceiptProofReply } from '../../src/protocol/private';
import { concat, fromHex, toHex, u64 } from '../../src/verify/bytes';
import { pathBeside, pathOf } from '../../src/verify/tree';

const KEYS = ['alfa', 'bravo', 'charlie', 'delta'].map((name, at) => ({
  name,
  secret: new Uint8Array(32).fill(at + 1),
}));
const OWNER = new Uint8Array(32).fill(9);
const MAIN = Uint8Array.of(0, 0);

export const committee: CommitteeReport = {
  epoch: 0,
  members: KEYS.map(({ name, secret }) => ({ name, key: toHex(ed25519.getPublicKey(secret)), stake: 1 })),
};

function hash(context: string, bytes: Uint8Array): Uint8Array {
  return blake3(bytes, { context: new TextEncoder().encode(context) });
}

/** A tree in which a leaf lies at a path with three others beside its way: its root, and the proof of the leaf. */
function tree(path: Uint8Array, leaf: Uint8Array): { root: Uint8Array; proof: string } {
  const value = hash('clockless tree value 2026', leaf);
  const siblings = [5, 6, 7].map((fill) => new Uint8Array(32).fill(fill));
  let below = hash('clockless tree leaf 2026', concat(path, value));
  for (let depth = siblings.length - 1; depth >= 0; depth -= 1) {
    const sibling = siblings[depth] ?? new Uint8Array(32);
    const isLeft = ((path[0] ?? 0) & (0x80 >> depth)) === 0;
    below = hash('clockless tree branch 2026', isLeft ? concat(below, sibling) : concat(sibling, below));
  }
  const proof = concat(Uint8Array.of(siblings.length), ...siblings, Uint8Array.of(1), path, value);
  return { root: below, proof: toHex(proof) };
}

/** What three of the four sign. */
function certificate(commit: bigint, root: Uint8Array): string {
  const statement = concat(u64(0n), u64(commit), root);
  const namespace = new TextEncoder().encode('clockless root');
  const message = concat(Uint8Array.of(namespace.length), namespace, statement);
  const signatures = KEYS.slice(0, 3).map(({ secret }, at) =>
    concat(Uint8Array.of(0, at), ed25519.sign(message, secret)),
  );
  return toHex(concat(statement, Uint8Array.of(signatures.length), ...signatures));
}

/** A proof of `micros` whose root three of the four have signed. */
export function balanceProof(micros: bigint, commit: bigint): BalanceProofReply {
  const leaf = concat(u64(BigInt.asUintN(64, micros)), new Uint8Array(3));
  const { root, proof } = tree(pathOf(concat(Uint8Array.of(0), OWNER, MAIN)), leaf);
  return {
    owner: toHex(OWNER),
    subaccount: 0,
    leaf: toHex(leaf),
    proof,
    certificate: certificate(commit, root),
  };
}

/** The id of the intent that placed an order. */
export function intentOf(order: string): string {
  return toHex(hash('clockless mock intent', new TextEncoder().encode(order)));
}

/** A proof that an intent's actions had these outcomes, each as its bytes. */
export function receiptProof(
  intent: string,
  commit: bigint,
  outcomes: readonly Uint8Array[] = [Uint8Array.of(0)],
): ReceiptProofReply {
  const about = concat(Uint8Array.of(1), fromHex(intent), OWNER, MAIN);
  const receipt = concat(about, Uint8Array.of(outcomes.length), ...outcomes);
  const receipts = tree(pathOf(fromHex(intent)), receipt);
  const state = tree(pathBeside(7, commit), receipts.root);
  return {
    intent,
    commit: Number(commit),
    receipt: toHex(receipt),
    receipt_proof: receipts.proof,
    leaf: toHex(receipts.root),
    proof: state.proof,
    certificate: certificate(commit, state.root),
  };
}
