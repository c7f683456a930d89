/* Which nodes are watched: when each was last heard, and what it saw in the time that is looked at. */
import { createMemo, For, Match, Show, Switch } from 'solid-js';
import { api } from '../api';
import { useQuery } from '../load';
import { exact } from '../logic/number';
import { ageOf } from '../logic/time';
import { apiScope, filterLink } from '../scope';
import type { Forwarder, Node } from '../types';
import { Icon } from '../ui/Icon';
import { Failure, Nothing, Skeleton } from '../ui/States';
import { words } from '../words';
import { Silent, useForwarders } from './Delivery';

/** A node that moved to another forwarder is known to both: the one that heard it last is right. */
function latest(forwarders: Forwarder[]): Node[] {
  const nodes = new Map<string, Node>();
  for (const node of forwarders.flatMap((forwarder) => forwarder.nodes ?? [])) {
    const known = nodes.get(node.hostname);
    if (!known || node.silent_ms < known.silent_ms) nodes.set(node.hostname, node);
  }
  return [...nodes.values()].sort((a, b) => Number(b.is_silent) - Number(a.is_silent) || a.hostname.localeCompare(b.hostname));
}

function NodeRow(props: { node: Node; events: number }) {
  return (
    <tr>
      <th scope="row">
        <a href={filterLink('hostname', props.node.hostname)}>{props.node.hostname}</a>
      </th>
      <td>
        <span class="well" classList={{ bad: props.node.is_silent }}>
          <Icon name={props.node.is_silent ? 'alert' : 'check'} size={14} />{' '}
          {props.node.is_silent ? words.sensors.silent : words.sensors.watching}
        </span>
      </td>
      <td class="num">{words.ago(ageOf(props.node.silent_ms))}</td>
      <td class="num">{exact(props.events)}</td>
      <td>{words.sensors.known[props.node.verified] ?? props.node.verified}</td>
    </tr>
  );
}

export function Sensors() {
  const query = useForwarders();
  const overview = useQuery(apiScope, (scope, signal) => api.overview(scope, signal));
  const counts = createMemo(() => new Map(overview.data()?.hosts.map((host) => [host.value, host.count])));
  document.title = words.title(words.nav.sensors);
  return (
    <main id="main" tabindex="-1" class="plain">
      <h1>{words.nav.sensors}</h1>
      <p class="muted">{words.sensors.about}</p>
      <Switch>
        <Match when={query.error()}>
          {(error) => <Failure what={words.nav.sensors} error={error()} onRetry={query.refresh} />}
        </Match>
        <Match when={query.data()}>
          {(forwarders) => (
            <div class="card">
              <div class="body">
                <For each={forwarders()}>{(forwarder) => <Silent forwarder={forwarder} />}</For>
                <Show
                  when={latest(forwarders()).length > 0}
                  fallback={<Nothing title={words.sensors.none} more={words.sensors.noneMore} />}
                >
                  <div class="scroll" tabindex="0" role="region" aria-label={words.nav.sensors}>
                    <table class="works">
                      <thead>
                        <tr>
                          <For each={words.sensors.columns}>{(title, i) => <th scope="col" classList={{ num: i() === 2 || i() === 3 }}>{title}</th>}</For>
                        </tr>
                      </thead>
                      <tbody>
                        <For each={latest(forwarders())}>
                          {(node) => <NodeRow node={node} events={counts().get(node.hostname) ?? 0} />}
                        </For>
                      </tbody>
                    </table>
                  </div>
                </Show>
              </div>
            </div>
          )}
        </Match>
        <Match when={true}>
          <Skeleton rows={4} />
        </Match>
      </Switch>
    </main>
  );
}
