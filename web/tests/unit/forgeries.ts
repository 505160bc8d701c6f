// TEST TOOL. What a liar might send in a proof's place: one part of it with another digit here and there, or cut.
export function* forgeries<K extends string, R extends Record<K, string>>(
  reply: R,
  part: K,
  step: number,
): Generator<[how: string, forged: R]> {
  const text: string = reply[part];
  for (let at = 0; at < text.length; at += step) {
    const digit = (parseInt(text[at] ?? '0', 16) ^ 1).toString(16);
    yield [`${part} at ${at}`, { ...reply, [part]: text.slice(0, at) + digit + text.slice(at + 1) }];
  }
  yield [`${part} cut`, { ...reply, [part]: text.slice(2) }];
}
