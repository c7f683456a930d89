/*
 * The client of /api/v2: one function a route. A 401 in the middle of work waits until the person
 * has signed in again, then the request goes on, so that no page loses its state.
 */
import { createSignal } from 'solid-js';
import type {
  Access, AlertEvent, Around, Decision, EventList, FacetList, Forwarder, Histogram, Overview, ResponseList, RuleTexts, Session, Settings, Status,
} from './types';
import { words } from './words';

export class ApiError extends Error {
  constructor(
    message: string,
    /** 0 when there was no answer at all. */
    readonly status: number,
    /** Where in the query the error is, counted from 1. */
    readonly column?: number,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

export interface Scope {
  q: string;
  from: string;
  to: string;
}

const BASE = 'api/v2/';

const [isSignInNeeded, setSignInNeeded] = createSignal(false);
const waiting = new Set<() => void>();

export { isSignInNeeded };

/** Called by the sign-in dialog: lets all that waited go on. */
export function resumeAfterSignIn(): void {
  setSignInNeeded(false);
  for (const go of [...waiting]) go();
  waiting.clear();
}

function waitForSignIn(signal?: AbortSignal): Promise<void> {
  setSignInNeeded(true);
  return new Promise((resolve, reject) => {
    waiting.add(resolve);
    signal?.addEventListener('abort', () => {
      waiting.delete(resolve);
      reject(signal.reason as Error);
    });
  });
}

async function readError(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as { error?: string; column?: number };
  const retryAfter = Number(response.headers.get('Retry-After')) || undefined;
  return new ApiError(body.error ?? words.error.status(response.status), response.status, body.column, retryAfter);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = { Accept: 'application/json', ...init.headers };
  const response = await fetch(BASE + path, { credentials: 'same-origin', ...init, headers }).catch((reason: Error) => {
    if (reason.name === 'AbortError') throw reason;
    throw new ApiError(words.error.unreachable, 0);
  });
  if (!response.ok) throw await readError(response);
  return response;
}

/** Like send, but stays through an expired session. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    try {
      return await send(path, init);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      await waitForSignIn(init.signal ?? undefined);
    }
  }
}

async function get<T>(path: string, params: Record<string, string | number>, signal?: AbortSignal): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== '') search.set(name, String(value));
  const init = signal ? { signal } : {};
  const response = await request(`${path}?${search}`, init);
  return (await response.json()) as T;
}

const eventPath = (uuid: string) => `events/${encodeURIComponent(uuid)}`;

export const api = {
  /** Null when nobody is signed in. */
  async session(): Promise<Session | null> {
    try {
      return (await (await send('session', {})).json()) as Session;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  async login(user: string, password: string): Promise<void> {
    const body = JSON.stringify({ user, password });
    await send('login', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  },
  async logout(): Promise<void> {
    await send('logout', { method: 'POST' });
  },
  overview: (scope: Scope, signal?: AbortSignal) => get<Overview>('overview', { ...scope }, signal),
  histogram: (scope: Scope, by: 'priority' | 'rule', signal?: AbortSignal) =>
    get<Histogram>('histogram', { ...scope, by }, signal),
  /** Later pages are not counted again. */
  events: (scope: Scope, limit: number, cursor: string, signal?: AbortSignal) =>
    get<EventList>('events', { ...scope, limit, cursor, total: cursor ? '0' : '' }, signal),
  exactEvents: (scope: Scope, signal?: AbortSignal) => get<EventList>('events', { ...scope, limit: 1, exact: 1 }, signal),
  facets: (scope: Scope, fields: string[], limit: number, isExact: boolean, signal?: AbortSignal) =>
    get<FacetList>('facets', { ...scope, fields: fields.join(','), limit, exact: isExact ? 1 : '' }, signal),
  /** Values of a field that hold what is typed, most frequent first. */
  values: (scope: Scope, field: string, contains: string, limit: number, signal?: AbortSignal) =>
    get<FacetList>('facets', { ...scope, fields: field, contains, limit }, signal),
  around: (uuid: string, signal?: AbortSignal) =>
    get<Around>(`around/${encodeURIComponent(uuid)}`, { limit: 10 }, signal),
  /** An address that a link downloads from. */
  exportLink: (scope: Scope, format: string) => `${BASE}export?${new URLSearchParams({ ...scope, format })}`,
  event: async (uuid: string, signal?: AbortSignal) =>
    (await get<{ event: AlertEvent }>(eventPath(uuid), {}, signal)).event,
  /** The bytes as they are stored: never parsed, so no number changes. */
  stored: async (uuid: string, signal?: AbortSignal) =>
    (await request(`${eventPath(uuid)}/json`, signal ? { signal } : {})).text(),
  forwarders: async (signal?: AbortSignal) =>
    (await get<{ forwarders: Forwarder[] }>('forwarders', {}, signal)).forwarders,
  async testOutput(forwarder: string, output: string): Promise<void> {
    await request(`test?${new URLSearchParams({ forwarder, output })}`, { method: 'POST' });
  },
  responses: (which: { state: string; namespace: string; pod: string; limit: number; before?: string }, signal?: AbortSignal) =>
    get<ResponseList>('responses', which, signal),
  async decide(response: number, decision: Decision): Promise<void> {
    await request(`decide?${new URLSearchParams({ response: String(response), decision })}`, { method: 'POST' });
  },
  rule: (rule: string, signal?: AbortSignal) => get<RuleTexts>('rule', { rule }, signal),
  access: (signal?: AbortSignal) => get<Access>('access', {}, signal),
  settings: (signal?: AbortSignal) => get<Settings>('settings', {}, signal),
  /** One of them, or with '' all others of one's own. How many there were. */
  async endSessions(session: string): Promise<number> {
    const answer = await request(`sessions/end?${new URLSearchParams({ session })}`, { method: 'POST' });
    return ((await answer.json()) as { ended: number }).ended;
  },
  backupLink: `${BASE}backup`,
  documentLink: `${BASE}openapi.json`,
  status: (signal?: AbortSignal) => get<Status>('status', {}, signal),
};
