/* Small pictures of numbers: sparkline, donut, and a list of bars. */
import { For, Show, type JSX } from 'solid-js';
import { exact, figure } from '../logic/number';
import type { Priority, PriorityCount } from '../types';
import { words } from '../words';
import { slugOf } from './Icon';

export function Sparkline(props: { values: number[]; isBad?: boolean }) {
  const [width, height] = [84, 28];
  const path = () => {
    const top = Math.max(...props.values, 1);
    const last = Math.max(1, props.values.length - 1);
    return props.values.map(
      (value, i) => `${((i / last) * width).toFixed(1)} ${(height - 2 - (value / top) * (height - 4)).toFixed(1)}`,
    );
  };
  return (
    <Show when={props.values.length > 1}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        class="spark"
        classList={{ bad: props.isBad ?? false }}
        aria-hidden="true"
      >
        <path class="a" d={`M${path().join('L')}L${width} ${height}L0 ${height}Z`} />
        <path class="l" d={`M${path().join('L')}`} />
      </svg>
    </Show>
  );
}

const RADIUS = 54;
const ROUND = 2 * Math.PI * RADIUS;
const GAP = 2;
const LEAST = 4;

interface Arc {
  priority: Priority;
  offset: number;
  length: number;
}

/** Each part that is not nothing can be seen; what that takes is taken from the large ones. */
function arcsOf(counts: PriorityCount[], total: number): Arc[] {
  const shares = counts
    .filter((one) => one.count > 0)
    .map((one) => ({ priority: one.priority, size: (one.count / total) * ROUND }));
  const isSmall = (size: number) => size < LEAST + GAP;
  const small = shares.filter((share) => isSmall(share.size));
  const large = shares.filter((share) => !isSmall(share.size)).reduce((sum, share) => sum + share.size, 0);
  const scale = large > 0 ? (ROUND - small.length * (LEAST + GAP)) / large : 1;

  let offset = 0;
  return shares.map((share) => {
    const size = isSmall(share.size) ? LEAST + GAP : share.size * scale;
    const arc = { priority: share.priority, offset, length: shares.length > 1 ? size - GAP : size };
    offset += size;
    return arc;
  });
}

export function Donut(props: { counts: PriorityCount[]; total: number }) {
  return (
    <svg viewBox="0 0 132 132" width="132" height="132" class="donut" role="img" aria-label={words.overview.donut}>
      <circle cx="66" cy="66" r={RADIUS} class="ring" />
      <For each={arcsOf(props.counts, Math.max(1, props.total))}>
        {(arc) => (
          <circle
            cx="66"
            cy="66"
            r={RADIUS}
            class={`arc s-${slugOf(arc.priority)}`}
            stroke-dasharray={`${arc.length} ${ROUND - arc.length}`}
            stroke-dashoffset={-arc.offset}
            transform="rotate(-90 66 66)"
          />
        )}
      </For>
      <text x="66" y="67" text-anchor="middle" class="dn">
        {figure(props.total)}
      </text>
      <text x="66" y="84" text-anchor="middle" class="dl">
        {words.overview.unit(props.total)}
      </text>
    </svg>
  );
}

export interface Bar {
  key: string;
  label: JSX.Element;
  href: string;
  count: number;
  change?: string;
  lead?: JSX.Element;
}

export function BarList(props: { bars: Bar[]; empty: string }) {
  const most = () => Math.max(1, ...props.bars.map((bar) => bar.count));
  return (
    <Show when={props.bars.length > 0} fallback={<p class="muted">{props.empty}</p>}>
      <ol class="bar-list">
        <For each={props.bars}>
          {(bar) => (
            <li>
              <i style={{ width: `${(bar.count / most()) * 100}%` }} />
              <span class="name">
                {bar.lead}
                <a class="el" href={bar.href}>
                  {bar.label}
                </a>
              </span>
              <span class="n" title={exact(bar.count)}>
                {figure(bar.count)}
              </span>
              <Show when={bar.change !== undefined}>
                <span class="d">{bar.change}</span>
              </Show>
            </li>
          )}
        </For>
      </ol>
    </Show>
  );
}
