/* Is anything wrong, where, and is it new: one request, drawn six ways. */
import { createEffect, createMemo, createSignal, For, Match, onCleanup, Show, Switch } from 'solid-js';
import { api } from '../api';
import { learnValues } from '../known';
import { useLive } from '../live';
import { useQuery, type Loaded } from '../load';
import { exact, figure } from '../logic/number';
import { addTerm } from '../logic/query';
import { visibleText } from '../logic/visible';
import { ageOf, clock, day, rfc3339, spanOf, widenRange, zoneName } from '../logic/time';
import { route } from '../router';
import { apiScope, filterLink, linkTo, noteQuery, scope, setScope } from '../scope';
import { Attack } from './Attack';
import { LiveNote } from '../shell/LiveNote';
import { rangeWords } from '../shell/TimeRange';
import type { Counted, Facet, Histogram as HistogramData, Overview as Data, Priority, Status } from '../types';
import { foldKeys } from '../ui/chart';
import { BarList, Donut, Sparkline, type Bar } from '../ui/Figures';
import { Histogram } from '../ui/Histogram';
import { Icon, PriorityGlyph } from '../ui/Icon';
import { Failure, FirstRun, Nothing, Skeleton } from '../ui/States';
import { Value } from '../ui/Value';
import { words } from '../words';

const GRAVE: Priority[] = ['Emergency', 'Alert', 'Critical'];
const TROUBLE: Priority[] = ['Error', 'Warning'];
const LISTED = 8;
const CLOCK_MS = 15_000;

/** Live windows move even when nothing happens. */
function useClock(onTick: () => void): void {
  const timer = setInterval(() => scope().isLive && document.visibilityState === 'visible' && onTick(), CLOCK_MS);
  onCleanup(() => clearInterval(timer));
}

function sumOf(data: Data, wanted: Priority[], which: 'count' | 'before'): number {
  return data.priorities.reduce((sum, one) => sum + (wanted.includes(one.priority) ? one[which] : 0), 0);
}

function seriesOf(data: Data, wanted: Priority[] | null): number[] {
  const { keys, buckets } = data.histogram;
  const isWanted = keys.map((key) => wanted === null || (wanted as string[]).includes(key));
  const values = buckets.map((bucket) => bucket.counts.reduce((sum, count, i) => sum + (isWanted[i] ? count : 0), 0));
  const step = Math.max(1, Math.ceil(values.length / 24));
  return Array.from({ length: Math.ceil(values.length / step) }, (_, i) =>
    values.slice(i * step, (i + 1) * step).reduce((sum, value) => sum + value, 0),
  );
}

interface KpiProps {
  label: string;
  count: number;
  before: number;
  href: string;
  series: number[];
  /** More of it is bad, and it is said in red. */
  isBad?: boolean;
}

function Kpi(props: KpiProps) {
  const change = () => words.change(props.count, props.before);
  const isWorse = () => (props.isBad ?? false) && props.count > props.before;
  return (
    <div class="kpi">
      <div class="k">
        <Show when={isWorse()}>
          <Icon name="alert" size={14} />
        </Show>
        {props.label}
      </div>
      <div class="v" title={exact(props.count)}>
        <a class="stretch" href={props.href}>
          {figure(props.count)}
        </a>
      </div>
      <Sparkline values={props.series} isBad={isWorse()} />
      <div class="d" classList={{ bad: isWorse() }}>
        <b>{change().amount}</b> {change().rest}
      </div>
    </div>
  );
}

function Kpis(props: { data: Data; status: Status | undefined }) {
  const link = (term: string) => linkTo('/events', { q: `${scope().q} ${term}`.trim() });
  const troubleLink = () =>
    linkTo('/events', {
      q: GRAVE.reduce((q, priority) => addTerm(q, 'priority', priority, true), `${scope().q} priority>=warning`.trim()),
    });
  return (
    <section class="kpis" aria-label={words.overview.figures}>
      <Kpi
        label={words.overview.events}
        count={props.data.total}
        before={props.data.before}
        href={linkTo('/events')}
        series={seriesOf(props.data, null)}
      />
      <Kpi
        label={words.overview.grave}
        count={sumOf(props.data, GRAVE, 'count')}
        before={sumOf(props.data, GRAVE, 'before')}
        href={link('priority>=critical')}
        series={seriesOf(props.data, GRAVE)}
        isBad
      />
      <Kpi
        label={words.overview.errors}
        count={sumOf(props.data, TROUBLE, 'count')}
        before={sumOf(props.data, TROUBLE, 'before')}
        href={troubleLink()}
        series={seriesOf(props.data, TROUBLE)}
      />
      <div class="kpi">
        <div class="k">{words.overview.rules}</div>
        <div class="v">{figure(props.data.rule_count)}</div>
        <div class="d el">
          <Show when={props.data.rules[0]} fallback={words.overview.noRule}>
            {(rule) => (
              <>
                {words.overview.most}{' '}
                <b title={visibleText(rule().rule)}>
                  <Value text={rule().rule} isPlain />
                </b>
              </>
            )}
          </Show>
        </div>
      </div>
      <LastEvent status={props.status} />
    </section>
  );
}

function LastEvent(props: { status: Status | undefined }) {
  const [now, setNow] = createSignal(Date.now());
  const timer = setInterval(() => setNow(Date.now()), 1000);
  onCleanup(() => clearInterval(timer));
  const newest = () => props.status?.newest_ms ?? undefined;
  const moment = (at: number) =>
    now() - at > 20 * 3600_000 ? `${day(at, scope().zone)} ${clock(at, scope().zone, false)}` : clock(at, scope().zone);
  return (
    <div class="kpi">
      <div class="k">{words.overview.last}</div>
      <div class="v">
        <Show when={newest()} fallback={<small>{words.overview.noLast}</small>}>
          {(at) => <>{moment(at())}</>}
        </Show>
      </div>
      <div class="d el">
        <Show when={props.status?.oldest_ms} fallback={words.overview.keptNone}>
          {(at) => (
            <>
              {words.overview.kept(
                words.ago(ageOf(now() - (newest() ?? at()))),
                props.status?.events ?? 0,
                day(at(), scope().zone),
              )}
            </>
          )}
        </Show>
      </div>
    </div>
  );
}

function Timeline(props: { data: Data; byRule: Loaded<HistogramData | null> }) {
  const by = () => (route().params.get('by') === 'rule' ? 'rule' : 'priority');
  const data = () => (by() === 'rule' ? (props.byRule.data() ?? undefined) : props.data.histogram);
  const stacks = [
    ['priority', words.overview.byPriority],
    ['rule', words.overview.byRule],
  ] as const;
  return (
    <section class="card c8" aria-labelledby="h-time">
      <header>
        <h2 id="h-time">{words.overview.overTime}</h2>
        <span class="muted">{words.histogram.heading(words.bareSpan(spanOf(props.data.histogram.interval_ms)))}</span>
        <div class="sp" />
        <div class="seg" role="group" aria-label={words.overview.stackBy}>
          <For each={stacks}>
            {([value, label]) => (
              <button type="button" aria-pressed={by() === value} onClick={() => setScope({ by: value }, 'replace')}>
                {label}
              </button>
            )}
          </For>
        </div>
      </header>
      <div class="body">
        <Switch>
          <Match when={by() === 'rule' && props.byRule.error()}>
            {(error) => <Failure what={words.overview.overTime} error={error()} onRetry={props.byRule.refresh} />}
          </Match>
          <Match when={data()}>
            {(histogram) => (
              <Histogram
                data={histogram()}
                from={props.data.from}
                to={props.data.to}
                zone={scope().zone}
                height={208}
                onZoom={(from, to) => setScope({ from: rfc3339(from), to: rfc3339(to) })}
                onZoomOut={() => setScope(widenRange(scope(), Date.now()))}
              />
            )}
          </Match>
        </Switch>
      </div>
    </section>
  );
}

function Priorities(props: { data: Data }) {
  return (
    <section class="card c4" aria-labelledby="h-prio">
      <header>
        <h2 id="h-prio">{words.overview.priorities}</h2>
      </header>
      <div class="body prios">
        <Donut counts={props.data.priorities} total={props.data.total} />
        <table class="ptab">
          <caption class="sr">{words.overview.prioritiesTable}</caption>
          <thead class="sr">
            <tr>
              <th scope="col">{words.overview.priority}</th>
              <th scope="col">{words.overview.count}</th>
              <th scope="col">{words.overview.change}</th>
            </tr>
          </thead>
          <tbody>
            <For each={props.data.priorities}>
              {(one) => (
                <tr classList={{ zero: one.count === 0 }}>
                  <th scope="row">
                    <a class="pn" href={filterLink('priority', one.priority)}>
                      <PriorityGlyph priority={one.priority} /> {words.priorities[one.priority]}
                    </a>
                  </th>
                  <td class="num" title={exact(one.count)}>
                    {one.count > 0 ? <b>{figure(one.count)}</b> : '0'}
                  </td>
                  <td class="num dl">{words.shortChange(one.count, one.before)}</td>
                </tr>
              )}
            </For>
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Rules(props: { data: Data }) {
  const bars = createMemo(() =>
    props.data.rules.slice(0, LISTED).map<Bar>((one) => ({
      key: one.rule,
      label: <Value text={one.rule} field="rule" />,
      href: filterLink('rule', one.rule),
      count: one.count,
      change: words.shortChange(one.count, one.before),
      lead: <PriorityGlyph priority={one.priority} size={12} isNamed />,
    })),
  );
  return (
    <section class="card c4" aria-labelledby="h-rules">
      <header>
        <h2 id="h-rules">{words.overview.ruleList}</h2>
        <div class="sp" />
        <Show when={props.data.rule_count > LISTED}>
          <span class="muted">{words.overview.allRules(props.data.rule_count)}</span>
        </Show>
      </header>
      <div class="body">
        <BarList bars={bars()} empty={words.overview.noRules} />
      </div>
    </section>
  );
}

const countedBars = (field: string, counted: Counted[]) =>
  counted.slice(0, LISTED).map<Bar>(({ value, count }) => ({
    key: value,
    label: <Value text={value} field={field} />,
    href: filterLink(field, value),
    count,
  }));

const TOPS = [
  ['k8s.ns.name', words.overview.namespaces],
  ['k8s.pod.name', words.overview.pods],
  ['container.image.repository', words.overview.images],
  ['hostname', words.overview.nodes],
] as const;
const MOST_TAGS = 200;

function Top(props: { field: string; title: string; facet: Facet | undefined }) {
  const id = () => `h-${props.field.replace(/\W/g, '-')}`;
  const bars = createMemo(() => countedBars(props.field, props.facet?.values ?? []));
  return (
    <section class="card c3" aria-labelledby={id()}>
      <header>
        <h2 id={id()}>{props.title}</h2>
        <div class="sp" />
        <Show when={props.facet}>
          {(facet) => (
            <span class="muted">
              {facet().is_exact ? '' : `${words.events.atLeast} `}
              {facet().distinct > LISTED ? words.overview.allRules(facet().distinct) : ''}
            </span>
          )}
        </Show>
      </header>
      <div class="body mono-list">
        <Show when={props.facet} fallback={<Skeleton rows={4} />}>
          <BarList bars={bars()} empty={words.overview.noValues} />
        </Show>
      </div>
    </section>
  );
}

function Tags(props: { facet: Facet | undefined }) {
  const bars = createMemo(() => countedBars('tags', props.facet?.values ?? []));
  return (
    <section class="card c4" aria-labelledby="h-tags">
      <header>
        <h2 id="h-tags">{words.overview.tags}</h2>
      </header>
      <div class="body mono-list">
        <BarList bars={bars()} empty={words.overview.noTags} />
      </div>
    </section>
  );
}

function Containers(props: { data: Data }) {
  const bars = createMemo(() => countedBars('container.id', props.data.containers));
  return (
    <section class="card c4" aria-labelledby="h-containers">
      <header>
        <h2 id="h-containers">{words.overview.containerList}</h2>
      </header>
      <div class="body mono-list">
        <BarList bars={bars()} empty={words.overview.noContainers} />
      </div>
    </section>
  );
}

export function Overview() {
  const overview = useQuery(apiScope, api.overview);
  const status = useQuery(
    () => 0,
    (_, signal) => api.status(signal),
  );
  const tops = useQuery(apiScope, async (wanted, signal) => {
    const fields = TOPS.map(([field]) => field);
    const [top, tags] = await Promise.all([
      api.facets(wanted, fields, LISTED, false, signal),
      api.facets(wanted, ['tags'], MOST_TAGS, false, signal),
    ]);
    return [...top.facets, ...tags.facets];
  });
  const facetOf = (field: string) => tops.data()?.find((one) => one.field === field);
  const isByRule = createMemo(() => route().params.get('by') === 'rule');
  const ruleKey = createMemo(() => (isByRule() ? { ...apiScope() } : null));
  const byRule = useQuery<ReturnType<typeof ruleKey>, HistogramData | null>(ruleKey, (key, signal) =>
    key ? api.histogram(key, 'rule', signal).then(foldKeys) : Promise.resolve(null),
  );

  const touch = () => {
    overview.touch();
    tops.touch();
    status.touch();
    if (isByRule()) byRule.touch();
  };
  useLive({ onBatch: touch, onOpen: touch });
  useClock(touch);
  createEffect(() => noteQuery(apiScope().q, overview.error()));
  createEffect(() => {
    const data = overview.data();
    if (data) learnValues(data);
  });
  createEffect(() => (document.title = words.title(words.overview.title)));

  const isFirstRun = () => status.data()?.events === 0 && overview.data()?.total === 0;
  return (
    <main id="main" tabindex="-1" classList={{ stale: overview.isLoading() && overview.data() !== undefined }}>
      <div class="head">
        <h1>{words.overview.title}</h1>
        <p class="sub">
          <Show when={overview.data()}>
            {(data) => (
              <>
                {words.overview.range(
                  words.span(spanOf(data().to - data().from)),
                  `${clock(data().to, scope().zone, false)} ${zoneName(scope().zone)}`,
                )}
              </>
            )}
          </Show>
        </p>
      </div>
      <LiveNote />
      <Show when={overview.data()?.is_exact === false}>
        <p class="banner warn" role="status">
          <Icon name="hour" /> <span>{words.overview.inPart}</span>
        </p>
      </Show>
      <Show when={overview.error()?.status !== 400 && overview.error()}>
        {(error) => (
          <section class="card spaced">
            <Failure what={words.overview.title} error={error()} onRetry={overview.refresh} />
          </section>
        )}
      </Show>
      <Show
        when={overview.data()}
        fallback={
          <Show when={!overview.error()}>
            <section class="card" aria-busy="true" aria-label={words.overview.figures}>
              <Skeleton rows={8} />
            </section>
          </Show>
        }
      >
        {(data) => (
          <Show
            when={!isFirstRun()}
            fallback={
              <section class="card">
                <FirstRun />
              </section>
            }
          >
            <Kpis data={data()} status={status.data()} />
            <Show when={data().total === 0}>
              <section class="card spaced">
                <Nothing
                  title={
                    scope().q ? words.empty.nothing(rangeWords(scope())) : words.empty.nothingAtAll(rangeWords(scope()))
                  }
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
              </section>
            </Show>
            <div class="grid">
              <Timeline data={data()} byRule={byRule} />
              <Priorities data={data()} />
              <Rules data={data()} />
              <Containers data={data()} />
              <Tags facet={facetOf('tags')} />
              <For each={TOPS}>{([field, title]) => <Top field={field} title={title} facet={facetOf(field)} />}</For>
              <Attack tags={facetOf('tags')?.values ?? []} />
            </div>
          </Show>
        )}
      </Show>
    </main>
  );
}
