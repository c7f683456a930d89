/* One short message at the bottom: only the result of an act. */
import { createSignal } from 'solid-js';
import { words } from './words';

const SHOWN_MS = 5000;

export interface Toast {
  text: string;
  isError: boolean;
}

const [toast, setToast] = createSignal<Toast>();
let timer: ReturnType<typeof setTimeout> | undefined;

export { toast };

/** Errors stay until they are closed. */
export function say(text: string, isError = false): void {
  clearTimeout(timer);
  setToast({ text, isError });
  if (!isError) timer = setTimeout(() => setToast(undefined), SHOWN_MS);
}

export function closeToast(): void {
  setToast(undefined);
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(words.copy.done(what));
  } catch {
    if (copyOldWay(text)) say(words.copy.done(what));
    else say(words.copy.failed, true);
  }
}

/** The clipboard API needs HTTPS or localhost; a dashboard on plain HTTP elsewhere has only this. */
function copyOldWay(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr';
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  return isDone;
}
