/* What was done about alerts, what was held back and why, and what waits for somebody to decide. */
import { createEffect, createMemo, createRoot, createSignal, For, Match, on, onCleanup, Show, Switch } from 'solid-js';
import { api, type ApiError } from '../api';
import { useQuery } from '../load';
import { addTerm } from '../logic/query';
import { responsesOfAlerts } from '../logic/responses';
import { eventMoment, rfc3339 } from '../logic/time';
import { visibleText } from '../logic/visible';
import { go, route } from '../router';
import { linkTo, scope } from '../scope';
import { isOperator } from '../session';
import { say } from '../toast';
import type { Decision, Response, ResponseAction, ResponseState } from '../types';
import { Dialog } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import type { IconName } from '../ui/icons';
import { Failure, Nothing, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { words } from '../words';

const REFRESH_MS = 5000;
const PAGE = 50;
/** Of the store's alerts, when the responder does not answer. */
const ALERTS = 500;

const STATES: Record<ResponseState, { icon: IconName; tone: 'good' | 'bad' | 'held' | 'calm' }> = {
  waiting: { icon: 'hour', tone: 'held' },
  pending: { icon: 'clock', tone: 'calm' },
  running: { icon: 'rotate', tone: 'calm' },
  done: { icon: 'check', tone: 'good' },
  failed: { icon: 'alert', tone: 'bad' },
  refused: { icon: 'ban', tone: 'held' },
  expired: { icon: 'hour', tone: 'held' },
  dry_run: { icon: 'eye', tone: 'calm' },
  undoing: { icon: 'rotate', tone: 'calm' },
  undone: { icon: 'undo', tone: 'calm' },
  rejected: { icon: 'x', tone: 'held' },
};
/** What one looks for; the others are found under "all". */
const FILTERS = ['', 'waiting', 'done', 'failed', 'refused'] as const;

/** To the second. */
const moment = (ms: number) => eventMoment(rfc3339(ms), scope().zone).replace(/\.\d+/, '');

interface Wanted {
  state: string;
  namespace: string;
  pod: string;
}

/** The address is the only home of what is looked for. */
const wanted = createRoot(() =>
  createMemo(
    (): Wanted => {
      const { params } = route();
      return { state: params.get('state') ?? '', namespace: params.get('ns') ?? '', pod: params.get('pod') ?? '' };
    },
    undefined,
    { equals: (a, b) => a.state === b.state && a.namespace === b.namespace && a.pod === b.pod },
  ),
);

function fromStore({ namespace, pod }: Wanted, signal: AbortSignal) {
  let q = 'source:response';
  if (namespace) q = addTerm(q, 'k8s.ns.name', namespace);
  if (pod) q = addTerm(q, 'k8s.pod.name', pod);
  return api.events({ q, from: 'now-30d', to: 'now' }, ALERTS, '', signal);
}

/** What the responder says, else what the alerts say that it sent. */
async function load(which: Wanted, signal: AbortSignal) {
  const said = await api.responses({ ...which, limit: PAGE }, signal);
  if (said.is_configured && !said.error) return { ...said, isTold: false };
  const told = responsesOfAlerts((await fromStore(which, signal)).events);
  return { ...said, responses: told.filter((one) => !which.state || one.state === which.state), isTold: true };
}

function Action(props: { action: ResponseAction }) {
  const isBad = () => props.action.state === 'failed';
  return (
    <li>
      <Icon name={isBad() ? 'alert' : props.action.state === 'undone' ? 'undo' : 'check'} size={14} class={isBad() ? 'bad' : 'faint'} />
      <span>
        <b>
          <Value text={props.action.action || props.action.actionner} isPlain />
        </b>{' '}
        <code>{visibleText(props.action.actionner)}</code>{' '}
        <span class="muted">
          {words.responses.actionStates[props.action.state] ?? props.action.state}
          <Show when={props.action.took_ms > 0}>{`, ${words.responses.took(props.action.took_ms)}`}</Show>
        </span>
        <Show when={props.action.result}>
          {(result) => (
            <>
              <br />
              <Value class="result" text={result()} limit={1000} isPlain />
            </>
          )}
        </Show>
      </span>
    </li>
  );
}

function Notes(props: { response: Response }) {
  const notes = () => {
    const { state, decided_by, deadline_ms, undo_ms, took_ms } = props.response;
    return [
      decided_by ? words.responses.decidedBy(visibleText(decided_by)) : '',
      took_ms > 0 ? words.responses.took(took_ms) : '',
      deadline_ms > 0 && (state === 'waiting' || state === 'pending') ? words.responses.expires(moment(deadline_ms)) : '',
      undo_ms > 0 && (state === 'done' || state === 'failed') ? words.responses.undoneAt(moment(undo_ms)) : '',
    ].filter((note) => note !== '');
  };
  return (
    <Show when={notes().length > 0}>
      <p class="muted">{notes().join(' · ')}</p>
    </Show>
  );
}

function About(props: { response: Response }) {
  const where = () => [props.response.namespace, props.response.pod].filter((part) => part).join('/');
  return (
    <p class="about">
      <Show when={where()}>
        <a href={linkTo('/responses', { ns: props.response.namespace ?? '', pod: props.response.pod ?? '' })}>
          <Value text={where()} isPlain />
        </a>
      </Show>
      <Show when={props.response.node}>
        {(node) => (
          <span class="muted">
            {words.responses.on} <Value text={node()} isPlain />
          </span>
        )}
      </Show>
      <Show when={props.response.alert_uuid}>
        {(uuid) => (
          <a href={linkTo(`/event/${encodeURIComponent(uuid())}`)}>
            {words.responses.toAlert}{' '}
            <Show when={props.response.alert?.rule}>{(rule) => <Value text={rule()} isPlain />}</Show>
          </a>
        )}
      </Show>
    </p>
  );
}

function One(props: { response: Response; onDecide: (decision: Decision) => void }) {
  const look = () => STATES[props.response.state] ?? STATES.done;
  return (
    <li class="card resp" data-id={props.response.id}>
      <header>
        <span class={`well ${look().tone}`}>
          <Icon name={look().icon} size={14} /> {words.responses.states[props.response.state] ?? props.response.state}
        </span>
        <h2>
          <Value text={props.response.rule} isPlain />
        </h2>
        <span class="sp" />
        <time class="mono muted" datetime={rfc3339(props.response.created_ms)}>
          {moment(props.response.created_ms)}
        </time>
      </header>
      <div class="body">
        <About response={props.response} />
        <Show when={props.response.why}>
          {(why) => (
            <p class="why">
              <Value text={why()} limit={1000} isPlain />
            </p>
          )}
        </Show>
        <Show when={(props.response.actions?.length ?? 0) > 0}>
          <ul class="did" aria-label={words.responses.actions}>
            <For each={props.response.actions}>{(action) => <Action action={action} />}</For>
          </ul>
        </Show>
        <Notes response={props.response} />
        <Show when={props.response.decisions.length > 0}>
          <Show when={isOperator()} fallback={<p class="muted">{words.responses.onlyOperators}</p>}>
            <div class="acts">
              <For each={props.response.decisions}>
                {(decision) => (
                  <button
                    class="btn sm"
                    classList={{ primary: decision === 'approve' }}
                    type="button"
                    aria-label={words.responses.decideOf(words.responses.decisions[decision], visibleText(props.response.rule))}
                    onClick={() => props.onDecide(decision)}
                  >
                    {words.responses.decisions[decision]}
                  </button>
                )}
              </For>
            </div>
          </Show>
        </Show>
      </div>
    </li>
  );
}

/** What one decides here happens to a pod: so it is asked once more. */
function Confirm(props: { response: Response; decision: Decision; onClose: () => void; onDone: () => void }) {
  const [isBusy, setBusy] = createSignal(false);
  const act = async () => {
    if (isBusy()) return;
    setBusy(true);
    try {
      await api.decide(props.response.id, props.decision);
      say(words.responses.decided[props.decision]);
      props.onDone();
    } catch (error) {
      say((error as ApiError).message, true);
    }
    props.onClose();
  };
  return (
    <Dialog title={words.responses.decideOf(words.responses.decisions[props.decision], visibleText(props.response.rule))} onClose={props.onClose} class="narrow">
      <p>{words.responses.confirm[props.decision]}</p>
      <About response={props.response} />
      <Show when={props.response.why}>
        {(why) => (
          <p class="muted">
            <Value text={why()} limit={400} isPlain />
          </p>
        )}
      </Show>
      <div class="acts confirm">
        <button class="btn primary" type="button" aria-disabled={isBusy()} onClick={() => void act()}>
          {words.responses.decisions[props.decision]}
        </button>
        <button class="btn" type="button" onClick={() => props.onClose()}>
          {words.responses.cancel}
        </button>
      </div>
    </Dialog>
  );
}

function Filters() {
  return (
    <div class="acts">
      <div class="seg" role="group" aria-label={words.responses.filter}>
        <For each={FILTERS}>
          {(state) => (
            <button type="button" aria-pressed={wanted().state === state} onClick={() => go(linkTo('/responses', { state }))}>
              {state ? words.responses.states[state] : words.responses.all}
            </button>
          )}
        </For>
      </div>
      <Show when={wanted().pod || wanted().namespace}>
        <a class="btn sm" href={linkTo('/responses', { ns: '', pod: '' })} aria-label={words.responses.allPods}>
          <Value text={[wanted().namespace, wanted().pod].filter((part) => part).join('/')} isPlain /> <Icon name="x" size={14} />
        </a>
      </Show>
    </div>
  );
}

function Empty(props: { isConfigured: boolean }) {
  const isNarrowed = () => wanted().state !== '' || wanted().pod !== '' || wanted().namespace !== '';
  return (
    <section class="card">
      <Show
        when={props.isConfigured || isNarrowed()}
        fallback={<Nothing title={words.responses.noResponder} more={words.responses.noResponderMore} />}
      >
        <Nothing
          title={isNarrowed() ? words.responses.noneSuch : words.responses.none}
          more={isNarrowed() ? undefined : words.responses.noneMore}
        >
          <Show when={isNarrowed()}>
            <a class="btn sm" href={linkTo('/responses', { state: '', ns: '', pod: '' })}>
              {words.responses.showAll}
            </a>
          </Show>
        </Nothing>
      </Show>
    </section>
  );
}

export function Responses() {
  document.title = words.title(words.nav.responses);
  const query = useQuery(wanted, load);
  const [older, setOlder] = createSignal<Response[]>([]);
  const [isEnd, setEnd] = createSignal(false);
  const [asked, setAsked] = createSignal<{ response: Response; decision: Decision }>();
  const timer = setInterval(() => document.visibilityState === 'visible' && query.refresh(), REFRESH_MS);
  onCleanup(() => clearInterval(timer));
  createEffect(on(wanted, () => (setOlder([]), setEnd(false))));

  const shown = createMemo(() => {
    const first = query.data()?.responses ?? [];
    const known = new Set(first.map((one) => one.id));
    return [...first, ...older().filter((one) => !known.has(one.id))];
  });
  const hasMore = () => !isEnd() && query.data()?.isTold === false && (query.data()?.responses.length ?? 0) >= PAGE;
  const showOlder = async () => {
    const before = shown().at(-1)?.id;
    try {
      const next = await api.responses({ ...wanted(), limit: PAGE, before: String(before ?? '') });
      setOlder([...older(), ...next.responses]);
      setEnd(next.responses.length < PAGE);
    } catch (error) {
      say((error as ApiError).message, true);
    }
  };

  return (
    <main id="main" tabindex="-1" class="plain">
      <h1>{words.nav.responses}</h1>
      <p class="muted">{words.responses.about}</p>
      <Filters />
      <Switch>
        <Match when={query.error()}>
          {(error) => <Failure what={words.nav.responses} error={error()} onRetry={query.refresh} />}
        </Match>
        <Match when={query.data()}>
          {(data) => (
            <>
              <Show when={data().error}>
                {(why) => (
                  <p class="silent" role="alert">
                    <Icon name="alert" size={14} class="bad" /> {words.responses.silent(visibleText(why()))}
                  </p>
                )}
              </Show>
              <Show when={data().dry_run}>
                <p class="banner warn">
                  <Icon name="eye" /> <span>{words.responses.dryRun}</span>
                </p>
              </Show>
              <Show when={data().isTold && data().responses.length > 0}>
                <p class="muted">{words.responses.fromAlerts}</p>
              </Show>
              <Show when={shown().length > 0} fallback={<Empty isConfigured={data().is_configured} />}>
                <ol class="resps" aria-label={words.nav.responses}>
                  <For each={shown()}>
                    {(response) => <One response={response} onDecide={(decision) => setAsked({ response, decision })} />}
                  </For>
                </ol>
                <Show when={hasMore()}>
                  <button class="btn" type="button" onClick={() => void showOlder()}>
                    {words.responses.more}
                  </button>
                </Show>
              </Show>
            </>
          )}
        </Match>
        <Match when={true}>
          <Skeleton rows={4} />
        </Match>
      </Switch>
      <Show when={asked()} keyed>
        {(one) => (
          <Confirm response={one.response} decision={one.decision} onClose={() => setAsked(undefined)} onDone={query.refresh} />
        )}
      </Show>
    </main>
  );
}
