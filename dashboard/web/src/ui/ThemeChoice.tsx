/* System, light or dark, as three buttons. */
import { For } from 'solid-js';
import { setTheme, theme, THEMES } from '../theme';
import { words } from '../words';

export function ThemeChoice() {
  return (
    <div class="seg" role="group" aria-label={words.nav.theme}>
      <For each={THEMES}>
        {(choice) => (
          <button type="button" aria-pressed={theme() === choice} onClick={() => setTheme(choice)}>
            {words.theme[choice]}
          </button>
        )}
      </For>
    </div>
  );
}
