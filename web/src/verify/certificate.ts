// A root that a quorum of the committee has signed; the same rules as wire::Certificate.
//
// Invariant: every signature is checked, an author counts once, and the stake that signed reaches the
// quorum: total less (total - 1) / 3.
import { ed25519 } from '@noble/curves/ed25519.js';
import { concat, fromHex, Malformed, Reader, u64 } from './bytes';

export interface Committee {
  epoch: bigint;
  members: { name: string; key: Uint8Array; stake: bigint }[];
}

export interface Certificate {
  epoch: bigint;
  commit: bigint;
  root: Uint8Array;
  signatures: { author: number; signature: Uint8Array }[];
}

export interface CommitteeText {
  epoch: number;
  members: readonly { name: string; key: string; stake: number }[];
}

const COMMITTEE_MAX = 256;
const NAMESPACE = new TextEncoder().encode('clockless root');

export function readCommittee(text: CommitteeText): Committee {
  return {
    epoch: BigInt(text.epoch),
    members: text.members.map((it) => {
      const key = fromHex(it.key);
      if (key.length !== 32) throw new Malformed(`the key of ${it.name} is no key`);
      return { name: it.name, key, stake: BigInt(it.stake) };
    }),
  };
}

export function readCertificate(bytes: Uint8Array): Certificate {
  const reader = new Reader(bytes);
  const [epoch, commit, root] = [reader.u64(), reader.u64(), reader.take(32)];
  const count = reader.length(COMMITTEE_MAX);
  const signatures = Array.from({ length: count }, () => ({
    author: reader.u16(),
    signature: reader.take(64),
  }));
  reader.finish();
  return { epoch, commit, root, signatures };
}

export interface Signed {
  stake: bigint;
  quorum: bigint;
  total: bigint;
  signers: string[];
}

/** What signed; a text when the certificate does not hold. */
export function checkCertificate(certificate: Certificate, committee: Committee): Signed | string {
  if (certificate.epoch !== committee.epoch) {
    return `it is of epoch ${certificate.epoch}, the committee of epoch ${committee.epoch}`;
  }
  const statement = concat(u64(certificate.epoch), u64(certificate.commit), certificate.root);
  // The namespace goes first, with its length in front of it.
  const message = concat(Uint8Array.of(NAMESPACE.length), NAMESPACE, statement);
  const seen = new Set<number>();
  let stake = 0n;
  for (const { author, signature } of certificate.signatures) {
    const member = committee.members[author];
    if (!member || seen.has(author)) return `validator ${author} is named twice or is no member`;
    if (!isSignedBy(member.key, message, signature)) {
      return `the signature of ${member.name} is not on this root`;
    }
    seen.add(author);
    stake += member.stake;
  }
  const total = committee.members.reduce((sum, it) => sum + it.stake, 0n);
  const quorum = total - (total - 1n) / 3n;
  if (stake < quorum) return `stake ${stake} signed, ${quorum} is needed`;
  const signers = [...seen].map((author) => committee.members[author]?.name ?? String(author));
  return { stake, quorum, total, signers };
}

/** Under ZIP 215, as the validators check. */
function isSignedBy(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, key, { zip215: true });
  } catch {
    return false;
  }
}
