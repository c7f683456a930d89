/* The hash router: a path, its parameters, and two ways to change them. */
import { createMemo, createRoot, createSignal } from 'solid-js';

export interface Route {
  path: string;
  params: URLSearchParams;
}

function readHash(hash: string): Route {
  const text = hash.replace(/^#/, '');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  return { path: path || '/', params: new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1)) };
}

const [hash, setHash] = createSignal(location.hash);
addEventListener('hashchange', () => setHash(location.hash));
addEventListener('popstate', () => setHash(location.hash));

export const route = createRoot(() => createMemo(() => readHash(hash())));

export function hrefOf(path: string, params: URLSearchParams): string {
  // Colons, slashes and stars are readable in a hash and need no escape there.
  const search = params.toString().replace(/%3A/g, ':').replace(/%2F/g, '/').replace(/%2C/g, ',');
  return search ? `#${path}?${search}` : `#${path}`;
}

/** A new entry in the history, or the present one changed. */
export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (href === location.hash) return;
  history[how === 'push' ? 'pushState' : 'replaceState'](null, '', href);
  setHash(location.hash);
}
