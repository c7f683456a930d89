/* One event beside the list, or over it where there is no room for both. The list stays as it is. */
import { createEffect, createSignal, on, Show } from 'solid-js';
import { api } from '../api';
import { useQuery } from '../load';
import { eventMoment } from '../logic/time';
import { scope } from '../scope';
import type { AlertEvent } from '../types';
import { Icon, PriorityGlyph, slugOf } from '../ui/Icon';
import { Failure, Nothing, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { words } from '../words';
import { Acts, FieldTable, Json, Sentence, Tags } from './EventDetail';
import { Ancestry, Around, Exception, RuleText, Where } from './EventParts';

function Body(props: { event: AlertEvent }) {
  const [isJsonOpen, setJsonOpen] = createSignal(false);
  return (
    <div class="db">
      <section>
        <Sentence event={props.event} />
        <p class="output">
          <Value text={props.event.output} limit={4096} />
        </p>
        <Acts event={props.event} />
        <Tags event={props.event} />
      </section>
      <Ancestry event={props.event} />
      <Where event={props.event} />
      <section aria-labelledby="d-fields">
        <h2 id="d-fields">
          {words.event.fields} <small>{props.event.fields.length}</small>
        </h2>
        <FieldTable event={props.event} />
      </section>
      <Around event={props.event} />
      <RuleText event={props.event} />
      <Exception event={props.event} />
      <details onToggle={(event) => setJsonOpen(event.currentTarget.open)}>
        <summary>
          {words.event.json} <small>{words.event.stored}</small>
        </summary>
        <Show when={isJsonOpen()}>
          <Json uuid={props.event.uuid} />
        </Show>
      </details>
    </div>
  );
}

interface DrawerProps {
  uuid: string;
  /** When the list has it, nothing need be asked. */
  known: AlertEvent | undefined;
  onClose: () => void;
  onMove: (by: number) => void;
}

export function Drawer(props: DrawerProps) {
  let element!: HTMLElement;
  const asked = useQuery(
    () => (props.known ? '' : props.uuid),
    (uuid, signal) => (uuid ? api.event(uuid, signal) : Promise.resolve(undefined)),
  );
  const event = () => props.known ?? asked.data();
  createEffect(on(() => props.uuid, () => element.scrollTo({ top: 0 }), { defer: true }));
  return (
    <aside class="drawer lr-detail" aria-labelledby="drawer-title" ref={element} tabindex="-1">
      <header class="dh">
        <div class="row1">
          <Show when={event()}>
            {(one) => (
              <>
                <span class={`badge p-${slugOf(one().priority)}`}>
                  <PriorityGlyph priority={one().priority} /> {words.priorities[one().priority]}
                </span>
                <span class="mono when">{eventMoment(one().time, scope().zone)}</span>
              </>
            )}
          </Show>
          <span class="sp" />
          <button class="btn icon ghost" type="button" aria-label={words.event.previous} title={words.event.previous} onClick={() => props.onMove(-1)}>
            <Icon name="up" />
          </button>
          <button class="btn icon ghost" type="button" aria-label={words.event.nextOne} title={words.event.nextOne} onClick={() => props.onMove(1)}>
            <Icon name="down" />
          </button>
          <button class="btn icon ghost" type="button" aria-label={words.close} title={words.close} onClick={() => props.onClose()}>
            <Icon name="x" />
          </button>
        </div>
        <h2 id="drawer-title">
          <Show when={event()} fallback={words.nav.event}>
            {(one) => <Value text={one().rule} field="rule" />}
          </Show>
        </h2>
      </header>
      <Show
        when={event()}
        keyed
        fallback={
          <Show when={asked.error()} fallback={<Skeleton rows={6} />}>
            {(error) => (
              <Show
                when={error().status !== 404}
                fallback={<Nothing title={words.event.noEvent} more={words.event.noEventMore} />}
              >
                <Failure what={words.nav.event} error={error()} onRetry={asked.refresh} />
              </Show>
            )}
          </Show>
        }
      >
        {(one) => <Body event={one} />}
      </Show>
    </aside>
  );
}
