/*
 * The scope that holds on every page: query, range, zone, live. The address is its only home;
 * what has its usual value is left out of it.
 */
import { createMemo, createRoot, createSignal } from 'solid-js';
import type { ApiError } from './api';
import { addTerm, readNeedles } from './logic/query';
import type { Zone } from './logic/time';
import { go, hrefOf, route } from './router';

export const DEFAULT_FROM = 'now-24h';

export interface PageScope {
  q: string;
  from: string;
  to: string;
  zone: Zone;
  isLive: boolean;
}

export const scope = createRoot(() =>
  createMemo<PageScope>(() => {
    const { params } = route();
    const to = params.get('to') || 'now';
    return {
      q: params.get('q') ?? '',
      from: params.get('from') || DEFAULT_FROM,
      to,
      zone: params.get('tz') === 'local' ? 'local' : 'utc',
      isLive: params.get('live') !== '0' && to === 'now',
    };
  }),
);

/** What the API needs of it; equal scopes are one value, so a page loads once. */
export const apiScope = createRoot(() =>
  createMemo(() => ({ q: scope().q, from: scope().from, to: scope().to }), undefined, {
    equals: (a, b) => a.q === b.q && a.from === b.from && a.to === b.to,
  }),
);

export const needles = createRoot(() => createMemo(() => readNeedles(scope().q)));

export interface Changes {
  q?: string;
  from?: string;
  to?: string;
  zone?: Zone;
  isLive?: boolean;
  sel?: string;
  by?: string;
  fold?: string;
  /** Of the responses: their state, and the pod that they are about. */
  state?: string;
  ns?: string;
  pod?: string;
}

const USUAL: Record<string, string> = {
  q: '',
  from: DEFAULT_FROM,
  to: 'now',
  tz: 'utc',
  live: '1',
  sel: '',
  by: 'priority',
  fold: '1',
  state: '',
  ns: '',
  pod: '',
};

/** What belongs to one page, and stays behind when another is opened. */
const OF_PAGE: Record<string, string> = { state: '/responses', ns: '/responses', pod: '/responses' };

function applyChanges(params: URLSearchParams, changes: Changes): void {
  const { zone, isLive, ...rest } = changes;
  const texts: Record<string, string | undefined> = { ...rest };
  if (zone) texts['tz'] = zone;
  if (isLive !== undefined) texts['live'] = isLive ? '1' : '0';
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined) continue;
    if (text === USUAL[name]) params.delete(name);
    else params.set(name, text);
  }
}

/** The address of a page with the present scope, some of it changed. A selection stays behind. */
export function linkTo(path: string, changes: Changes = {}): string {
  const params = new URLSearchParams(route().params);
  params.delete('sel');
  params.delete('next');
  for (const [name, page] of Object.entries(OF_PAGE)) if (page !== path) params.delete(name);
  applyChanges(params, changes);
  return hrefOf(path, params);
}

export function setScope(changes: Changes, how: 'push' | 'replace' = 'push'): void {
  const params = new URLSearchParams(route().params);
  applyChanges(params, changes);
  go(hrefOf(route().path, params), how);
}

/** Where a click on a value leads: the events that have it, within the present scope. */
export function filterLink(field: string, value: string): string {
  return linkTo('/events', { q: addTerm(scope().q, field, value) });
}

export interface QueryError {
  q: string;
  message: string;
  column: number | undefined;
}

const [queryError, setQueryError] = createSignal<QueryError>();

export { queryError };

/** A page tells what came of its request; only an unreadable query is for the query bar. */
export function noteQuery(q: string, error: ApiError | undefined): void {
  setQueryError(error?.status === 400 ? { q: q.trim(), message: error.message, column: error.column } : undefined);
}
