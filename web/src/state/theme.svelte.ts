// Dark or light: the visitor's choice, or else the operating system's.
export type Theme = 'dark' | 'light';

const KEY = 'clockless.theme';

export class ThemeState {
  #chosen = $state.raw<Theme | null>(readChoice());
  #preferred = $state.raw<Theme>('dark');
  readonly current: Theme = $derived(this.#chosen ?? this.#preferred);

  /** Follows the operating system until the returned function is called. */
  follow(): () => void {
    const light = matchMedia('(prefers-color-scheme: light)');
    const read = (): void => {
      this.#preferred = light.matches ? 'light' : 'dark';
    };
    read();
    light.addEventListener('change', read);
    return () => light.removeEventListener('change', read);
  }

  toggle(): void {
    const next = this.current === 'dark' ? 'light' : 'dark';
    this.#chosen = next;
    document.documentElement.dataset['theme'] = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage may be blocked; the choice then lasts as long as the page.
    }
  }
}

function readChoice(): Theme | null {
  const chosen = document.documentElement.dataset['theme'];
  return chosen === 'dark' || chosen === 'light' ? chosen : null;
}
