/*
 * Keys that work everywhere but while typing or in a dialog. Pages add theirs while they are open;
 * the last added wins. "g o" is two keys, one after the other.
 */
import { onCleanup, onMount } from 'solid-js';

type Keys = Record<string, (event: KeyboardEvent) => void>;

const layers: Keys[] = [];
const PREFIX = 'g';
const PREFIX_MS = 1200;
let prefixedAt = 0;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], dialog') !== null;
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector('dialog[open]')) return;

  const isPrefixed = prefixedAt > 0 && event.timeStamp - prefixedAt < PREFIX_MS;
  const name = isPrefixed ? `${PREFIX} ${event.key}` : event.key;
  prefixedAt = !isPrefixed && event.key === PREFIX ? event.timeStamp : 0;
  const act = layers.findLast((layer) => name in layer)?.[name];
  if (!act) return;
  event.preventDefault();
  act(event);
}

export function useKeys(keys: Keys): void {
  onMount(() => {
    if (layers.length === 0) document.addEventListener('keydown', onKey);
    layers.push(keys);
  });
  onCleanup(() => {
    layers.splice(layers.indexOf(keys), 1);
    if (layers.length === 0) document.removeEventListener('keydown', onKey);
  });
}
