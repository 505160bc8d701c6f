// Colours of tokens.css for what draws by itself: a canvas cannot read light-dark().
//
// Invariant: the answer is of the theme at the moment of asking; ask again when the theme changes.

/** The resolved colour of a token, such as `--text-quiet`. */
export function colorOf(element: HTMLElement, token: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
