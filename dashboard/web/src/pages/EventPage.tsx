/* One event, by its permanent address. The drawer of a later issue shows the same parts. */
import { createEffect, createMemo, For, Match, Show, Switch } from 'solid-js';
import { api, ApiError } from '../api';
import { useQuery } from '../load';
import { ancestorsOf, fieldText } from '../logic/event';
import { eventMoment } from '../logic/time';
import { visibleText } from '../logic/visible';
import { filterLink, linkTo, scope } from '../scope';
import type { AlertEvent } from '../types';
import { slugOf, Icon, PriorityGlyph } from '../ui/Icon';
import { Failure, Nothing, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { useKeys } from '../keys';
import { go } from '../router';
import { words } from '../words';
import { Acts, FieldTable, Json, Sentence, Tags } from './EventDetail';

interface Step {
  name: string;
  detail: string;
  pid: string;
}

/** The event's own process last. What the event does not tell is left out, not made up. */
function stepsOf(event: AlertEvent): Step[] {
  const ancestors = ancestorsOf(event);
  const hasParent = fieldText(event, 'proc.pname') !== '';
  const steps = ancestors.map<Step>((name, i) => {
    const isParent = hasParent && i === ancestors.length - 1;
    return {
      name,
      detail: isParent ? fieldText(event, 'proc.pcmdline') : '',
      pid: isParent ? fieldText(event, 'proc.ppid') : '',
    };
  });
  const name = fieldText(event, 'proc.name');
  if (name) steps.push({ name, detail: fieldText(event, 'proc.cmdline'), pid: fieldText(event, 'proc.pid') });
  return steps;
}

function Ancestry(props: { event: AlertEvent }) {
  const steps = createMemo(() => stepsOf(props.event));
  return (
    <Show when={steps().length > 0}>
      <section aria-labelledby="d-tree">
        <h2 id="d-tree">
          {words.event.ancestry} <small>{words.event.oldest}</small>
        </h2>
        <ol class="tree">
          <For each={steps()}>
            {(step, i) => (
              <li classList={{ self: i() === steps().length - 1 }} style={{ '--depth': String(Math.min(i(), 7)) }}>
                <div class="step">
                  <b>
                    <Value text={step.name} />
                  </b>
                  <span class="pid">{step.pid}</span>
                  <Show when={step.detail}>
                    <Value class="cmd" text={step.detail} />
                  </Show>
                </div>
              </li>
            )}
          </For>
        </ol>
      </section>
    </Show>
  );
}

interface Place {
  label: string;
  field: string;
  text: string;
}

function placesOf(event: AlertEvent): Place[] {
  const labels = words.event.labels;
  const of = (label: string, field: string): Place => ({ label, field, text: fieldText(event, field) });
  return [
    { label: labels.host, field: 'hostname', text: event.hostname },
    of(labels.namespace, 'k8s.ns.name'),
    of(labels.pod, 'k8s.pod.name'),
    of(labels.container, 'container.name'),
    of(labels.id, 'container.id'),
    of(labels.image, 'container.image.repository'),
    of(labels.user, 'user.name'),
    { label: labels.rule, field: 'rule', text: event.rule },
    { label: labels.source, field: 'source', text: event.source },
  ].filter((place) => place.text !== '');
}

function Where(props: { event: AlertEvent }) {
  return (
    <section aria-labelledby="d-where">
      <h2 id="d-where">{words.event.where}</h2>
      <dl class="kv">
        <For each={placesOf(props.event)}>
          {(place) => (
            <div>
              <dt>{place.label}</dt>
              <dd>
                <a href={filterLink(place.field, place.text)}>
                  <Value text={place.text} field={place.field} />
                </a>
              </dd>
            </div>
          )}
        </For>
      </dl>
    </section>
  );
}

function Whole(props: { event: AlertEvent }) {
  createEffect(() => (document.title = words.title(visibleText(props.event.rule))));
  return (
    <article class="event">
      <header class="dh">
        <div class="row1">
          <span class={`badge p-${slugOf(props.event.priority)}`}>
            <PriorityGlyph priority={props.event.priority} /> {words.priorities[props.event.priority]}
          </span>
          <span class="mono">{eventMoment(props.event.time, scope().zone)}</span>
        </div>
        <h1>
          <Value text={props.event.rule} field="rule" />
        </h1>
        <Sentence event={props.event} />
        <Acts event={props.event} isPage />
      </header>
      <div class="db">
        <section aria-labelledby="d-output">
          <h2 id="d-output">{words.event.output}</h2>
          <p class="output">
            <Value text={props.event.output} limit={4096} />
          </p>
          <Tags event={props.event} />
        </section>
        <div class="two">
          <Ancestry event={props.event} />
          <Where event={props.event} />
        </div>
        <section aria-labelledby="d-fields">
          <h2 id="d-fields">
            {words.event.fields} <small>{props.event.fields.length}</small>
          </h2>
          <FieldTable event={props.event} />
        </section>
        <section aria-labelledby="d-json">
          <h2 id="d-json">
            {words.event.json} <small>{words.event.stored}</small>
          </h2>
          <Json uuid={props.event.uuid} />
        </section>
      </div>
    </article>
  );
}

export function EventPage(props: { uuid: string }) {
  const uuid = () => {
    try {
      return decodeURIComponent(props.uuid);
    } catch {
      return props.uuid;
    }
  };
  const event = useQuery(uuid, api.event);
  const back = () => linkTo('/events', {});
  createEffect(() => (document.title = words.title(words.nav.event)));
  useKeys({ Escape: () => go(back()) });

  const isMissing = () => event.error() instanceof ApiError && event.error()?.status === 404;
  return (
    <main id="main" tabindex="-1">
      <a class="back" href={back()}>
        <Icon name="left" size={14} /> {words.event.back}
      </a>
      <Switch
        fallback={
          <section class="card" aria-busy="true" aria-label={words.nav.event}>
            <h1 class="sr">{words.nav.event}</h1>
            <Skeleton rows={6} />
          </section>
        }
      >
        <Match when={isMissing()}>
          <section class="card">
            <h1 class="sr">{words.nav.event}</h1>
            <Nothing title={words.event.noEvent} more={words.event.noEventMore} />
          </section>
        </Match>
        <Match when={event.error()}>
          {(error) => (
            <section class="card">
              <h1 class="sr">{words.nav.event}</h1>
              <Failure what={words.nav.event} error={error()} onRetry={event.refresh} />
            </section>
          )}
        </Match>
        <Match when={event.data()}>{(data) => <Whole event={data()} />}</Match>
      </Switch>
    </main>
  );
}
