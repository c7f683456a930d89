/* The time range: relative or between two times, and the zone that every time is shown in. */
import { createSignal, createUniqueId, For, Show } from 'solid-js';
import { useKeys } from '../keys';
import {
  clock,
  day,
  DAY,
  HOUR,
  isRelative,
  MINUTE,
  momentParam,
  partsOf,
  readMoment,
  spanOf,
  stepRange,
  typed,
  widenRange,
  zoneName,
  type Zone,
} from '../logic/time';
import { scope, setScope, type PageScope } from '../scope';
import { usePopover } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { words } from '../words';

const RELATIVE = [
  ['now-5m', 5 * MINUTE],
  ['now-15m', 15 * MINUTE],
  ['now-30m', 30 * MINUTE],
  ['now-1h', HOUR],
  ['now-4h', 4 * HOUR],
  ['now-12h', 12 * HOUR],
  ['now-24h', DAY],
  ['now-2d', 2 * DAY],
  ['now-7d', 7 * DAY],
  ['now-14d', 14 * DAY],
  ['now-30d', 30 * DAY],
] as const;

function lengthOf(from: string): number | undefined {
  const at = isRelative(from) ? readMoment(from, 0, 'utc') : NaN;
  return Number.isNaN(at) ? undefined : -at;
}

/** A day once said is not said again. */
function momentWords(at: number, beside: number, zone: Zone): string {
  const time = clock(at, zone, partsOf(at, zone).second !== 0);
  return day(at, zone) === day(beside, zone) ? time : `${day(at, zone)} ${time}`;
}

export function rangeWords({ from, to, zone }: Pick<PageScope, 'from' | 'to' | 'zone'>, now = Date.now()): string {
  const length = lengthOf(from);
  if (to === 'now' && length !== undefined) return words.time.last(spanOf(length));
  const [start, end] = [readMoment(from, now, zone), readMoment(to, now, zone)];
  if (Number.isNaN(start) || Number.isNaN(end)) return `${from} – ${to}`;
  if (to === 'now') return words.time.since(momentWords(start, now, zone));
  const isToday = day(start, zone) === day(now, zone) && day(end, zone) === day(now, zone);
  return words.time.between(momentWords(start, isToday ? now : 0, zone), momentWords(end, start, zone));
}

function shortWords(range: PageScope): string {
  const length = lengthOf(range.from);
  return range.to === 'now' && length !== undefined ? words.time.lastShort(spanOf(length)) : rangeWords(range);
}

export function TimeRange() {
  const popover = usePopover();
  const id = createUniqueId();

  const step = (direction: 1 | -1) => setScope(stepRange(scope(), direction, Date.now()));
  useKeys({
    '[': () => step(-1),
    ']': () => step(1),
    z: () => setScope(widenRange(scope(), Date.now())),
  });

  const pick = (from: string) => {
    popover.close();
    setScope({ from, to: 'now' });
  };

  return (
    <div class="pop-area" ref={popover.area}>
      <button
        class="btn time"
        type="button"
        aria-expanded={popover.isOpen()}
        aria-controls={id}
        onClick={popover.toggle}
      >
        <Icon name="clock" />
        <span class="sr">{words.time.label}</span>
        <span class="long">{rangeWords(scope())}</span>
        <span class="short">{shortWords(scope())}</span>
        <em>{zoneName(scope().zone)}</em>
        <Icon name="down" size={14} />
      </button>
      <Show when={popover.isOpen()}>
        <div class="pop tr" id={id} role="group" aria-label={words.time.heading}>
          <div>
            <h2>{words.time.relative}</h2>
            <ul class="rel">
              <For each={RELATIVE}>
                {([from, length]) => (
                  <li>
                    <button
                      type="button"
                      aria-pressed={scope().from === from && scope().to === 'now'}
                      onClick={() => pick(from)}
                    >
                      {words.span(spanOf(length))}
                    </button>
                  </li>
                )}
              </For>
            </ul>
          </div>
          <Absolute onDone={popover.close} />
        </div>
      </Show>
    </div>
  );
}

function Absolute(props: { onDone: () => void }) {
  let from!: HTMLInputElement;
  let to!: HTMLInputElement;
  const id = createUniqueId();
  const [error, setError] = createSignal('');

  const shown = (text: string) =>
    isRelative(text) ? text : typed(readMoment(text, Date.now(), scope().zone), scope().zone);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const now = Date.now();
    const [start, end] = [momentParam(from.value, now, scope().zone), momentParam(to.value, now, scope().zone)];
    if (start === null) return setError(words.time.unread(words.time.from));
    if (end === null) return setError(words.time.unread(words.time.to));
    if (readMoment(start, now, 'utc') >= readMoment(end, now, 'utc')) return setError(words.time.backwards);
    props.onDone();
    setScope({ from: start, to: end });
  };

  const zones: [Zone, string][] = [
    ['utc', words.time.utc],
    ['local', words.time.local(zoneName('local'))],
  ];
  return (
    <form class="abs" onSubmit={submit}>
      <h2>{words.time.absolute}</h2>
      <label class="fld">
        <span>{words.time.from}</span>
        <input ref={from} value={shown(scope().from)} aria-describedby={id} autocomplete="off" spellcheck={false} />
      </label>
      <label class="fld">
        <span>{words.time.to}</span>
        <input ref={to} value={shown(scope().to)} aria-describedby={id} autocomplete="off" spellcheck={false} />
      </label>
      <p class="faint" id={id}>
        {words.time.hint}
      </p>
      <p class="bad" role="alert">
        {error()}
      </p>
      <div class="abs-acts">
        <div class="seg" role="group" aria-label={words.time.zone}>
          <For each={zones}>
            {([zone, name]) => (
              <button type="button" aria-pressed={scope().zone === zone} onClick={() => setScope({ zone }, 'replace')}>
                {name}
              </button>
            )}
          </For>
        </div>
        <button class="btn sm primary" type="submit">
          {words.time.show}
        </button>
      </div>
    </form>
  );
}
