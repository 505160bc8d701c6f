// What became of an intent, with nobody to be trusted for it; the same rules as client::ReceiptProof.
//
// Invariant: the verdict rests on the committee's keys and the bytes alone. An outcome whose bytes this page does not
// read is counted and not told.
import type { ReceiptProofReply } from '../protocol/private';
import { areEqual, fromHex, Malformed, Reader, toHex } from './bytes';
import { checkCertificate, readCertificate, type Committee, type Signed } from './certificate';
import { faultOf, pathBeside, pathOf } from './tree';

export interface ReceiptVerdict {
  /** One an action, up to the first that was rejected. */
  outcomes: string[];
  /** Actions in all. */
  actions: number;
  commit: bigint;
  /** The commit whose root was signed. */
  certifiedCommit: bigint;
  root: string;
  signed: Signed;
}

const RECEIPTS = 7;
const RECEIPT_EVENT = 1;
const ACTIONS_MAX = 64;
const DIGEST = 32;
const ACCOUNT = 34;

/** What a quorum says became of the intent; a text when something does not hold. */
export function verifyReceipt(reply: ReceiptProofReply, committee: Committee): ReceiptVerdict | string {
  try {
    const certificate = readCertificate(fromHex(reply.certificate));
    const signed = checkCertificate(certificate, committee);
    if (typeof signed === 'string') return `The certificate does not hold: ${signed}.`;
    const receipts = fromHex(reply.leaf);
    const state = { path: pathBeside(RECEIPTS, BigInt(reply.commit)), value: receipts };
    const stateFault = faultOf(fromHex(reply.proof), certificate.root, state);
    if (stateFault !== null) return `The proof of the commit's receipts does not hold: ${stateFault}.`;
    const [intent, value] = [fromHex(reply.intent), fromHex(reply.receipt)];
    const fault = faultOf(fromHex(reply.receipt_proof), receipts, { path: pathOf(intent), value });
    if (fault !== null) return `The proof of the receipt does not hold: ${fault}.`;
    return {
      ...readReceipt(value, intent),
      commit: BigInt(reply.commit),
      certifiedCommit: certificate.commit,
      root: toHex(certificate.root),
      signed,
    };
  } catch (failure) {
    if (failure instanceof Malformed) return `The proof cannot be read: ${failure.message}.`;
    throw failure;
  }
}

function readReceipt(bytes: Uint8Array, intent: Uint8Array): { outcomes: string[]; actions: number } {
  const reader = new Reader(bytes);
  if (reader.u8() !== RECEIPT_EVENT) throw new Malformed('it is no receipt');
  if (!areEqual(reader.take(DIGEST), intent)) throw new Malformed('it is the receipt of another intent');
  reader.take(ACCOUNT);
  const actions = reader.length(ACTIONS_MAX);
  const outcomes: string[] = [];
  while (outcomes.length < actions) {
    const outcome = readOutcome(reader);
    outcomes.push(outcome.told);
    if (outcome.end === 'unread') return { outcomes, actions };
  }
  reader.finish();
  return { outcomes, actions };
}

/** An outcome in words; `unread` when the reason that follows it is not read here. */
function readOutcome(reader: Reader): { told: string; end: 'read' | 'unread' } {
  const read = (told: string) => ({ told, end: 'read' }) as const;
  switch (reader.u8()) {
    case 0:
      return read('done');
    case 1:
      return read(`placed as order ${reader.u64()}`);
    case 2:
      return { told: 'rejected', end: 'unread' };
    case 3: {
      const [order] = [reader.u64(), reader.u64()];
      if (reader.flag() === 'yes') reader.u8();
      return read(`a retry of order ${order}`);
    }
    case 4: {
      const side = (name: string) => (reader.flag() === 'yes' ? `${name} ${reader.u64()}` : `no ${name}`);
      return read(`quoted: ${side('bid')}, ${side('ask')}`);
    }
    case 5:
      return read(`withdrawal ${reader.u64()}`);
    case 6:
      return read(`proposal ${reader.u64()}`);
    case 7: {
      const combo = reader.u32();
      reader.u8();
      return read(`combo ${combo}`);
    }
    case 8:
      return read(`exotic ${reader.u32()}`);
    default:
      throw new Malformed('an outcome is of no kind that there is');
  }
}
