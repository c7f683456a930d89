/* Which page the address means, and whether somebody is signed in to see it. */
import { createEffect, createMemo, createSignal, Match, onMount, Show, Switch } from 'solid-js';
import type { ApiError } from './api';
import { translateOldLink } from './logic/oldlink';
import { Delivery } from './pages/Delivery';
import { EventPage } from './pages/EventPage';
import { Events } from './pages/Events';
import { Login } from './pages/Login';
import { Overview } from './pages/Overview';
import { Responses } from './pages/Responses';
import { Sensors } from './pages/Sensors';
import { Settings } from './pages/Settings';
import { go, hrefOf, route } from './router';
import { canSignOut, loginLink, readSession, session } from './session';
import { Shell } from './shell/Shell';
import { say } from './toast';
import { Failure } from './ui/States';
import { words } from './words';

/** Addresses of the UI before this one, and the empty one. */
const MOVED: Record<string, string> = { '/': '/overview', '/dashboard': '/overview', '/info': '/overview' };
const PAGES = ['/overview', '/events', '/delivery', '/sensors', '/responses', '/settings', '/login'];

/** The present form of an address; the same one when there is nothing to change. */
function presentAddress(): string {
  const { path, params } = route();
  const old = translateOldLink(params);
  if (old && old.lost.length > 0) say(words.error.oldLink(old.lost.join(', ')), true);
  const isKnown = PAGES.includes(path) || path.startsWith('/event/');
  return hrefOf(MOVED[path] ?? (isKnown ? path : '/overview'), old ? old.params : params);
}

function Pages() {
  const uuid = createMemo(() => /^\/event\/(.+)$/.exec(route().path)?.[1]);
  return (
    <Shell>
      <Switch>
        <Match when={route().path === '/overview'}>
          <Overview />
        </Match>
        <Match when={route().path === '/events'}>
          <Events />
        </Match>
        <Match when={route().path === '/delivery'}>
          <Delivery />
        </Match>
        <Match when={route().path === '/sensors'}>
          <Sensors />
        </Match>
        <Match when={route().path === '/responses'}>
          <Responses />
        </Match>
        <Match when={route().path === '/settings'}>
          <Settings />
        </Match>
        <Match when={uuid()} keyed>
          {(id) => <EventPage uuid={id} />}
        </Match>
      </Switch>
    </Shell>
  );
}

export function App() {
  const [error, setError] = createSignal<ApiError>();
  const start = () => {
    setError(undefined);
    readSession().catch((reason: ApiError) => setError(reason));
  };
  onMount(start);

  createEffect(() => {
    const { path, params } = route();
    const isOld =
      MOVED[path] !== undefined ||
      !(PAGES.includes(path) || path.startsWith('/event/')) ||
      translateOldLink(params) !== null;
    if (isOld) return go(presentAddress(), 'replace');
    if (session() === null && path !== '/login') go(loginLink(location.hash), 'replace');
    // Without a login, or with one already, there is nothing to do on that page.
    if (session() && path === '/login' && !canSignOut()) go('#/overview', 'replace');
  });

  return (
    <Switch>
      <Match when={error()}>
        {(reason) => (
          <main class="alone">
            <h1 class="sr">{words.product}</h1>
            <Failure what={words.product} error={reason()} onRetry={start} />
          </main>
        )}
      </Match>
      <Match when={session() !== undefined && route().path === '/login'}>
        <Login />
      </Match>
      <Match when={session()}>
        <Show when={route().path !== '/'}>
          <Pages />
        </Show>
      </Match>
    </Switch>
  );
}
