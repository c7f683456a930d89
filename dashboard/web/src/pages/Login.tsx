/* Sign in. Says nothing about the installation to who is not signed in. */
import { For, onMount } from 'solid-js';
import { go, route } from '../router';
import { SignInForm } from '../shell/SignIn';
import { Mark } from '../ui/Icon';
import { words } from '../words';

/** Only a page of ours: an address from outside is no place to be sent to. */
function nextPage(): string {
  const next = route().params.get('next') ?? '';
  return /^#\/[a-z]/.test(next) && !next.startsWith('#/login') ? next : '#/overview';
}

interface Feather {
  d: string;
  width: string;
  opacity: string;
}

/** The bars of a falcon's breast: rows of shallow arcs that fade away from the upper right. */
function feathers(): Feather[] {
  const size = 56;
  const found: Feather[] = [];
  for (let row = 0; row < 22; row++)
    for (let column = -1; column < 15; column++) {
      const x = column * size + (row % 2 ? size / 2 : 0);
      const y = 20 + row * 26;
      const opacity = 0.62 - Math.hypot((x - 760) / 820, (y - 40) / 620) * 0.72;
      if (opacity > 0.02)
        found.push({
          d: `M${x} ${y}q${size / 2} 22 ${size} 0`,
          width: (1.2 + 3.2 * opacity).toFixed(2),
          opacity: opacity.toFixed(2),
        });
    }
  return found;
}

export function Login() {
  onMount(() => (document.title = words.title(words.login.title)));
  return (
    <div class="lg">
      <main class="form" id="main" tabindex="-1">
        <div class="form-in">
          <div class="brand">
            <Mark size={30} /> {words.product}
          </div>
          <h1>{words.login.title}</h1>
          <p class="lead">{words.login.lead}</p>
          <SignInForm onDone={() => go(nextPage(), 'replace')} />
          <p class="foot">{words.login.foot}</p>
        </div>
      </main>
      <aside class="art" aria-label={words.login.about}>
        <svg class="plume" viewBox="0 0 800 900" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
          <For each={feathers()}>
            {(one) => <path d={one.d} stroke-width={one.width} opacity={one.opacity} stroke-linecap="round" />}
          </For>
        </svg>
        <p>{words.login.motto}</p>
      </aside>
    </div>
  );
}
