/*
 * Links of Falcosidekick UI, whose filters stand in the query of the hash:
 * `#/events?priority=Critical,Error&since=2h&filter=shell`. Translated once into q and from.
 */
import { PRIORITIES } from '../types';
import { phraseText, termText } from './query';

const KEYS = ['source', 'priority', 'rule', 'hostname', 'tags', 'filter', 'since'];
const DROPPED = [...KEYS, 'page', 'limit', 'refresh'];

const UNITS: Record<string, string> = {
  s: 's',
  second: 's',
  seconds: 's',
  m: 'm',
  min: 'm',
  minute: 'm',
  minutes: 'm',
  h: 'h',
  hour: 'h',
  hours: 'h',
  d: 'd',
  day: 'd',
  days: 'd',
  w: 'w',
  W: 'w',
  week: 'w',
  weeks: 'w',
};
const LONG: Record<string, number> = { M: 30, month: 30, months: 30, y: 365, year: 365, years: 365 };

function translateSince(since: string): string | null {
  const match = /^(\d+)([A-Za-z]+)$/.exec(since.trim());
  if (!match) return null;
  const [, count, unit] = match as unknown as [string, string, string];
  if (LONG[unit]) return `now-${Number(count) * LONG[unit]}d`;
  return UNITS[unit] ? `now-${count}${UNITS[unit]}` : null;
}

/**
 * The old UI's comma means "or", ours has none yet. Of the eight priorities, leaving out the
 * others says the same. Several values of an open field cannot be said: the filter is dropped,
 * since to show too much is better than to hide, and the caller is told.
 */
function translateList(field: string, values: string[]): string[] | null {
  if (values.length === 1) return [termText(field, values[0] as string)];
  if (field !== 'priority') return null;
  const wanted = values.map((value) => value.toLowerCase());
  return PRIORITIES.filter((name) => !wanted.includes(name.toLowerCase())).map((name) => termText(field, name, true));
}

const listOf = (text: string | null) =>
  (text ?? '')
    .split(',')
    .map((value) => value.trim())
    .filter((value) => value && value !== 'null');

export interface OldLink {
  params: URLSearchParams;
  /** Fields whose filter could not be kept. */
  lost: string[];
}

/** Null when there is nothing of the old form in it. */
export function translateOldLink(params: URLSearchParams): OldLink | null {
  if (!KEYS.some((key) => params.has(key))) return null;

  const terms = params.get('q') ? [params.get('q') as string] : [];
  const lost: string[] = [];
  for (const field of ['priority', 'rule', 'source', 'hostname', 'tags']) {
    const values = listOf(params.get(field));
    if (values.length === 0) continue;
    const translated = translateList(field, values);
    if (translated) terms.push(...translated);
    else lost.push(field);
  }
  const filter = params.get('filter')?.trim();
  if (filter && filter !== 'null') terms.push(phraseText(filter));

  const next = new URLSearchParams(params);
  DROPPED.forEach((key) => next.delete(key));
  if (terms.length > 0) next.set('q', terms.join(' '));
  const from = translateSince(params.get('since') ?? '');
  if (from) next.set('from', from);
  return { params: next, lost };
}
