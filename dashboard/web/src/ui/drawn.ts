/*
 * Which rows of a long list are drawn: those in the window and some around it, however many there
 * are. What is not drawn is room above and below, as high as its rows were or will likely be, so that
 * the page's own scrollbar is right. Rows may differ in height: they are measured once drawn.
 */
import { createEffect, createMemo, createSignal, on, onCleanup, onMount, type Accessor } from 'solid-js';

/** Drawn beyond the window on each side. */
const AROUND_PX = 600;
/** Never more at once, in a window of any height. */
const MOST_DRAWN = 150;
const USUAL_PX = 52;

export interface Drawn<R> {
  /** The rows that are drawn, and the place of the first of them. */
  rows: Accessor<R[]>;
  first: Accessor<number>;
  roomAbove: Accessor<number>;
  roomBelow: Accessor<number>;
  /** Draws the row and scrolls so far that it is seen whole. */
  reveal: (index: number) => void;
  /** The element that holds the drawn rows alone; each says its place by data-index. */
  hold: (box: HTMLElement) => void;
}

/** The place of the row at so many pixels: the last that begins at or before it. */
export function placeAt(tops: Float64Array, px: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] as number) <= px) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What is drawn for a window that begins and ends at these pixels. */
export function rangeFor(tops: Float64Array, count: number, top: number, bottom: number): { from: number; to: number } {
  if (count === 0) return { from: 0, to: 0 };
  const from = placeAt(tops, top);
  return { from, to: Math.min(count, placeAt(tops, bottom) + 1, from + MOST_DRAWN) };
}

export function useDrawn<R extends object>(all: Accessor<R[]>): Drawn<R> {
  const heights = new WeakMap<R, number>();
  const [measured, setMeasured] = createSignal(0);
  const [range, setRange] = createSignal({ from: 0, to: 40 }, { equals: (a, b) => a.from === b.from && a.to === b.to });
  let box: HTMLElement | undefined;
  let [sum, number] = [0, 0];
  let frame = 0;

  const tops = createMemo(() => {
    measured();
    const usual = number > 0 ? sum / number : USUAL_PX;
    const list = new Float64Array(all().length + 1);
    all().forEach((row, i) => (list[i + 1] = (list[i] as number) + (heights.get(row) ?? usual)));
    return list;
  });

  const look = () => {
    if (!box) return;
    const top = -box.getBoundingClientRect().top;
    setRange(rangeFor(tops(), all().length, top - AROUND_PX, top + innerHeight + AROUND_PX));
  };

  const measure = () => {
    let isNew = false;
    for (const element of box?.querySelectorAll<HTMLElement>('[data-index]') ?? []) {
      const row = all()[Number(element.dataset['index'])];
      const height = element.getBoundingClientRect().height;
      if (!row || height === 0 || Math.abs((heights.get(row) ?? -1) - height) < 0.5) continue;
      if (!heights.has(row)) [sum, number] = [sum + height, number + 1];
      heights.set(row, height);
      isNew = true;
    }
    if (isNew) setMeasured((count) => count + 1);
  };

  const measureSoon = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(measure);
  };

  onMount(() => {
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    onCleanup(() => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
      cancelAnimationFrame(frame);
    });
  });
  createEffect(on(tops, look));
  createEffect(on([range, all], measureSoon));

  /** Above the window stands the bar of the page. */
  const HEAD_PX = 72;
  const reveal = (index: number) => {
    const list = tops();
    if (!box || index < 0 || index >= all().length) return;
    const start = box.getBoundingClientRect().top + scrollY;
    const [top, bottom] = [start + (list[index] as number), start + (list[index + 1] as number)];
    if (top < scrollY + HEAD_PX) scrollTo({ top: top - HEAD_PX });
    else if (bottom > scrollY + innerHeight) scrollTo({ top: bottom - innerHeight });
    look();
  };

  return {
    rows: createMemo(() => all().slice(range().from, range().to)),
    first: () => range().from,
    roomAbove: () => tops()[Math.min(range().from, all().length)] ?? 0,
    roomBelow: () => (tops().at(-1) ?? 0) - (tops()[Math.min(range().to, all().length)] ?? 0),
    reveal,
    hold: (element) => {
      box = element;
      const observer = new ResizeObserver(measureSoon);
      observer.observe(element);
      onCleanup(() => observer.disconnect());
      queueMicrotask(look);
    },
  };
}
