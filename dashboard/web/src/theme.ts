/* Light, dark, or as the system says. Set before the first paint by public/theme.js. */
import { createSignal } from 'solid-js';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'tercel.theme';
const darkSystem = matchMedia('(prefers-color-scheme: dark)');

function readChoice(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    return 'system';
  }
}

const [theme, setChoice] = createSignal<Theme>(readChoice());
/** What is on the screen: charts redraw when it changes. */
const [shownTheme, setShown] = createSignal(document.documentElement.dataset['theme'] ?? 'light');

export { shownTheme, theme };

function show(): void {
  const isDark = theme() === 'dark' || (theme() === 'system' && darkSystem.matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  setShown(isDark ? 'dark' : 'light');
}

export function setTheme(choice: Theme): void {
  setChoice(choice);
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // A browser that stores nothing keeps the choice until the page is closed.
  }
  show();
}

/** The key and the button of the rail: to the other of what is seen now. */
export function flipTheme(): void {
  setTheme(shownTheme() === 'dark' ? 'light' : 'dark');
}

darkSystem.addEventListener('change', show);
