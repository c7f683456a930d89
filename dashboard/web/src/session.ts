/* Who is signed in. Undefined until the server has said. */
import { createSignal } from 'solid-js';
import { api, ApiError } from './api';
import { go } from './router';
import type { Session } from './types';

const [session, setSession] = createSignal<Session | null>();

export { session };

/** Whether one may act; the server asks again. */
export const isOperator = () => session()?.role === 'operator';

/** A proxy's users sign out there. */
export const canSignOut = () => session()?.known_by === 'login';

export async function readSession(): Promise<void> {
  setSession(await api.session());
}

export async function signIn(user: string, password: string): Promise<void> {
  await api.login(user, password);
  await readSession();
}

export async function signOut(): Promise<void> {
  await api.logout().catch((error: unknown) => {
    // A session that has ended already is signed out.
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
  });
  setSession(null);
  go('#/login');
}

/** The login page, and where to go from there. */
export function loginLink(next: string): string {
  return next && !next.startsWith('#/login') && next !== '#/' ? `#/login?${new URLSearchParams({ next })}` : '#/login';
}
