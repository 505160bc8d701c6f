// What a part of the page knows about its data.
import { RequestFailure } from '../protocol/link';

export type Loading = { status: 'loading' } | { status: 'ready' } | { status: 'failed'; reason: string };

export const LOADING: Loading = { status: 'loading' };
export const READY: Loading = { status: 'ready' };

/** Null when the failure is only the lost connection, which the page shows by itself. */
export function failureOf(failure: unknown): Loading | null {
  if (failure instanceof RequestFailure) {
    if (failure.reason === 'disconnected') return null;
    const code = failure.code === null ? '' : ` (${failure.code})`;
    return { status: 'failed', reason: `${failure.message}${code}` };
  }
  throw failure;
}
