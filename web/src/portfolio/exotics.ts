// Exotics that an account holds, in words: what each is, and what has become of it.
//
// Invariant: every figure is the gateway's; a style that the page does not know is named as the gateway names it.
import type { Instrument } from '../protocol/messages';
import { fixed } from '../market/format';

export type ExoticStyle =
  | { style: 'digital'; pays: 'cash'; amount: number }
  | { style: 'digital'; pays: 'asset' }
  | { style: 'american' }
  | { style: 'asian'; fixings: number }
  | { style: 'barrier'; direction: 'up' | 'down'; knock: 'in' | 'out'; level: number; rebate: number };

export interface Exotic {
  instrument: Instrument & { exotic: ExoticStyle };
  /** The price of the index that met a barrier's level. */
  touched_price: number | null;
  fixings_made: number;
  fixings_average: number | null;
}

const usd = (value: number): string => fixed(value, Number.isInteger(value) ? 0 : 2);

/** Such as "American call at 64,000". */
export function termsOf({ instrument, touched_price, fixings_made, fixings_average }: Exotic): string {
  const right = instrument.option_type ?? 'call';
  const at = `${right} at ${usd(instrument.strike ?? 0)}`;
  const style = instrument.exotic;
  switch (style.style) {
    case 'american':
      return `American ${at}`;
    case 'digital':
      return `Digital ${at}, pays ${style.pays === 'cash' ? usd(style.amount) : 'the delivery price'}`;
    case 'asian': {
      const average = fixings_average === null ? '' : ` at ${usd(fixings_average)} so far`;
      return `Asian ${at}, ${fixings_made} of ${style.fixings} fixings${average}`;
    }
    case 'barrier': {
      const met = touched_price === null ? 'not met' : `met at ${usd(touched_price)}`;
      const rebate = style.rebate > 0 ? `, rebate ${usd(style.rebate)}` : '';
      return `${style.direction}-and-${style.knock} ${at}, level ${usd(style.level)} ${met}${rebate}`;
    }
    default:
      return `${(style as { style: string }).style} ${at}`;
  }
}

/** Whether who holds so much of it may exercise. */
export function isExercisable(exotic: Exotic | undefined, size: number): boolean {
  return exotic?.instrument.exotic.style === 'american' && size > 0;
}
