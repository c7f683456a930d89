/*
 * Which events match, and how many: histogram, then the list, newest first. New events enter at
 * the top while the reader is there; while they read further down or inside one, they wait.
 */
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show, untrack } from 'solid-js';
import { api, type ApiError } from '../api';
import { useKeys } from '../keys';
import { learnFields } from '../known';
import { useLive, type Batch } from '../live';
import { useQuery } from '../load';
import { mergeEvents } from '../logic/event';
import { foldEvents } from '../logic/fold';
import { exact, figure } from '../logic/number';
import { ageOf, clock, day, readMoment, rfc3339, spanOf, widenRange, zoneName } from '../logic/time';
import { route } from '../router';
import { apiScope, noteQuery, scope, setScope } from '../scope';
import { LiveNote } from '../shell/LiveNote';
import { rangeWords } from '../shell/TimeRange';
import { say } from '../toast';
import type { AlertEvent, EventList } from '../types';
import { useDrawn } from '../ui/drawn';
import { Histogram } from '../ui/Histogram';
import { Icon } from '../ui/Icon';
import { Failure, FirstRun, Nothing, Skeleton } from '../ui/States';
import { words } from '../words';
import { Dialog, usePopover } from '../ui/Dialog';
import { SaveView } from '../shell/Views';
import { Drawer } from './Drawer';
import { EventRow } from './EventRow';
import { Facets } from './Facets';

const PAGE = 100;
/** Of a page that is asked for while one scrolls. */
const NEXT_PAGE = 500;
/** Events that are held; of their rows only those in the window are drawn. */
const MOST_ROWS = 20_000;
/** Further down than this, the reader reads, and the list stands still. */
const READING_PX = 240;
const FRESH_MS = 1500;

function useScrolledDown() {
  const [isDown, setDown] = createSignal(scrollY > READING_PX);
  const note = () => setDown(scrollY > READING_PX);
  addEventListener('scroll', note, { passive: true });
  onCleanup(() => removeEventListener('scroll', note));
  return isDown;
}

/** The list: pages by cursor at its end, live events at its top, at most 20,000 in all. */
function useEventList(isPaused: () => boolean) {
  const [events, setEvents] = createSignal<AlertEvent[]>([]);
  const [next, setNext] = createSignal<string | null>(null);
  const [total, setTotal] = createSignal(0);
  const [isExact, setExact] = createSignal(true);
  const [waiting, setWaiting] = createSignal<AlertEvent[]>([]);
  const [waitingSince, setWaitingSince] = createSignal(0);
  const [fresh, setFresh] = createSignal<ReadonlySet<string>>(new Set());
  const [isLoadingMore, setLoadingMore] = createSignal(false);
  const first = useQuery(apiScope, (wanted, signal) => api.events(wanted, PAGE, '', signal));
  let loadedScope: unknown;
  let isTooMuch = false;

  const replace = (list: EventList) => {
    setEvents(list.events);
    setNext(list.next);
    setWaiting([]);
    isTooMuch = false;
  };

  const take = (list: EventList) => {
    const held = new Set(untrack(events).map((event) => event.uuid));
    const isSame = loadedScope === untrack(apiScope);
    loadedScope = untrack(apiScope);
    setTotal(list.total ?? 0);
    setExact(list.is_exact);
    learnFields(list.events);
    const isJoined = list.events.some((event) => held.has(event.uuid));
    if (!isSame || !isJoined) return replace(list);
    if (untrack(isPaused)) hold(list.events.filter((event) => !held.has(event.uuid)));
    else add(list.events);
  };

  const hold = (more: AlertEvent[]) => {
    if (more.length === 0) return;
    if (waiting().length === 0) setWaitingSince(Date.now());
    const merged = mergeEvents(waiting(), more, MOST_ROWS);
    isTooMuch ||= merged.length >= MOST_ROWS;
    setWaiting(merged);
  };

  const add = (more: AlertEvent[]) => {
    const before = events();
    const held = new Set(before.map((event) => event.uuid));
    const merged = mergeEvents(before, more, MOST_ROWS);
    if (merged === before) return;
    setFresh(new Set(more.filter((event) => !held.has(event.uuid)).map((event) => event.uuid)));
    setTimeout(() => setFresh(new Set<string>()), FRESH_MS);
    setEvents(merged);
  };

  const flush = () => {
    const held = waiting();
    if (held.length === 0) return;
    setWaiting([]);
    if (isTooMuch) first.refresh();
    else add(held);
    isTooMuch = false;
  };

  const onBatch = (batch: Batch) => {
    if (first.data() === undefined) return first.touch();
    const held = new Set([...events(), ...waiting()].map((event) => event.uuid));
    const unknown = batch.events.filter((event) => !held.has(event.uuid));
    setTotal((count) => count + unknown.length);
    learnFields(unknown);
    isTooMuch ||= batch.isOverfull;
    if (isPaused()) hold(unknown);
    else if (batch.isOverfull) first.refresh();
    else add(unknown);
  };

  const isFull = () => events().length >= MOST_ROWS;
  const hasMore = () => next() !== null && !isFull();

  const more = async () => {
    const [cursor, wanted] = [next(), apiScope()];
    if (cursor === null || isLoadingMore() || isFull()) return;
    setLoadingMore(true);
    try {
      const list = await api.events(wanted, NEXT_PAGE, cursor);
      if (wanted !== apiScope()) return;
      setEvents(mergeEvents(events(), list.events, MOST_ROWS));
      setNext(list.next);
    } catch (error) {
      say((error as ApiError).message, true);
    } finally {
      setLoadingMore(false);
    }
  };

  const countAll = async () => {
    const wanted = apiScope();
    try {
      const list = await api.exactEvents(wanted);
      if (wanted !== apiScope()) return;
      setTotal(list.total ?? 0);
      setExact(list.is_exact);
    } catch (error) {
      say((error as ApiError).message, true);
    }
  };

  createEffect(on(first.data, (list) => list && take(list)));
  createEffect(() => {
    if (!isPaused()) untrack(flush);
  });
  return { first, events, next, total, isExact, countAll, waiting, waitingSince, fresh, isLoadingMore, isFull, hasMore, flush, more, onBatch };
}

type List = ReturnType<typeof useEventList>;

function Timeline() {
  const histogram = useQuery(apiScope, (wanted, signal) => api.histogram(wanted, 'priority', signal));
  const range = createMemo(() => {
    histogram.data();
    const now = Date.now();
    return { from: readMoment(apiScope().from, now, 'utc'), to: readMoment(apiScope().to, now, 'utc') };
  });
  useLive({ onBatch: histogram.touch, onOpen: histogram.touch });

  return (
    <section
      class="card"
      aria-labelledby="h-hist"
      classList={{ stale: histogram.isLoading() && histogram.data() !== undefined }}
    >
      <header>
        <h2 id="h-hist">
          <Show when={histogram.data()} fallback={words.overview.overTime}>
            {(data) => <>{words.histogram.heading(words.bareSpan(spanOf(data().interval_ms)))}</>}
          </Show>
        </h2>
      </header>
      <div class="body hist-body">
        <Show when={histogram.error()?.status !== 400 && histogram.error()}>
          {(error) => <Failure what={words.overview.overTime} error={error()} onRetry={histogram.refresh} />}
        </Show>
        <Show when={histogram.data()}>
          {(data) => (
            <Histogram
              data={data()}
              from={range().from}
              to={range().to}
              zone={scope().zone}
              height={116}
              onZoom={(from, to) => setScope({ from: rfc3339(from), to: rfc3339(to) })}
              onZoomOut={() => setScope(widenRange(scope(), Date.now()))}
            />
          )}
        </Show>
      </div>
    </section>
  );
}

function Export(props: { total: number }) {
  const popover = usePopover();
  useKeys({ x: popover.toggle });
  return (
    <div class="pop-area" ref={popover.area}>
      <button class="btn sm" type="button" aria-label={words.exports.open} aria-expanded={popover.isOpen()} onClick={popover.toggle}>
        <Icon name="download" size={14} /> <span class="lbl">{words.exports.open}</span>
      </button>
      <Show when={popover.isOpen()}>
        <div class="pop exports">
          <p class="muted">{words.exports.all(words.search.count(props.total))}</p>
          <ul>
            <For each={words.exports.forms}>
              {([form, label]) => (
                <li>
                  <a href={api.exportLink(apiScope(), form)} download={`events.${form}`} onClick={popover.close}>
                    {label}
                  </a>
                </li>
              )}
            </For>
          </ul>
        </div>
      </Show>
    </div>
  );
}

const isFolding = () => route().params.get('fold') !== '0';
const toggleFolding = () => setScope({ fold: isFolding() ? '0' : '1' }, 'replace');

function Summary(props: { list: List; onFilters: () => void }) {
  const first = () => props.list.first.data();
  useKeys({ f: toggleFolding });
  return (
    <div class="bar">
      <p class="sum" role="status">
        <Show when={first()}>
          {(list) => (
            <>
              {props.list.isExact() ? '' : `${words.events.atLeast} `}
              <b title={exact(props.list.total())}>{figure(props.list.total())}</b>{' '}
              {words.overview.unit(props.list.total())} <span class="faint">· {words.events.took(list().took_ms)}</span>
              <Show when={!props.list.isExact()}>
                {' '}
                <button class="btn sm ghost" type="button" onClick={() => void props.list.countAll()}>
                  {words.events.countAll}
                </button>
              </Show>
            </>
          )}
        </Show>
      </p>
      <button class="btn sm filters" type="button" onClick={() => props.onFilters()}>
        <Icon name="filter" size={14} /> <span class="lbl">{words.facets.open}</span>
      </button>
      <button class="btn sm" type="button" aria-pressed={isFolding()} aria-label={words.events.fold} onClick={toggleFolding}>
        <Icon name="fold" size={14} /> <span class="lbl">{words.events.fold}</span>
      </button>
      <SaveView />
      <Export total={props.list.total()} />
    </div>
  );
}

/** Said at most every few seconds, so that a reader of the screen is not flooded. */
function Waiting(props: { list: List; onShow: () => void }) {
  return (
    <Show when={props.list.waiting().length > 0}>
      <div class="banner" role="status">
        <span>
          <b>{words.live.waiting(props.list.waiting().length)}</b>{' '}
          {words.live.since(`${clock(props.list.waitingSince(), scope().zone)} ${zoneName(scope().zone)}`)}
        </span>
        <button class="btn sm" type="button" onClick={() => props.onShow()}>
          <Icon name="up" size={14} /> {words.live.show}
        </button>
      </div>
    </Show>
  );
}

function Empty() {
  const status = useQuery(
    () => 0,
    (_, signal) => api.status(signal),
  );
  useLive({ onBatch: status.touch, onOpen: status.touch });
  const newest = () => {
    const at = status.data()?.newest_ms;
    if (!at || scope().q) return undefined;
    return words.empty.newest(
      words.ago(ageOf(Date.now() - at)),
      `${day(at, scope().zone)} ${clock(at, scope().zone)} ${zoneName(scope().zone)}`,
    );
  };
  return (
    <Show when={status.data()?.events !== 0} fallback={<FirstRun />}>
      <Nothing
        title={scope().q ? words.empty.nothing(rangeWords(scope())) : words.empty.nothingAtAll(rangeWords(scope()))}
        more={newest()}
      >
        <button class="btn sm" type="button" onClick={() => setScope({ from: 'now-7d', to: 'now' })}>
          {words.empty.widen(words.time.last({ value: 7, unit: 'day' }))}
        </button>
        <Show when={scope().q}>
          <button class="btn sm ghost" type="button" onClick={() => setScope({ q: '' })}>
            {words.empty.clear}
          </button>
        </Show>
      </Nothing>
    </Show>
  );
}

/** Loads more when it comes near the window; also a button, for who does not scroll. */
function End(props: { list: List }) {
  let button!: HTMLButtonElement;
  onMount(() => {
    const isNear = (seen: IntersectionObserverEntry[]) => seen.some((one) => one.isIntersecting);
    const observer = new IntersectionObserver((seen) => isNear(seen) && void props.list.more(), { rootMargin: '400px' });
    createEffect(() => {
      // Asked anew for each length: it may still be near after a page was added.
      props.list.events().length;
      observer.unobserve(button);
      observer.observe(button);
    });
    onCleanup(() => observer.disconnect());
  });
  return (
    <p class="end">
      <Show when={!props.list.hasMore()}>
        <span class="muted">{props.list.isFull() ? words.events.ceiling(MOST_ROWS) : words.events.end}</span>
      </Show>
      <button ref={button} class="btn" type="button" hidden={!props.list.hasMore()} onClick={() => void props.list.more()}>
        {props.list.isLoadingMore() ? words.events.loadingMore : words.events.more}
      </button>
    </p>
  );
}

/** j and k go from row to row, also to one that is not drawn yet, and take an open drawer with them. */
function useRowKeys(
  listElement: () => HTMLElement | undefined,
  rows: () => Row[],
  reveal: (index: number) => void,
  closeRow: () => boolean,
  open: () => string,
  openRow: (uuid: string) => void,
): (by: number) => void {
  let last: Row | undefined;
  const rowOfFocus = () => {
    const index = document.activeElement?.closest<HTMLElement>('.lr.r')?.dataset['index'];
    return index === undefined ? undefined : rows()[Number(index)];
  };
  const placeNow = () => {
    // A row that was scrolled out of the window lost the focus, not its place.
    const row = rowOfFocus() ?? (document.activeElement === document.body ? last : undefined);
    const at = row ? rows().indexOf(row) : -1;
    return at >= 0 ? at : rows().findIndex((one) => one.event.uuid === open());
  };
  const focus = (index: number) => {
    reveal(index);
    last = rows()[index];
    listElement()?.querySelector<HTMLButtonElement>(`.lr.r[data-index="${index}"] button.rule`)?.focus({ preventScroll: true });
  };
  const move = (by: number) => {
    const at = placeNow();
    const end = rows().length - 1;
    if (end < 0) return;
    const wanted = at < 0 ? (by > 0 ? 0 : end) : Math.max(0, Math.min(end, at + by));
    focus(wanted);
    if (open()) openRow(rows()[wanted]?.event.uuid ?? '');
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    o: () => document.activeElement?.closest('.lr')?.querySelector<HTMLButtonElement>('button.rule')?.click(),
    Escape: () => {
      const index = rows().findIndex((one) => one.event.uuid === open());
      if (closeRow() && index >= 0) focus(index);
    },
  });
  return move;
}

interface Row {
  event: AlertEvent;
  isRepeat: boolean;
}

/** A row is the same one as long as its event is: what is not changed is not drawn anew. */
const heads = new WeakMap<AlertEvent, Row>();
const repeats = new WeakMap<AlertEvent, Row>();

function rowOf(event: AlertEvent, isRepeat: boolean): Row {
  const kept = isRepeat ? repeats : heads;
  const row = kept.get(event) ?? { event, isRepeat };
  kept.set(event, row);
  return row;
}

/** The rows, and how many more events each stands for. */
function rowsOf(events: AlertEvent[], unfolded: ReadonlySet<string>): { rows: Row[]; more: Map<string, number> } {
  if (!isFolding()) return { rows: events.map((event) => rowOf(event, false)), more: new Map() };
  const folds = foldEvents(events);
  const rows = folds.flatMap(({ event, rest }) => [
    rowOf(event, false),
    ...(unfolded.has(event.uuid) ? rest.map((one) => rowOf(one, true)) : []),
  ]);
  return { rows, more: new Map(folds.map(({ event, rest }) => [event.uuid, rest.length])) };
}

export function Events() {
  let element: HTMLDivElement | undefined;
  const isDown = useScrolledDown();
  const open = () => route().params.get('sel') ?? '';
  const list = useEventList(() => isDown() || open() !== '');
  const today = () => day(Date.now(), scope().zone);
  const toggle = (uuid: string) => setScope({ sel: open() === uuid ? '' : uuid }, 'replace');
  useLive({ onBatch: list.onBatch, onOpen: list.first.touch });
  const select = (uuid: string) => setScope({ sel: uuid }, 'replace');
  const [isSheet, setSheet] = createSignal(false);
  const [unfolded, setUnfolded] = createSignal<ReadonlySet<string>>(new Set());
  const folded = createMemo(() => rowsOf(list.events(), unfolded()));
  const rows = () => folded().rows;
  const drawn = useDrawn(rows);
  const move = useRowKeys(() => element, rows, drawn.reveal, () => open() !== '' && (select(''), true), open, select);
  const unfold = (uuid: string) =>
    setUnfolded((before) => new Set(before.has(uuid) ? [...before].filter((one) => one !== uuid) : [...before, uuid]));
  const close = () => {
    const row = element?.querySelector('.lr.open');
    select('');
    row?.querySelector<HTMLButtonElement>('button.rule')?.focus({ preventScroll: true });
  };
  const known = createMemo(() => list.events().find((event) => event.uuid === open()));
  createEffect(() => noteQuery(apiScope().q, list.first.error()));
  createEffect(() => (document.title = words.title(words.events.title)));

  const show = () => {
    setScope({ sel: '' }, 'replace');
    list.flush();
    scrollTo({ top: 0 });
  };

  return (
    <main id="main" tabindex="-1">
      <h1 class="sr">{words.events.title}</h1>
      <Timeline />
      <div class="ev" classList={{ 'has-drawer': open() !== '' }}>
      <div class="side">
        <h2 class="sr">{words.facets.title}</h2>
        <Facets />
      </div>
      <div class="evmain">
      <Summary list={list} onFilters={() => setSheet(true)} />
      <LiveNote />
      <Waiting list={list} onShow={show} />
      <Show when={list.first.error()?.status !== 400 && list.first.error()}>
        {(error) => (
          <section class="card spaced">
            <Failure what={words.events.title} error={error()} onRetry={list.first.refresh} />
          </section>
        )}
      </Show>
      <Show
        when={list.first.data()}
        fallback={
          <Show when={!list.first.error()}>
            <section class="card" aria-busy="true" aria-label={words.events.title}>
              <Skeleton rows={8} />
            </section>
          </Show>
        }
      >
        <Show
          when={list.events().length > 0}
          fallback={
            <section class="card">
              <Empty />
            </section>
          }
        >
          <div
            class="list"
            classList={{ stale: list.first.isLoading() }}
            role="table"
            aria-label={words.events.list}
            aria-rowcount={list.next() === null ? rows().length + 1 : -1}
            ref={element}
          >
            <div role="rowgroup">
            <div class="lr hd" role="row" aria-rowindex={1}>
              <span role="columnheader">{words.events.time}</span>
              <span role="columnheader">
                <span class="sr">{words.events.priority}</span>
              </span>
              <span role="columnheader">{words.events.what}</span>
              <span role="columnheader">{words.events.where}</span>
              <span role="columnheader">
                <span class="sr">{words.events.open}</span>
              </span>
            </div>
            </div>
            <div
              role="rowgroup"
              class="rows"
              ref={drawn.hold}
              style={{ 'padding-top': `${drawn.roomAbove()}px`, 'padding-bottom': `${drawn.roomBelow()}px` }}
            >
            <For each={drawn.rows()}>
              {(row, i) => (
                <EventRow
                  event={row.event}
                  index={drawn.first() + i()}
                  isOpen={open() === row.event.uuid}
                  isFresh={list.fresh().has(row.event.uuid)}
                  isDated={day(Date.parse(row.event.time), scope().zone) !== today()}
                  repeats={row.isRepeat ? 0 : (folded().more.get(row.event.uuid) ?? 0)}
                  isRepeat={row.isRepeat}
                  isUnfolded={unfolded().has(row.event.uuid)}
                  onUnfold={() => unfold(row.event.uuid)}
                  onToggle={() => toggle(row.event.uuid)}
                />
              )}
            </For>
            </div>
          </div>
          <End list={list} />
        </Show>
      </Show>
      </div>
      <Show when={open()}>
        {(uuid) => <Drawer uuid={uuid()} known={known()} onClose={close} onMove={move} />}
      </Show>
      </div>
      <Show when={isSheet()}>
        <Dialog title={words.facets.title} onClose={() => setSheet(false)} class="sheet">
          <Facets />
        </Dialog>
      </Show>
    </main>
  );
}
