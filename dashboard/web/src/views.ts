/* Saved views: addresses with a name, kept by this browser. */
import { createSignal } from 'solid-js';

export interface SavedView {
  name: string;
  href: string;
}

const KEY = 'tercel.views';
const MOST = 30;

function readViews(): SavedView[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    const isView = (one: unknown): one is SavedView =>
      typeof one === 'object' && one !== null && typeof (one as SavedView).name === 'string' &&
      typeof (one as SavedView).href === 'string' && (one as SavedView).href.startsWith('#/');
    return Array.isArray(read) ? read.filter(isView).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

const [views, setViews] = createSignal(readViews());

export { views };

function keep(next: SavedView[]): void {
  setViews(next.slice(0, MOST));
  try {
    localStorage.setItem(KEY, JSON.stringify(views()));
  } catch {
    // A browser that keeps nothing: the view lasts as long as the page.
  }
}

/** A name stands for one view. */
export function saveView(name: string, href: string): void {
  keep([...views().filter((view) => view.name !== name), { name, href }]);
}

export function forgetView(name: string): void {
  keep(views().filter((view) => view.name !== name));
}
