/* Tactics in ATT&CK's order, below each the techniques that were seen, by how often. */
import { createMemo, For, Show } from 'solid-js';
import { attackMatrix, heatOf, unknownTechniques, type Technique } from '../logic/attack';
import { figure } from '../logic/number';
import { filterLink } from '../scope';
import type { Counted } from '../types';
import { words } from '../words';

function Cell(props: { one: Technique; most: number }) {
  return (
    <li>
      <a
        class={`tech h${heatOf(props.one.count, props.most)}`}
        href={filterLink('tags', props.one.id)}
        title={words.attack.cell(`${props.one.id} ${props.one.name}`, props.one.count)}
      >
        <span class="el">{props.one.name || props.one.id}</span>
        <small>
          {props.one.id} <b>{figure(props.one.count)}</b>
        </small>
      </a>
    </li>
  );
}

export function Attack(props: { tags: Counted[] }) {
  const tactics = createMemo(() => attackMatrix(props.tags));
  const others = createMemo(() => unknownTechniques(props.tags));
  const most = createMemo(() => Math.max(1, ...tactics().flatMap((one) => one.techniques.map(({ count }) => count))));
  return (
    <section class="card c12" aria-labelledby="h-attack">
      <header>
        <h2 id="h-attack">{words.attack.title}</h2>
      </header>
      <div class="body">
        <Show when={tactics().length > 0 || others().length > 0} fallback={<p class="muted">{words.attack.none}</p>}>
          <ul class="attack">
            <For each={tactics()}>
              {(tactic) => (
                <li class="tactic">
                  <h3>
                    <Show when={tactic.count > 0} fallback={<span>{tactic.name}</span>}>
                      <a href={filterLink('tags', tactic.tag)}>{tactic.name}</a>
                    </Show>
                    <small>{tactic.count > 0 ? figure(tactic.count) : ''}</small>
                  </h3>
                  <ul>
                    <For each={tactic.techniques}>{(one) => <Cell one={one} most={most()} />}</For>
                  </ul>
                </li>
              )}
            </For>
            <Show when={others().length > 0}>
              <li class="tactic">
                <h3>
                  <span>{words.attack.other}</span>
                </h3>
                <ul>
                  <For each={others()}>{(one) => <Cell one={one} most={most()} />}</For>
                </ul>
              </li>
            </Show>
          </ul>
        </Show>
      </div>
    </section>
  );
}
