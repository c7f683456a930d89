/* Beside the list: the values of a field and how many events have each, to ask for or leave out. */
import { createEffect, createMemo, createSignal, For, Show } from 'solid-js';
import { api } from '../api';
import { useLive } from '../live';
import { useQuery } from '../load';
import { exact, figure } from '../logic/number';
import { readChosen, withChosen } from '../logic/query';
import { visibleText } from '../logic/visible';
import { apiScope, scope, setScope } from '../scope';
import { PRIORITIES, type Facet, type FacetList, type Priority } from '../types';
import { Icon, PriorityGlyph } from '../ui/Icon';
import { Value } from '../ui/Value';
import { words } from '../words';

/** Open from the start, then folded until somebody looks. */
const OPEN = ['priority', 'rule', 'k8s.ns.name', 'k8s.pod.name', 'hostname'];
const FOLDED = ['container.image.repository', 'container.name', 'proc.name', 'proc.pname', 'user.name', 'fd.name', 'tags', 'source'];
const FEW = 6;
const MANY = 50;
const OPEN_KEY = 'tercel.facets';

function readOpen(): string[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(OPEN_KEY) ?? 'null');
    return Array.isArray(read) ? read.filter((name): name is string => typeof name === 'string').slice(0, 30) : OPEN;
  } catch {
    return OPEN;
  }
}

const [open, setOpen] = createSignal(readOpen());

function toggleOpen(field: string): void {
  setOpen((before) => (before.includes(field) ? before.filter((one) => one !== field) : [...before, field]));
  try {
    localStorage.setItem(OPEN_KEY, JSON.stringify(open()));
  } catch {
    // It stays open as long as the page.
  }
}

const isPriority = (value: string): value is Priority => (PRIORITIES as readonly string[]).includes(value);

interface RowProps {
  field: string;
  value: string;
  count: number | undefined;
  isExact: boolean;
  is: 'in' | 'out' | undefined;
  onChoose: (isOut: boolean) => void;
}

function FacetRow(props: RowProps) {
  const shown = () => visibleText(props.value);
  return (
    <li class="fr" classList={{ out: props.is === 'out' }}>
      <label title={shown()}>
        <input
          type="checkbox"
          checked={props.is === 'in'}
          aria-label={words.facets.include(shown())}
          onChange={(event) => {
            event.currentTarget.checked = props.is === 'in';
            props.onChoose(false);
          }}
        />
        <Show when={props.field === 'priority' && isPriority(props.value) && props.value}>
          {(priority) => <PriorityGlyph priority={priority()} size={13} />}
        </Show>
        <span class="el">
          <Value text={props.value} limit={120} isPlain />
        </span>
      </label>
      <button
        type="button"
        aria-label={words.facets.exclude(shown())}
        title={words.facets.exclude(shown())}
        aria-pressed={props.is === 'out'}
        onClick={() => props.onChoose(true)}
      >
        <Icon name="minus" size={14} />
      </button>
      <span class="n" title={props.count === undefined ? '' : exact(props.count)}>
        {props.count === undefined ? '' : `${props.isExact ? '' : '≥ '}${figure(props.count)}`}
      </span>
    </li>
  );
}

function FacetPart(props: { field: string; facet: Facet | undefined; q: string; onMore: () => void; isMore: boolean }) {
  const chosen = createMemo(() => readChosen(props.q, props.field));
  const isOpen = () => open().includes(props.field);
  const id = () => `facet-${props.field.replace(/\W/g, '-')}`;
  const rows = createMemo(() => {
    const counted = new Map((props.facet?.values ?? []).map(({ value, count }) => [value, count]));
    const kept = [...chosen().included, ...chosen().excluded].filter((value) => !counted.has(value));
    const all = [...counted.keys(), ...kept];
    if (props.field !== 'priority') return all.map((value) => ({ value, count: counted.get(value) }));
    return PRIORITIES.filter((value) => all.includes(value)).map((value) => ({ value, count: counted.get(value) }));
  });
  const isOf = (value: string) => {
    const same = (one: string) => (props.field === 'priority' ? one.toLowerCase() === value.toLowerCase() : one === value);
    return chosen().included.some(same) ? 'in' : chosen().excluded.some(same) ? 'out' : undefined;
  };
  const choose = (value: string, isOut: boolean) => {
    const same = (one: string) => one.toLowerCase() === value.toLowerCase();
    const was = isOf(value);
    const included = chosen().included.filter((one) => !same(one));
    const excluded = chosen().excluded.filter((one) => !same(one));
    if (isOut && was !== 'out') excluded.push(value);
    if (!isOut && was !== 'in') included.push(value);
    setScope({ q: withChosen(scope().q, props.field, included, excluded) });
  };
  return (
    <section class="facet">
      <h3>
        <button type="button" aria-expanded={isOpen()} aria-controls={id()} onClick={() => toggleOpen(props.field)}>
          <Icon name="right" size={14} class={isOpen() ? 'turn on' : 'turn'} />
          <span class="el">{words.facets.names[props.field] ?? visibleText(props.field)}</span>
          <Show when={chosen().included.length + chosen().excluded.length}>{(count) => <b>{count()}</b>}</Show>
        </button>
      </h3>
      <div id={id()} hidden={!isOpen()}>
        <Show when={isOpen() && props.facet} fallback={<p class="faint pad">{words.facets.loading}</p>}>
          {(facet) => (
            <>
              <ul aria-label={words.facets.values(words.facets.names[props.field] ?? visibleText(props.field))}>
                <For each={rows()}>
                  {(row) => (
                    <FacetRow
                      field={props.field}
                      value={row.value}
                      count={row.count}
                      isExact={facet().is_exact}
                      is={isOf(row.value)}
                      onChoose={(isOut) => choose(row.value, isOut)}
                    />
                  )}
                </For>
              </ul>
              <Show when={rows().length === 0}>
                <p class="faint none">{words.facets.none}</p>
              </Show>
              <Show when={facet().distinct > facet().values.length || props.isMore}>
                <button class="morev" type="button" onClick={() => props.onMore()}>
                  {props.isMore ? words.facets.fewer : words.facets.more(facet().distinct - facet().values.length)}
                </button>
              </Show>
            </>
          )}
        </Show>
      </div>
    </section>
  );
}

/** One request for all facets that share a query; one for each that has a choice of its own. */
function useFacets(fields: () => string[], limitOf: (field: string) => number, isExact: () => boolean) {
  const key = createMemo(
    () => ({ scope: apiScope(), fields: fields().filter((field) => open().includes(field)), limits: fields().map(limitOf), exact: isExact() }),
    undefined,
    { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) },
  );
  return useQuery(key, async (wanted, signal): Promise<FacetList> => {
    const groups = new Map<string, string[]>();
    for (const field of wanted.fields) {
      const chosen = readChosen(wanted.scope.q, field);
      const q = chosen.included.length + chosen.excluded.length > 0 ? chosen.rest : wanted.scope.q;
      const name = `${limitOf(field)} ${q}`;
      groups.set(name, [...(groups.get(name) ?? []), field]);
    }
    const asked = [...groups].map(([name, names]) => {
      const at = name.indexOf(' ');
      return api.facets({ ...wanted.scope, q: name.slice(at + 1) }, names, Number(name.slice(0, at)), wanted.exact, signal);
    });
    const lists = await Promise.all(asked);
    return { facets: lists.flatMap((list) => list.facets), is_exact: lists.every((list) => list.is_exact) };
  });
}

export function Facets() {
  const [many, setMany] = createSignal<string[]>([]);
  const [added, setAdded] = createSignal<string[]>([]);
  const [exactFor, setExactFor] = createSignal('');
  const fields = createMemo(() => [...OPEN, ...FOLDED, ...added()]);
  const scopeKey = () => JSON.stringify(apiScope());
  const facets = useFacets(fields, (field) => (many().includes(field) ? MANY : field === 'priority' ? 8 : FEW), () => exactFor() === scopeKey());
  useLive({ onBatch: facets.touch, onOpen: facets.touch });
  const facetOf = (field: string) => facets.data()?.facets.find((one) => one.field === field);
  const toggleMany = (field: string) =>
    setMany((before) => (before.includes(field) ? before.filter((one) => one !== field) : [...before, field]));
  createEffect(() => void apiScope());

  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem('field') as HTMLInputElement;
    const field = input.value.trim();
    if (!/^[A-Za-z][\w.[\]-]{0,200}$/.test(field) || fields().includes(field)) return;
    setAdded((before) => [...before, field]);
    if (!open().includes(field)) toggleOpen(field);
    input.value = '';
  };

  return (
    <div class="facets" classList={{ stale: facets.isLoading() && facets.data() !== undefined }}>
      <Show when={facets.data()?.is_exact === false}>
        <p class="partial">
          {words.facets.partial}{' '}
          <button type="button" onClick={() => setExactFor(scopeKey())}>
            {words.facets.countAll}
          </button>
        </p>
      </Show>
      <For each={fields()}>
        {(field) => (
          <FacetPart
            field={field}
            facet={facetOf(field)}
            q={scope().q}
            isMore={many().includes(field)}
            onMore={() => toggleMany(field)}
          />
        )}
      </For>
      <form class="addf" onSubmit={add}>
        <input name="field" aria-label={words.facets.add} placeholder={words.facets.addHint} autocomplete="off" spellcheck={false} maxlength="200" />
        <button class="btn sm" type="submit">
          {words.facets.addIt}
        </button>
      </form>
    </div>
  );
}
