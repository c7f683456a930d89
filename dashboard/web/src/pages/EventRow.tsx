/* One event in the list: when, how grave, which rule, who did what, where; or many that are alike. */
import { createMemo, For, Show } from 'solid-js';
import { chainOf, techniqueOf, valueText, workloadOf } from '../logic/event';
import { day, eventClock, eventMoment } from '../logic/time';
import { cut, hasHit, snippet, visibleText, wordsFor } from '../logic/visible';
import { needles, scope } from '../scope';
import type { AlertEvent } from '../types';
import { Icon, PriorityGlyph } from '../ui/Icon';
import { Value } from '../ui/Value';
import { words } from '../words';

/** `node › sh › cat /etc/shadow`: ancestors quiet, the command itself in full ink. */
export function ChainLine(props: { event: AlertEvent }) {
  const chain = createMemo(() => chainOf(props.event));
  return (
    <Show when={chain()} fallback={<Value class="what" text={props.event.output} />}>
      {(one) => (
        <span class="chain">
          <For each={one().ancestors}>
            {(name) => (
              <>
                <Value text={name} field="proc.pname" />
                <i aria-hidden="true">›</i>
              </>
            )}
          </For>
          <Value class="last" text={one().command} field="proc.cmdline" />
          <Show when={one().object}>
            <Value class="what" text={one().object} field="fd.name" />
          </Show>
        </span>
      )}
    </Show>
  );
}

interface Found {
  label: string;
  field?: string;
  text: string;
}

/** A line of the list shows about as many letters before it is cut. */
const SEEN = 80;

/** Where a searched word stands that the row itself does not show: in the output or in a field. */
function findElsewhere(event: AlertEvent): Found | null {
  const list = wordsFor(needles());
  if (list.length === 0) return null;
  const chain = chainOf(event);
  const workload = workloadOf(event);
  const shown = [
    event.rule,
    cut(chain ? [...chain.ancestors, chain.command, chain.object].join('\n') : event.output, SEEN),
    workload.name,
    techniqueOf(event),
    ...workload.places.map((place) => place.text),
  ].join('\n');
  const missing = list.filter((word) => !hasHit(shown, [word]));
  if (missing.length === 0) return null;

  if (hasHit(event.output, missing)) return { label: words.events.output, text: snippet(event.output, missing) };
  const field = event.fields.find((one) => hasHit(valueText(one.value), missing));
  if (field) return { label: field.name, field: field.name, text: snippet(valueText(field.value), missing) };
  const tags = event.tags.filter((tag) => hasHit(tag, missing));
  return tags.length > 0 ? { label: words.event.tags, text: tags.join(', ') } : null;
}

interface EventRowProps {
  event: AlertEvent;
  index: number;
  isOpen: boolean;
  isFresh: boolean;
  isDated: boolean;
  onToggle: () => void;
  /** How many more the row stands for, and the way to them. */
  repeats?: number;
  isUnfolded?: boolean;
  isRepeat?: boolean;
  onUnfold?: () => void;
}

export function EventRow(props: EventRowProps) {
  const workload = createMemo(() => workloadOf(props.event));
  const elsewhere = createMemo(() => findElsewhere(props.event));
  return (
      <div
        class="lr r"
        classList={{ open: props.isOpen, fresh: props.isFresh, again: props.isRepeat ?? false }}
        role="row"
        aria-rowindex={props.index + 2}
        data-uuid={props.event.uuid}
        data-index={props.index}
      >
        <span class="tm" role="cell" title={eventMoment(props.event.time, scope().zone)}>
          {eventClock(props.event.time, scope().zone, 0)}
          <Show when={props.isDated}>
            <small>{day(Date.parse(props.event.time), scope().zone)}</small>
          </Show>
        </span>
        <span class="pc" role="cell">
          <PriorityGlyph priority={props.event.priority} size={15} isNamed />
        </span>
        <span class="rc" role="cell">
          <span class="l1">
            <button
              class="rule"
              type="button"
              aria-pressed={props.isOpen}
              onClick={() => props.onToggle()}
            >
              <Value text={props.event.rule} field="rule" />
            </button>
            <Show when={(props.repeats ?? 0) > 0}>
              <button
                class="again-n"
                type="button"
                aria-expanded={props.isUnfolded ?? false}
                title={props.isUnfolded ? words.events.refold : words.events.unfold(props.repeats ?? 0)}
                onClick={() => props.onUnfold?.()}
              >
                {words.events.repeats((props.repeats ?? 0) + 1)}
                <Icon name="down" size={12} class={props.isUnfolded ? 'turned' : ''} />
              </button>
            </Show>
            <Show when={techniqueOf(props.event)}>{(tag) => <Value class="tag" text={tag()} field="tags" />}</Show>
          </span>
          <span class="l2 el">
            <ChainLine event={props.event} />
          </span>
          <Show when={elsewhere()}>
            {(found) => (
              <span class="l3">
                <em>{words.events.foundIn(visibleText(found().label))}</em>{' '}
                <Value text={found().text} field={found().field ?? ''} />
              </span>
            )}
          </Show>
        </span>
        <span class="wl" role="cell">
          <b class="el">
            <Show when={workload().name} fallback={words.events.hostProcess}>
              <Value text={workload().name} field={workload().field} />
            </Show>
          </b>
          <small class="el">
            <For each={workload().places}>
              {(place, i) => (
                <>
                  {i() > 0 ? ' · ' : ''}
                  <Value text={place.text} field={place.field} />
                </>
              )}
            </For>
          </small>
        </span>
        <span class="xpc" role="cell">
          <Icon name="right" class="turn" />
        </span>
      </div>
  );
}
