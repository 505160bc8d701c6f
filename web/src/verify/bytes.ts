// Reading the network's formats: fixed big-endian numbers, lengths as varints, digests.
//
// Invariant: a reader never reads past its end, and `finish` refuses what was not read, so equal
// meanings have equal bytes.

/** The bytes say nothing that the format allows. */
export class Malformed extends Error {}

export class Reader {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.bytes.length) throw new Malformed('it ends too early');
    const part = this.bytes.slice(this.#at, end);
    this.#at = end;
    return part;
  }

  u8(): number {
    const [byte = 0] = this.take(1);
    return byte;
  }

  u16(): number {
    const [high = 0, low = 0] = this.take(2);
    return high * 256 + low;
  }

  u32(): number {
    return this.u16() * 65_536 + this.u16();
  }

  u64(): bigint {
    return readU64(this.take(8));
  }

  flag(): 'yes' | 'no' {
    const byte = this.u8();
    if (byte !== 0 && byte !== 1) throw new Malformed('a flag is neither 0 nor 1');
    return byte === 1 ? 'yes' : 'no';
  }

  /** A length of at most `most`, in seven bits a byte, the lowest first. */
  length(most: number): number {
    let value = 0;
    for (let place = 0; place < 5; place += 1) {
      const byte = this.u8();
      if (place > 0 && byte === 0) throw new Malformed('a length is not in its shortest form');
      value += (byte & 0x7f) * 2 ** (7 * place);
      if (byte < 0x80) {
        if (value > most) throw new Malformed(`a length of ${value} is above ${most}`);
        return value;
      }
    }
    throw new Malformed('a length does not end');
  }

  finish(): void {
    if (this.#at !== this.bytes.length) throw new Malformed('something follows its end');
  }
}

export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new Malformed('it is not hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function readU64(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}

export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

export function readI64(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
