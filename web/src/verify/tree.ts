// Proofs of presence and absence against the root of the state; the same rules as crates/tree.
//
// Invariant: `provenBy` accepts exactly what the map with that root holds; it needs nothing but the root.
import { blake3 } from '@noble/hashes/blake3.js';
import { areEqual, concat, Malformed, Reader, readU64, u64 } from './bytes';

const DIGEST = 32;
const DEPTH_MAX = 256;
const NOTHING = new Uint8Array(DIGEST);
/** Places of a group, and the bits of its digest that stand before the place: see tree::Path::beside. */
const PLACES = 1024n;
const AFTER_PLACE = 38n;

interface Proof {
  /** Hashes beside the way, from the root down. */
  siblings: Uint8Array[];
  found: { path: Uint8Array; value: Uint8Array } | null;
}

/** Why a proof does not show what is claimed; null when it does. */
export function faultOf(
  proofBytes: Uint8Array,
  root: Uint8Array,
  claim: { path: Uint8Array; value: Uint8Array | null },
): string | null {
  const proof = readProof(proofBytes);
  const { path } = claim;
  const fault = endFault(proof, path, claim.value);
  if (fault !== null) return fault;
  return areEqual(rootOver(proof, path), root) ? null : 'the proof leads to another root';
}

/** Where a key lies. */
export function pathOf(key: Uint8Array): Uint8Array {
  return hash('clockless tree key 2026', key);
}

/** Where a numbered thing of a kind lies: beside its neighbours. */
export function pathBeside(kind: number, number: bigint): Uint8Array {
  const path = pathOf(concat(Uint8Array.of(kind), u64(number / PLACES)));
  const head = readU64(path.slice(0, 8)) & ~((PLACES - 1n) << AFTER_PLACE);
  path.set(u64(head | ((number % PLACES) << AFTER_PLACE)));
  return path;
}

/** How many levels of the tree the proof walks. */
export function levelsOf(proofBytes: Uint8Array): number {
  return readProof(proofBytes).siblings.length;
}

function readProof(bytes: Uint8Array): Proof {
  const reader = new Reader(bytes);
  const count = reader.length(DEPTH_MAX);
  const siblings = Array.from({ length: count }, () => reader.take(DIGEST));
  const found = reader.flag() === 'yes' ? { path: reader.take(DIGEST), value: reader.take(DIGEST) } : null;
  reader.finish();
  return { siblings, found };
}

function endFault(proof: Proof, path: Uint8Array, value: Uint8Array | null): string | null {
  const isHere = proof.found !== null && areEqual(proof.found.path, path);
  if (value !== null) {
    if (!isHere) return 'the proof shows that it is absent';
    const need = hash('clockless tree value 2026', value);
    return areEqual(proof.found?.value ?? NOTHING, need) ? null : 'the proof is of another value';
  }
  if (isHere) return 'the proof shows that something is there';
  const other = proof.found?.path;
  const sameWay = !other || proof.siblings.every((_, depth) => turn(other, depth) === turn(path, depth));
  return sameWay ? null : 'the pair at the end of the proof lies elsewhere';
}

function rootOver(proof: Proof, path: Uint8Array): Uint8Array {
  const { found, siblings } = proof;
  const end = found ? hash('clockless tree leaf 2026', concat(found.path, found.value)) : NOTHING;
  return siblings.reduceRight(
    (below, sibling, depth) =>
      hash(
        'clockless tree branch 2026',
        turn(path, depth) === 'left' ? concat(below, sibling) : concat(sibling, below),
      ),
    end,
  );
}

function turn(path: Uint8Array, depth: number): 'left' | 'right' {
  const byte = path[depth >> 3];
  if (byte === undefined) throw new Malformed('the way is longer than a path');
  return (byte & (0x80 >> (depth & 7))) === 0 ? 'left' : 'right';
}

/** BLAKE3 with the namespace as its key derivation context. */
function hash(namespace: string, bytes: Uint8Array): Uint8Array {
  return blake3(bytes, { context: new TextEncoder().encode(namespace) });
}
