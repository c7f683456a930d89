/* What the charts share: columns of a histogram laid out in time, and colours. */
import { PRIORITIES, type Histogram, type Priority } from '../types';
import { slugOf } from './Icon';

export interface Columns {
  start: number;
  interval: number;
  counts: (number[] | undefined)[];
  totals: number[];
}

const MOST_COLUMNS = 600;

/** The server may leave out empty buckets; here each has its place. */
export function layOut(data: Histogram, from: number, to: number, hidden: ReadonlySet<string>): Columns {
  const interval = Math.max(1, data.interval_ms);
  const first = data.buckets[0]?.at ?? Math.floor(from / interval) * interval;
  const last = data.buckets.at(-1)?.at ?? first;
  const start = first > from ? first - Math.ceil((first - from) / interval) * interval : first;
  const end = Math.max(last + interval, to);
  const length = Math.min(MOST_COLUMNS, Math.max(1, Math.ceil((end - start) / interval)));

  const counts: (number[] | undefined)[] = Array.from({ length });
  for (const bucket of data.buckets) {
    const index = Math.floor((bucket.at - start) / interval);
    if (index >= 0 && index < length) counts[index] = bucket.counts;
  }
  const isShown = data.keys.map((key) => !hidden.has(key));
  const totals = counts.map((bucket) => (bucket ?? []).reduce((sum, count, i) => sum + (isShown[i] ? count : 0), 0));
  return { start, interval, counts, totals };
}

const CATEGORIES = 6;
export const OTHER = 'other';

/** There are six colours for values, so what is beyond the first six becomes one: other. */
export function foldKeys(data: Histogram): Histogram {
  const kept = data.keys.filter((key) => key !== OTHER).slice(0, CATEGORIES);
  if (data.by === 'priority' || kept.length === data.keys.length) return data;
  const at = kept.map((key) => data.keys.indexOf(key));
  const buckets = data.buckets.map(({ at: time, counts }) => {
    const shown = at.map((i) => counts[i] ?? 0);
    const rest = counts.reduce((sum, count) => sum + count, 0) - shown.reduce((sum, count) => sum + count, 0);
    return { at: time, counts: [...shown, rest] };
  });
  return { ...data, keys: [...kept, OTHER], buckets };
}

const categoryOf = new Map<string, number>();

/** A value keeps its colour for as long as the page is open; the seventh and later share one. */
export function categoryToken(value: string): string {
  if (value === OTHER) return `c${CATEGORIES + 1}`;
  let category = categoryOf.get(value);
  if (category === undefined) {
    category = Math.min(categoryOf.size, CATEGORIES);
    categoryOf.set(value, category);
  }
  return `c${category + 1}`;
}

export function isPriority(key: string): key is Priority {
  return (PRIORITIES as readonly string[]).includes(key);
}

export const tokenOf = (key: string, by: Histogram['by']): string =>
  by === 'priority' && isPriority(key) ? `p-${slugOf(key)}` : categoryToken(key);

/** Bottom to top: the worst on top, the most frequent rule at the bottom. */
export function stackOrder(data: Histogram): number[] {
  const order = data.keys.map((_, i) => i);
  return data.by === 'priority' ? order.reverse() : order;
}

const GRAVE = new Set(['Emergency', 'Alert', 'Critical']);

/** A grave event among thousands of others is never drawn so thin that it cannot be seen. */
export const leastHeight = (key: string): number => (GRAVE.has(key) ? 3 : 1);

export const tokenValue = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
