/*
 * Events over time: a stacked histogram on a canvas, with a tooltip, a brush that selects a range,
 * the same by keyboard, a legend that hides series, and a table for who cannot see the canvas.
 */
import { createEffect, createMemo, createSignal, For, Index, onCleanup, onMount, Show } from 'solid-js';
import { exact, niceCeiling } from '../logic/number';
import { clock, day, DAY, MINUTE, spanOf, ticks, type Zone } from '../logic/time';
import { shownTheme } from '../theme';
import type { Histogram as Data } from '../types';
import { words } from '../words';
import { isPriority, layOut, leastHeight, stackOrder, tokenOf, tokenValue, type Columns } from './chart';
import { PriorityGlyph } from './Icon';
import { Value } from './Value';

const LEFT = 40;
const RIGHT = 4;
const TOP = 6;
const AXIS = 22;
const HANDLE = 7;

interface Frame {
  width: number;
  height: number;
}

function drawGrid(g: CanvasRenderingContext2D, frame: Frame, top: number): void {
  const plot = frame.height - AXIS - TOP;
  for (const part of [0, 0.5, 1]) {
    const y = TOP + plot - part * plot;
    g.strokeStyle = tokenValue(part ? 'border' : 'border-2');
    g.beginPath();
    g.moveTo(LEFT, Math.round(y) + 0.5);
    g.lineTo(frame.width - RIGHT, Math.round(y) + 0.5);
    g.stroke();
    g.fillStyle = tokenValue('text-3');
    g.textAlign = 'right';
    g.fillText(exact(top * part), LEFT - 8, y);
  }
}

function drawAxis(g: CanvasRenderingContext2D, frame: Frame, columns: Columns, zone: Zone): void {
  const length = columns.counts.length * columns.interval;
  const width = frame.width - LEFT - RIGHT;
  g.fillStyle = tokenValue('text-3');
  for (const tick of ticks(columns.start, columns.start + length, Math.max(2, width / 84), zone)) {
    const x = LEFT + ((tick.at - columns.start) / length) * width;
    g.textAlign = x < LEFT + 20 ? 'left' : x > frame.width - 24 ? 'right' : 'center';
    g.fillText(tick.label, Math.min(x, frame.width - RIGHT), frame.height - 8);
  }
}

function drawBars(
  g: CanvasRenderingContext2D,
  frame: Frame,
  columns: Columns,
  data: Data,
  hidden: ReadonlySet<string>,
  top: number,
): void {
  const plot = frame.height - AXIS - TOP;
  const step = (frame.width - LEFT - RIGHT) / columns.counts.length;
  const width = Math.max(1, step - (step > 4 ? 1.5 : 0.5));
  const order = stackOrder(data).filter((i) => !hidden.has(data.keys[i] as string));
  const colours = data.keys.map((key) => tokenValue(tokenOf(key, data.by)));

  columns.counts.forEach((counts, column) => {
    let y = TOP + plot;
    for (const i of order) {
      const count = counts?.[i] ?? 0;
      if (count === 0) continue;
      const height = Math.max(leastHeight(data.keys[i] as string), (count / top) * plot);
      g.fillStyle = colours[i] as string;
      g.fillRect(LEFT + column * step + 0.5, y - height, width, Math.max(1, height - (height > 3 ? 1 : 0)));
      y -= height;
    }
  });
}

/** [first, behind the last] column. */
type Selection = [number, number];

interface HistogramProps {
  data: Data;
  from: number;
  to: number;
  zone: Zone;
  height: number;
  onZoom: (from: number, to: number) => void;
  onZoomOut: () => void;
  onSelection?: (selection: { from: number; to: number } | null) => void;
}

export function Histogram(props: HistogramProps) {
  let box!: HTMLDivElement;
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(0);
  const [hidden, setHidden] = createSignal<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = createSignal<number>();
  const [selection, setSelection] = createSignal<Selection>();
  const [fontsAt, setFontsAt] = createSignal(0);

  const columns = createMemo(() => layOut(props.data, props.from, props.to, hidden()));
  const count = () => columns().counts.length;
  const step = () => (width() - LEFT - RIGHT) / count();
  const timeAt = (column: number) => columns().start + column * columns().interval;
  const interval = () => words.span(spanOf(columns().interval));
  const total = () => columns().totals.reduce((sum, one) => sum + one, 0);
  const used = createMemo(() =>
    props.data.keys.filter((_, i) => props.data.buckets.some((bucket) => (bucket.counts[i] ?? 0) > 0)),
  );

  const moment = (at: number) => {
    const time = clock(at, props.zone, columns().interval < MINUTE);
    return props.to - props.from > DAY / 2 ? `${day(at, props.zone)} ${time}` : time;
  };

  onMount(() => {
    const observer = new ResizeObserver(() => setWidth(box.clientWidth));
    observer.observe(box);
    onCleanup(() => observer.disconnect());
    void document.fonts.ready.then(() => setFontsAt(1));
  });

  const draw = (frame: Frame, data: Data, laid: Columns, hide: ReadonlySet<string>, zone: Zone) => {
    const g = canvas.getContext('2d');
    if (!g || frame.width <= LEFT) return;
    const ratio = devicePixelRatio || 1;
    canvas.width = frame.width * ratio;
    canvas.height = frame.height * ratio;
    g.scale(ratio, ratio);
    g.font = `11px ${tokenValue('font-ui')}`;
    g.textBaseline = 'middle';
    const top = niceCeiling(Math.max(...laid.totals, 1));
    drawGrid(g, frame, top);
    drawBars(g, frame, laid, data, hide, top);
    drawAxis(g, frame, laid, zone);
  };

  createEffect(() => {
    shownTheme();
    fontsAt();
    const frame = { width: width(), height: props.height };
    const [data, laid, hide, zone] = [props.data, columns(), hidden(), props.zone];
    const request = requestAnimationFrame(() => draw(frame, data, laid, hide, zone));
    onCleanup(() => cancelAnimationFrame(request));
  });

  const select = (next: Selection | undefined) => {
    const range = next && next[1] > next[0] ? next : undefined;
    setSelection(range);
    props.onSelection?.(range ? { from: timeAt(range[0]), to: timeAt(range[1]) } : null);
  };

  const zoom = () => {
    const range = selection();
    if (!range) return;
    const [from, to] = [timeAt(range[0]), timeAt(range[1])];
    select(undefined);
    props.onZoom(from, to);
  };

  let anchor: number | undefined;
  let isMoved = false;
  const columnAt = (event: PointerEvent) => (event.offsetX - LEFT) / step();
  const clamp = (column: number) => Math.max(0, Math.min(count(), column));

  const press = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const at = columnAt(event);
    const range = selection();
    const near = HANDLE / step();
    isMoved = false;
    anchor = at;
    if (range && Math.abs(at - range[0]) < near) anchor = range[1];
    else if (range && Math.abs(at - range[1]) < near) anchor = range[0];
    canvas.setPointerCapture(event.pointerId);
  };

  const move = (event: PointerEvent) => {
    const at = columnAt(event);
    setCursor(at >= 0 && at < count() ? Math.floor(at) : undefined);
    if (anchor === undefined || (!isMoved && Math.abs(at - anchor) * step() < 3)) return;
    isMoved = true;
    const [from, to] = at < anchor ? [at, anchor] : [anchor, at];
    select([clamp(Math.floor(from)), clamp(Math.ceil(to))]);
  };

  const release = () => {
    if (anchor !== undefined && !isMoved) select(undefined);
    anchor = undefined;
  };

  let keyAnchor: number | undefined;
  const moveCursor = (by: number, isSelecting: boolean) => {
    const before = cursor() ?? (by > 0 ? -1 : count());
    const at = Math.max(0, Math.min(count() - 1, before + by));
    setCursor(at);
    if (!isSelecting) return void (keyAnchor = undefined);
    keyAnchor ??= Math.max(0, Math.min(count() - 1, before));
    select([Math.min(keyAnchor, at), Math.max(keyAnchor, at) + 1]);
  };

  const KEYS: Record<string, (event: KeyboardEvent) => void> = {
    ArrowLeft: (event) => moveCursor(-1, event.shiftKey),
    ArrowRight: (event) => moveCursor(1, event.shiftKey),
    Home: () => setCursor(0),
    End: () => setCursor(count() - 1),
    Enter: zoom,
    Escape: () => ((keyAnchor = undefined), setCursor(undefined), select(undefined)),
  };

  const pressKey = (event: KeyboardEvent) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act(event);
  };

  const toggle = (key: string) => {
    const next = new Set(hidden());
    if (!next.delete(key)) next.add(key);
    setHidden(next);
  };

  const tipParts = (column: number) =>
    props.data.keys
      .map((key, i) => ({ key, count: columns().counts[column]?.[i] ?? 0 }))
      .filter((part) => part.count > 0 && !hidden().has(part.key));

  return (
    <>
      <div class="histbox" ref={box}>
        <canvas
          ref={canvas}
          class="hist"
          tabindex="0"
          role="img"
          aria-label={`${words.histogram.label(interval(), total())}. ${words.histogram.keys}`}
          style={{ height: `${props.height}px` }}
          onPointerDown={press}
          onPointerMove={move}
          onPointerUp={release}
          onPointerCancel={release}
          onPointerLeave={() => setCursor(undefined)}
          onDblClick={() => props.onZoomOut()}
          onKeyDown={pressKey}
          onBlur={() => setCursor(undefined)}
        />
        <Show when={selection()}>
          {(range) => (
            <div
              class="brush"
              style={{
                left: `${LEFT + range()[0] * step()}px`,
                width: `${(range()[1] - range()[0]) * step()}px`,
                height: `${props.height - AXIS - 2}px`,
              }}
            />
          )}
        </Show>
        <Show when={cursor() !== undefined && cursor()! < count()}>
          <div
            class="tip"
            style={{ left: `${Math.min(Math.max(0, width() - 190), LEFT + cursor()! * step() + 14)}px` }}
          >
            <b>{words.histogram.bucket(moment(timeAt(cursor()!)), interval())}</b>
            <For each={tipParts(cursor()!)}>
              {(part) => (
                <div>
                  <Swatch name={part.key} by={props.data.by} />
                  <Value class="el" text={part.key} isPlain />
                  <em>{exact(part.count)}</em>
                </div>
              )}
            </For>
            <div class="all">
              <span>{words.histogram.total}</span>
              <em>{exact(columns().totals[cursor()!] ?? 0)}</em>
            </div>
          </div>
        </Show>
        <div class="sr" role="status">
          <Show when={cursor() !== undefined && document.activeElement === canvas}>
            {words.histogram.at(moment(timeAt(cursor()!)), columns().totals[cursor()!] ?? 0)}
          </Show>
        </div>
      </div>
      <div class="histfoot">
        <ul class="legend" aria-label={words.histogram.legend}>
          <For each={used()}>
            {(key) => (
              <li>
                <button type="button" aria-pressed={!hidden().has(key)} onClick={() => toggle(key)}>
                  <Swatch name={key} by={props.data.by} />
                  <Value class="el" text={key} isPlain />
                </button>
              </li>
            )}
          </For>
        </ul>
        <Show when={selection()}>
          {(range) => (
            <div class="brushed">
              <span class="muted">
                {words.histogram.selected(moment(timeAt(range()[0])), moment(timeAt(range()[1])))}
              </span>
              <button class="btn sm" type="button" onClick={zoom}>
                {words.histogram.zoom}
              </button>
              <button class="btn sm ghost" type="button" onClick={() => select(undefined)}>
                {words.histogram.clear}
              </button>
            </div>
          )}
        </Show>
      </div>
      <HistogramTable data={props.data} zone={props.zone} caption={words.histogram.heading(interval())} />
    </>
  );
}

export function Swatch(props: { name: string; by: Data['by'] }) {
  return (
    <Show
      when={props.by === 'priority' && isPriority(props.name) && props.name}
      fallback={<i class={`sw k-${tokenOf(props.name, props.by)}`} />}
    >
      {(priority) => <PriorityGlyph priority={priority() as never} size={12} />}
    </Show>
  );
}

/** The numbers of the canvas, by place: a refresh changes text, not rows. Empty columns are left out. */
function HistogramTable(props: { data: Data; zone: Zone; caption: string }) {
  const filled = () => props.data.buckets.filter((bucket) => bucket.counts.some((count) => count > 0));
  return (
    <div class="sr">
      <table>
        <caption>{props.caption}</caption>
        <thead>
          <tr>
            <th scope="col">{words.histogram.time}</th>
            <For each={props.data.keys}>
              {(key) => (
                <th scope="col">
                  <Value text={key} isPlain />
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody>
          <Index each={filled()}>
            {(bucket) => (
              <tr>
                <th scope="row">{`${day(bucket().at, props.zone)} ${clock(bucket().at, props.zone)}`}</th>
                <Index each={bucket().counts}>{(count) => <td>{exact(count())}</td>}</Index>
              </tr>
            )}
          </Index>
        </tbody>
      </table>
    </div>
  );
}
