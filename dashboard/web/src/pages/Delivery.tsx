/* Whether alerts arrive: each output of each forwarder, what waits for it, and its last complaint. */
import { For, Match, onCleanup, Show, Switch } from 'solid-js';
import { api, type ApiError } from '../api';
import { useQuery } from '../load';
import { exact } from '../logic/number';
import { ageOf } from '../logic/time';
import { isOperator } from '../session';
import { say } from '../toast';
import type { Forwarder, Output } from '../types';
import { Icon } from '../ui/Icon';
import { Failure, Nothing, Skeleton } from '../ui/States';
import { words } from '../words';

const REFRESH_MS = 5000;

/** What every forwarder says, asked again while the page is looked at. */
export function useForwarders() {
  const query = useQuery(
    () => 'forwarders',
    (_, signal) => api.forwarders(signal),
  );
  const timer = setInterval(() => document.visibilityState === 'visible' && query.refresh(), REFRESH_MS);
  onCleanup(() => clearInterval(timer));
  return query;
}

/** One that cannot be asked, with the reason. */
export function Silent(props: { forwarder: Forwarder }) {
  return (
    <Show when={props.forwarder.error}>
      <p class="silent" role="alert">
        <Icon name="alert" size={14} class="bad" /> {words.delivery.silent(props.forwarder.url, props.forwarder.error ?? '')}
      </p>
    </Show>
  );
}

const isWell = (output: Output) => output.state === 'ok';

function TestButton(props: { forwarder: string; output: Output }) {
  const test = () =>
    api
      .testOutput(props.forwarder, props.output.name)
      .then(() => say(words.delivery.tested(props.output.title)))
      .catch((error: ApiError) => say(error.message, true));
  return (
    <button class="btn sm" type="button" aria-label={words.delivery.testOf(props.output.title)} onClick={() => void test()}>
      {words.delivery.test}
    </button>
  );
}

function OutputRow(props: { forwarder: string; output: Output }) {
  const since = () => Date.parse(props.output.last_error_time ?? '');
  return (
    <tr>
      <th scope="row">
        {props.output.title}
        <Show when={props.output.name !== props.output.output}>
          <small class="muted"> {props.output.name}</small>
        </Show>
      </th>
      <td>
        <span class="well" classList={{ bad: !isWell(props.output) }}>
          <Icon name={isWell(props.output) ? 'check' : 'alert'} size={14} /> {words.delivery.states[props.output.state] ?? props.output.state}
        </span>
      </td>
      <td class="num">{exact(props.output.queued)}</td>
      <td class="num">{props.output.oldest_ms > 0 ? words.shortSpan(ageOf(props.output.oldest_ms)) : words.delivery.nothing}</td>
      <td class="num">{exact(props.output.sent)}</td>
      <td class="num">{exact(props.output.dead_letters + props.output.cut)}</td>
      <td class="complaint">
        <Show when={props.output.last_error} fallback={<span class="muted">{words.none}</span>}>
          {(error) => (
            <>
              {error()} <small class="muted">{words.ago(ageOf(Date.now() - since()))}</small>
            </>
          )}
        </Show>
      </td>
      <td>
        <Show when={isOperator()} fallback={<span class="muted">{words.delivery.onlyOperators}</span>}>
          <TestButton forwarder={props.forwarder} output={props.output} />
        </Show>
      </td>
    </tr>
  );
}

function Outputs(props: { forwarder: Forwarder }) {
  return (
    <section class="card" aria-label={props.forwarder.url}>
      <header>
        <h2>{props.forwarder.url}</h2>
      </header>
      <div class="body">
        <Silent forwarder={props.forwarder} />
        <Show when={props.forwarder.outputs}>
          {(outputs) => (
            <Show when={outputs().length > 0} fallback={<Nothing title={words.delivery.noOutputs} more={words.delivery.noOutputsMore} />}>
              <div class="scroll" tabindex="0" role="region" aria-label={words.delivery.title}>
                <table class="works">
                  <thead>
                    <tr>
                      <For each={words.delivery.columns}>{(title, i) => <th scope="col" classList={{ num: i() > 1 && i() < 6 }}>{title}</th>}</For>
                    </tr>
                  </thead>
                  <tbody>
                    <For each={outputs()}>{(output) => <OutputRow forwarder={props.forwarder.url} output={output} />}</For>
                  </tbody>
                </table>
              </div>
            </Show>
          )}
        </Show>
      </div>
    </section>
  );
}

export function Delivery() {
  const query = useForwarders();
  document.title = words.title(words.nav.delivery);
  return (
    <main id="main" tabindex="-1" class="plain">
      <h1>{words.nav.delivery}</h1>
      <p class="muted">{words.delivery.about}</p>
      <Switch>
        <Match when={query.error()}>
          {(error) => <Failure what={words.nav.delivery} error={error()} onRetry={query.refresh} />}
        </Match>
        <Match when={query.data()}>
          {(forwarders) => (
            <For each={forwarders()} fallback={<Nothing title={words.delivery.noForwarder} more={words.delivery.noForwarderMore} />}>
              {(forwarder) => <Outputs forwarder={forwarder} />}
            </For>
          )}
        </Match>
        <Match when={true}>
          <Skeleton rows={4} />
        </Match>
      </Switch>
    </main>
  );
}
