/* The frame around every page: rail or bottom bar, top bar, and what lies over the page. */
import { createSignal, For, Show, type JSX } from 'solid-js';
import { isSignInNeeded } from '../api';
import { keepLive, liveState } from '../live';
import { useKeys } from '../keys';
import { go, route } from '../router';
import { linkTo, scope, setScope } from '../scope';
import { canSignOut, session, signOut } from '../session';
import { flipTheme, setTheme, shownTheme, theme, THEMES } from '../theme';
import { closeToast, say, toast } from '../toast';
import { Dialog } from '../ui/Dialog';
import { Icon, Mark } from '../ui/Icon';
import type { IconName } from '../ui/icons';
import { ThemeChoice } from '../ui/ThemeChoice';
import { ViewList } from './Views';
import { words } from '../words';
import { Help } from './Help';
import { QueryBar } from './QueryBar';
import { SignInDialog } from './SignIn';
import { TimeRange } from './TimeRange';

interface Place {
  path: string;
  icon: IconName;
  label: string;
  /** Has no room in the bar of a phone: under "More" there. */
  isMore?: true;
}

/* A page is a line here and one in app.tsx. */
const PLACES: Place[] = [
  { path: '/overview', icon: 'overview', label: words.nav.overview },
  { path: '/events', icon: 'events', label: words.nav.events },
  { path: '/delivery', icon: 'delivery', label: words.nav.delivery },
  { path: '/sensors', icon: 'sensors', label: words.nav.sensors },
  { path: '/responses', icon: 'responses', label: words.nav.responses, isMore: true },
  { path: '/settings', icon: 'settings', label: words.nav.settings, isMore: true },
];

const isHere = (place: Place) =>
  route().path === place.path || (place.path === '/events' && route().path.startsWith('/event/'));

const whoWords = () => (session()?.known_by === 'proxy' ? words.nav.byProxy : words.nav.noLogin);

const leave = () => void signOut().catch((error: Error) => say(error.message, true));

function Rail(props: { onHelp: () => void }) {
  return (
    <nav class="rail" aria-label={words.nav.label}>
      <a class="brand" href={linkTo('/overview')} aria-label={words.nav.home}>
        <Mark size={24} /> <span>{words.product}</span>
      </a>
      <ul>
        <For each={PLACES}>
          {(place) => (
            <li>
              <a
                class="nav-i"
                href={linkTo(place.path)}
                aria-current={isHere(place) ? 'page' : undefined}
                title={place.label}
              >
                <Icon name={place.icon} size={18} /> <span class="nav-l">{place.label}</span>
              </a>
            </li>
          )}
        </For>
      </ul>
      <ViewList />
      <div class="rail-sp" />
      <ul>
        <li>
          <button class="nav-i" type="button" title={words.nav.help} onClick={() => props.onHelp()}>
            <Icon name="help" size={18} /> <span class="nav-l">{words.nav.help}</span> <kbd aria-hidden="true">?</kbd>
          </button>
        </li>
        <li>
          <ThemeButton />
        </li>
      </ul>
      <div class="who">
        <Icon name="user" size={20} />
        <span class="nav-l">
          <b class="el">{session()?.user}</b>
          <Show when={canSignOut()} fallback={<small>{whoWords()}</small>}>
            <button type="button" onClick={leave}>
              {words.nav.signOut}
            </button>
          </Show>
        </span>
      </div>
    </nav>
  );
}

/** Goes round: as the system, light, dark. */
function ThemeButton() {
  const next = () => THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length] ?? 'system';
  const icon = (): IconName => (theme() === 'system' ? 'system' : shownTheme() === 'dark' ? 'moon' : 'sun');
  return (
    <button class="nav-i" type="button" title={words.theme.now(theme())} onClick={() => setTheme(next())}>
      <Icon name={icon()} size={18} /> <span class="nav-l">{words.nav.theme}</span>{' '}
      <small>{words.theme[theme()]}</small>
    </button>
  );
}

function LiveButton() {
  const label = () =>
    liveState().is === 'off' ? words.live.off : liveState().is === 'open' ? words.live.on : words.live.connecting;
  const toggle = () =>
    setScope(
      scope().isLive ? { isLive: false } : { isLive: true, to: 'now' },
      scope().to === 'now' ? 'replace' : 'push',
    );
  useKeys({ l: toggle });
  return (
    <button
      class="btn live"
      classList={{ on: liveState().is === 'open', cut: liveState().is === 'cut' || liveState().is === 'connecting' }}
      type="button"
      aria-label={label()}
      aria-pressed={scope().isLive}
      onClick={toggle}
    >
      <i class="pulse" />
      <span>{words.live.label}</span>
    </button>
  );
}

function TopBar() {
  return (
    <header class="top">
      <a class="brand phone" href={linkTo('/overview')} aria-label={words.nav.home}>
        <Mark size={22} />
      </a>
      <QueryBar />
      <TimeRange />
      <LiveButton />
    </header>
  );
}

function PhoneBar(props: { onMore: () => void }) {
  return (
    <nav class="tabs-phone" aria-label={words.nav.label}>
      <For each={PLACES.filter((place) => !place.isMore)}>
        {(place) => (
          <a href={linkTo(place.path)} aria-current={isHere(place) ? 'page' : undefined}>
            <Icon name={place.icon} size={20} /> <span>{place.label}</span>
          </a>
        )}
      </For>
      <button type="button" onClick={() => props.onMore()}>
        <Icon name="more" size={20} /> <span>{words.nav.more}</span>
      </button>
    </nav>
  );
}

/** What the rail holds, where there is no rail. */
function More(props: { onClose: () => void; onHelp: () => void }) {
  return (
    <Dialog title={words.nav.more} onClose={props.onClose} class="narrow">
      <div class="more">
        <For each={PLACES.filter((place) => place.isMore)}>
          {(place) => (
            <a class="btn" href={linkTo(place.path)} aria-current={isHere(place) ? 'page' : undefined} onClick={() => props.onClose()}>
              <Icon name={place.icon} /> {place.label}
            </a>
          )}
        </For>
        <span>{words.nav.theme}</span>
        <ThemeChoice />
        <button class="btn" type="button" onClick={() => (props.onClose(), props.onHelp())}>
          <Icon name="help" /> {words.nav.help}
        </button>
        <Show when={canSignOut()} fallback={<p class="muted">{whoWords()}</p>}>
          <button class="btn" type="button" onClick={() => (props.onClose(), leave())}>
            <Icon name="leave" /> {words.nav.signOut}
          </button>
          <p class="muted">{words.nav.signedIn(session()?.user ?? '')}</p>
        </Show>
      </div>
    </Dialog>
  );
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      <Show when={toast()}>
        {(shown) => (
          <div class="toast" classList={{ bad: shown().isError }}>
            <Icon name={shown().isError ? 'alert' : 'check'} />
            <span>{shown().text}</span>
            <button class="btn sm ghost" type="button" onClick={closeToast}>
              {words.close}
            </button>
          </div>
        )}
      </Show>
    </div>
  );
}

export function Shell(props: { children: JSX.Element }) {
  const [sheet, setSheet] = createSignal<'help' | 'more'>();
  keepLive();
  useKeys({
    t: flipTheme,
    '?': () => setSheet('help'),
    'g o': () => go(linkTo('/overview')),
    'g e': () => go(linkTo('/events')),
    'g d': () => go(linkTo('/delivery')),
    'g s': () => go(linkTo('/sensors')),
    'g r': () => go(linkTo('/responses')),
    'g ,': () => go(linkTo('/settings')),
  });

  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {words.skip}
      </a>
      <Rail onHelp={() => setSheet('help')} />
      <div class="page">
        <TopBar />
        {props.children}
      </div>
      <PhoneBar onMore={() => setSheet('more')} />
      <Toasts />
      <Show when={sheet() === 'help'}>
        <Help onClose={() => setSheet(undefined)} />
      </Show>
      <Show when={sheet() === 'more'}>
        <More onClose={() => setSheet(undefined)} onHelp={() => setSheet('help')} />
      </Show>
      <Show when={isSignInNeeded()}>
        <SignInDialog />
      </Show>
    </div>
  );
}
