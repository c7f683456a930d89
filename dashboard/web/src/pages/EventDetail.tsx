/* All that an event says: a sentence, its output, every field with what one can do with it, JSON. */
import { createMemo, createSignal, For, Match, Show, Switch } from 'solid-js';
import { api } from '../api';
import { useQuery } from '../load';
import { factsOf, fieldText, valueText } from '../logic/event';
import { bytes } from '../logic/number';
import { addTerm } from '../logic/query';
import { eventClock, MINUTE, rfc3339, zoneName } from '../logic/time';
import { indentJson } from '../logic/json';
import { visibleText } from '../logic/visible';
import { filterLink, linkTo, scope } from '../scope';
import { copy } from '../toast';
import type { AlertEvent, Field } from '../types';
import { Code } from '../ui/Code';
import { Icon } from '../ui/Icon';
import { Failure, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { words } from '../words';

const CELL_LIMIT = 4096;
const FILTER_LIMIT = 500;
const JSON_LIMIT = 256 * 1024;

export function Sentence(props: { event: AlertEvent }) {
  const moment = () =>
    `${eventClock(props.event.time, scope().zone, 3)} ${zoneName(scope().zone, Date.parse(props.event.time))}`;
  const parts = createMemo(() => words.event.sentence(factsOf(props.event), moment()));
  return (
    <p class="say">
      <For each={parts()}>
        {(part) =>
          typeof part === 'string' ? (
            part
          ) : (
            <b>
              <Value text={part.value} isPlain />
            </b>
          )
        }
      </For>
    </p>
  );
}

export const eventLink = (uuid: string) => linkTo(`/event/${encodeURIComponent(uuid)}`);

export function Acts(props: { event: AlertEvent; isPage?: boolean }) {
  const container = () => fieldText(props.event, 'container.id');
  const around = () => {
    const at = Date.parse(props.event.time);
    return linkTo('/events', {
      q: addTerm('', 'container.id', container()),
      from: rfc3339(at - 5 * MINUTE),
      to: rfc3339(at + 5 * MINUTE),
    });
  };
  const address = () => new URL(eventLink(props.event.uuid), location.href).href;
  return (
    <div class="acts">
      <Show when={!props.isPage}>
        <a class="btn sm" href={eventLink(props.event.uuid)}>
          <Icon name="ext" size={14} /> {words.event.page}
        </a>
      </Show>
      <button class="btn sm" type="button" onClick={() => void copy(address(), words.event.link)}>
        <Icon name="link" size={14} /> {words.event.copyLink}
      </button>
      <Show when={fieldText(props.event, 'k8s.pod.name')}>
        {(pod) => (
          <a class="btn sm" href={linkTo('/responses', { ns: fieldText(props.event, 'k8s.ns.name'), pod: pod() })}>
            <Icon name="responses" size={14} /> {words.event.responses}
          </a>
        )}
      </Show>
      <Show when={container() && container() !== 'host'}>
        <a class="btn sm" href={around()}>
          <Icon name="clock" size={14} /> {words.event.around}
        </a>
      </Show>
    </div>
  );
}

/** Null and lists have no single value to search by, and a long one makes no link. */
function canFilter(field: Field): boolean {
  return (
    field.value !== null &&
    !Array.isArray(field.value) &&
    valueText(field.value).length <= FILTER_LIMIT &&
    valueText(field.value) !== ''
  );
}

function FieldRow(props: { field: Field }) {
  const text = () => valueText(props.field.value);
  const name = () => visibleText(props.field.name);
  const [isWhole, setWhole] = createSignal(false);
  const link = (isNegated: boolean) =>
    linkTo('/events', { q: addTerm(scope().q, props.field.name, text(), isNegated) });
  return (
    <tr>
      <th scope="row">
        <Value text={props.field.name} isPlain />
      </th>
      <td classList={{ null: props.field.value === null }}>
        <Value text={text()} field={props.field.name} limit={isWhole() ? Infinity : CELL_LIMIT} />
        <Show when={text().length > CELL_LIMIT && !isWhole()}>
          {' '}
          <button class="btn sm" type="button" onClick={() => setWhole(true)}>
            {words.event.showAll(bytes(text().length))}
          </button>
        </Show>
      </td>
      <td class="a">
        <button
          type="button"
          aria-label={words.event.copyField(name())}
          title={words.event.copyField(name())}
          onClick={() => void copy(text(), name())}
        >
          <Icon name="copy" size={14} />
        </button>
        <Show when={canFilter(props.field)}>
          <a href={link(false)} aria-label={words.event.filterFor(name())} title={words.event.filterFor(name())}>
            <Icon name="plus" size={14} />
          </a>
          <a href={link(true)} aria-label={words.event.filterOut(name())} title={words.event.filterOut(name())}>
            <Icon name="minus" size={14} />
          </a>
        </Show>
      </td>
    </tr>
  );
}

/** So many fields are found by the eye. */
const FEW_FIELDS = 12;

export function FieldTable(props: { event: AlertEvent }) {
  const [wanted, setWanted] = createSignal('');
  const found = createMemo(() => {
    const text = wanted().trim().toLowerCase();
    if (!text) return props.event.fields;
    const has = (field: Field) => `${field.name}\n${valueText(field.value)}`.toLowerCase().includes(text);
    return props.event.fields.filter(has);
  });
  return (
    <div class="ftab">
      <Show when={props.event.fields.length > FEW_FIELDS}>
        <input
          class="findf"
          type="search"
          aria-label={words.event.find}
          placeholder={words.event.find}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </Show>
      <Show when={props.event.fields.length > 0 && found().length === 0}>
        <p class="muted pad">{words.event.noFound}</p>
      </Show>
      <Show when={props.event.fields.length > 0} fallback={<p class="muted pad">{words.event.noFields}</p>}>
        <table>
          <caption class="sr">{words.event.fieldTable}</caption>
          <thead class="sr">
            <tr>
              <th scope="col">{words.event.name}</th>
              <th scope="col">{words.event.value}</th>
              <th scope="col">{words.event.acts}</th>
            </tr>
          </thead>
          <tbody>
            <For each={found()}>{(field) => <FieldRow field={field} />}</For>
          </tbody>
        </table>
      </Show>
    </div>
  );
}

export function Tags(props: { event: AlertEvent }) {
  return (
    <Show when={props.event.tags.length > 0}>
      <ul class="tags" aria-label={words.event.tags}>
        <For each={props.event.tags}>
          {(tag) => (
            <li>
              <a href={filterLink('tags', tag)}>
                <Value text={tag} field="tags" />
              </a>
            </li>
          )}
        </For>
      </ul>
    </Show>
  );
}

export function Json(props: { uuid: string }) {
  const stored = useQuery(() => props.uuid, api.stored);
  const [isIndented, setIndented] = createSignal(true);
  const shown = createMemo(() => {
    const text = stored.data() ?? '';
    return isIndented() ? indentJson(text) : text;
  });
  return (
    <Switch fallback={<Skeleton rows={3} />}>
      <Match when={stored.error()}>
        {(error) => <Failure what={words.event.json} error={error()} onRetry={stored.refresh} />}
      </Match>
      <Match when={stored.data()}>
        {(text) => (
          <>
            <div class="acts">
              <button
                class="btn sm"
                type="button"
                aria-pressed={isIndented()}
                onClick={() => setIndented(!isIndented())}
              >
                {words.event.indent}
              </button>
              <button class="btn sm" type="button" onClick={() => void copy(text(), words.event.json)}>
                <Icon name="copy" size={14} /> {words.event.copyJson}
              </button>
            </div>
            <Code text={shown()} label={words.event.json} class="json" limit={JSON_LIMIT} />
          </>
        )}
      </Match>
    </Switch>
  );
}
