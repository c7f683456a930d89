/* Parts of one event that both its page and the drawer show: ancestry, place, neighbours, exception. */
import { createMemo, For, Match, Show, Switch } from 'solid-js';
import { api } from '../api';
import { useQuery } from '../load';
import { ancestorsOf, fieldText } from '../logic/event';
import { draftException } from '../logic/exception';
import { eventClock } from '../logic/time';
import { visibleText } from '../logic/visible';
import { filterLink, linkTo, scope } from '../scope';
import { copy } from '../toast';
import type { AlertEvent } from '../types';
import { Code } from '../ui/Code';
import { Icon, PriorityGlyph } from '../ui/Icon';
import { Failure, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { words } from '../words';

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

export function Ancestry(props: { event: AlertEvent }) {
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

export function Where(props: { event: AlertEvent }) {
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

function AroundRow(props: { event: AlertEvent; isSelf?: boolean }) {
  const object = () => fieldText(props.event, 'proc.cmdline') || props.event.output;
  return (
    <li classList={{ self: props.isSelf ?? false }}>
      <span class="tm">{eventClock(props.event.time, scope().zone, 3)}</span>
      <PriorityGlyph priority={props.event.priority} size={13} isNamed />
      <span class="what2">
        <Show
          when={!props.isSelf}
          fallback={
            <b>
              <Value text={props.event.rule} isPlain /> ({words.event.thisOne})
            </b>
          }
        >
          <a href={linkTo(`/event/${encodeURIComponent(props.event.uuid)}`)}>
            <Value text={props.event.rule} isPlain />
          </a>
        </Show>
        <small class="el">
          <Value text={object()} limit={200} isPlain />
        </small>
      </span>
    </li>
  );
}

/** What happened in the same container shortly before and after. */
export function Around(props: { event: AlertEvent }) {
  const around = useQuery(() => props.event.uuid, api.around);
  const isAlone = () => around.data()?.after.length === 0 && around.data()?.before.length === 0;
  return (
    <section aria-labelledby="d-around">
      <h2 id="d-around">
        {words.event.aroundIt} <small>{words.event.aroundSame}</small>
      </h2>
      <Switch fallback={<Skeleton rows={2} />}>
        <Match when={around.error()}>
          {(error) => <Failure what={words.event.aroundIt} error={error()} onRetry={around.refresh} />}
        </Match>
        <Match when={around.data()?.value === null}>
          <p class="muted">{words.event.aroundNowhere}</p>
        </Match>
        <Match when={isAlone()}>
          <p class="muted">{words.event.aroundNone}</p>
        </Match>
        <Match when={around.data()}>
          {(data) => (
            <ol class="around">
              <For each={data().after}>{(event) => <AroundRow event={event} />}</For>
              <AroundRow event={props.event} isSelf />
              <For each={data().before}>{(event) => <AroundRow event={event} />}</For>
            </ol>
          )}
        </Match>
      </Switch>
    </section>
  );
}

/** As it stands in the rules files, with what changes it. */
export function RuleText(props: { event: AlertEvent }) {
  const rule = useQuery(() => props.event.rule, api.rule);
  return (
    <section aria-labelledby="d-rule">
      <h2 id="d-rule">{words.event.ruleText}</h2>
      <Switch fallback={<Skeleton rows={2} />}>
        <Match when={rule.error()}>
          {(error) => <Failure what={words.event.ruleText} error={error()} onRetry={rule.refresh} />}
        </Match>
        <Match when={rule.data()?.is_configured === false}>
          <p class="muted">{words.event.noRules}</p>
        </Match>
        <Match when={rule.data()}>
          {(data) => (
            <>
              <Show when={data().error}>{(why) => <p class="muted place">{words.event.ruleUnread(visibleText(why()))}</p>}</Show>
              <For each={data().texts} fallback={<p class="muted">{words.event.noRuleText}</p>}>
                {(one) => (
                  <>
                    <p class="muted place">{words.event.ruleAt(visibleText(one.file), one.line)}</p>
                    <Code text={one.text.trimEnd()} label={words.event.ruleAt(visibleText(one.file), one.line)} class="yaml" />
                  </>
                )}
              </For>
            </>
          )}
        </Match>
      </Switch>
    </section>
  );
}

export function Exception(props: { event: AlertEvent }) {
  const draft = createMemo(() => draftException(props.event));
  return (
    <section aria-labelledby="d-exception">
      <h2 id="d-exception">{words.event.rule}</h2>
      <p class="muted">{words.event.draft}</p>
      <Code text={draft().trimEnd()} label={words.event.theDraft} class="yaml" />
      <div class="acts">
        <button class="btn sm" type="button" onClick={() => void copy(draft(), words.event.theDraft)}>
          <Icon name="copy" size={14} /> {words.event.copyDraft}
        </button>
      </div>
    </section>
  );
}
