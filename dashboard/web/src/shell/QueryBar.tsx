/*
 * The query bar: a real input that holds plain text. What looks like tokens is drawn over it from
 * the same text, letter on letter, so copy, paste and undo work as everywhere.
 */
import { createEffect, createMemo, createSignal, createUniqueId, For, on, onCleanup, Show } from 'solid-js';
import { useKeys } from '../keys';
import { askValues, known } from '../known';
import { readQuery } from '../logic/query';
import { suggest } from '../logic/suggest';
import { go, route } from '../router';
import { apiScope, linkTo, queryError, scope, setScope } from '../scope';
import { Icon } from '../ui/Icon';
import { Value } from '../ui/Value';
import { words } from '../words';

const TYPING_MS = 400;

interface Part {
  text: string;
  kind: '' | 'field' | 'value' | 'negated' | 'word' | 'wrong';
}

/** The text in the parts that are drawn; together they are the text again. */
function partsOf(text: string, wrongColumn: number | undefined): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const term of readQuery(text)) {
    if (term.start > at) parts.push({ text: text.slice(at, term.start), kind: '' });
    const isWrong = wrongColumn !== undefined && wrongColumn - 1 >= term.start && wrongColumn - 1 < term.end;
    if (isWrong) parts.push({ text: text.slice(term.start, term.end), kind: 'wrong' });
    else if (term.isNegated) parts.push({ text: text.slice(term.start, term.end), kind: 'negated' });
    else if (term.field === null) parts.push({ text: text.slice(term.start, term.end), kind: 'word' });
    else {
      parts.push({ text: text.slice(term.start, term.valueStart), kind: 'field' });
      parts.push({ text: text.slice(term.valueStart, term.end), kind: 'value' });
    }
    at = term.end;
  }
  if (at < text.length) parts.push({ text: text.slice(at), kind: '' });
  return parts;
}

export function QueryBar() {
  let input!: HTMLInputElement;
  let overlay!: HTMLDivElement;
  let area!: HTMLDivElement;
  const id = createUniqueId();
  const [draft, setDraft] = createSignal(scope().q);
  const [caret, setCaret] = createSignal(0);
  const [isOpen, setOpen] = createSignal(false);
  const [chosen, setChosen] = createSignal(-1);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isTyping = false;

  createEffect(
    on(
      () => scope().q,
      (q) => q !== draft().trim() && setDraft(q),
    ),
  );
  onCleanup(() => clearTimeout(timer));

  const error = () => (queryError()?.q === draft().trim() ? queryError() : undefined);
  const parts = createMemo(() => partsOf(draft(), error()?.column));
  const found = createMemo(() => suggest(draft(), caret(), known()));
  askValues(() => {
    const { kind, field, typed } = found();
    return isOpen() && kind === 'values' && field && field !== 'priority' ? { field, typed: typed ?? '' } : null;
  }, apiScope);
  const isListed = () => isOpen() && found().options.length > 0;

  const follow = () =>
    requestAnimationFrame(() => {
      overlay.scrollLeft = input.scrollLeft;
      setCaret(input.selectionStart ?? 0);
    });

  /** The first letter makes a history entry, those after it change it: Back undoes one act. */
  const apply = () => {
    clearTimeout(timer);
    const q = draft().trim();
    if (q === scope().q) return;
    setScope({ q }, isTyping ? 'replace' : 'push');
    isTyping = true;
  };

  const change = (text: string) => {
    setDraft(text);
    setChosen(-1);
    clearTimeout(timer);
    timer = setTimeout(apply, TYPING_MS);
    follow();
  };

  const submit = () => {
    apply();
    isTyping = false;
    setOpen(false);
    // One event has no list to search: the answer is on the events page.
    if (route().path.startsWith('/event/')) go(linkTo('/events', { q: draft().trim() }));
  };

  const complete = (index: number) => {
    const { start, end, options } = found();
    const option = options[index];
    if (!option) return;
    const text = draft().slice(0, start) + option.text + draft().slice(end).trimStart();
    input.value = text;
    input.setSelectionRange(start + option.text.length, start + option.text.length);
    change(text);
    input.focus();
  };

  const clear = () => {
    setDraft('');
    isTyping = false;
    apply();
    input.focus();
  };

  const choose = (by: number) => {
    setOpen(true);
    const count = found().options.length;
    if (count > 0) setChosen((at) => (at + by + count + (at < 0 && by < 0 ? 1 : 0)) % count);
  };

  const KEYS: Record<string, (event: KeyboardEvent) => boolean> = {
    ArrowDown: () => (choose(1), true),
    ArrowUp: () => (choose(-1), true),
    Tab: (event) => {
      if (!isListed() || event.shiftKey || chosen() < 0) return (setOpen(false), false);
      return (complete(chosen()), true);
    },
    Enter: () => (isListed() && chosen() >= 0 ? complete(chosen()) : submit(), true),
    Escape: () => {
      if (isListed()) setOpen(false);
      else input.blur();
      return true;
    },
  };

  const press = (event: KeyboardEvent) => {
    if (KEYS[event.key]?.(event)) event.preventDefault();
    follow();
  };

  useKeys({
    '/': () => (input.focus(), input.select()),
  });

  return (
    <div class="q-area" role="search" aria-label={words.search.region} ref={area}>
      <div class="q" classList={{ bad: error() !== undefined }}>
        <Icon name="search" />
        <div class="q-text">
          <div class="q-over" ref={overlay} aria-hidden="true">
            <For each={parts()}>{(part) => <span class={part.kind}>{part.text}</span>}</For>
          </div>
          <input
            ref={input}
            type="text"
            value={draft()}
            aria-label={words.search.label}
            placeholder={words.search.placeholder}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            enterkeyhint="search"
            role="combobox"
            aria-autocomplete="list"
            aria-expanded={isListed()}
            aria-controls={`${id}-list`}
            aria-activedescendant={isListed() && chosen() >= 0 ? `${id}-${chosen()}` : undefined}
            aria-invalid={error() !== undefined}
            aria-describedby={error() ? `${id}-error` : undefined}
            onInput={(event) => (setOpen(true), change(event.currentTarget.value))}
            onKeyDown={press}
            onScroll={follow}
            onClick={() => (setOpen(true), follow())}
            onFocus={() => (setOpen(true), follow())}
            onBlur={() => (apply(), (isTyping = false), setOpen(false))}
          />
        </div>
        <Show when={draft()} fallback={<kbd aria-hidden="true">/</kbd>}>
          <button class="tx" type="button" aria-label={words.search.clear} onClick={clear}>
            <Icon name="x" size={14} />
          </button>
        </Show>
      </div>
      <div class="sug" hidden={!isListed()}>
        <div class="g" aria-hidden="true">
          {found().kind === 'fields' ? words.search.fields : words.search.values}
        </div>
        <ul id={`${id}-list`} role="listbox" aria-label={words.search.suggestions}>
          <For each={found().options}>
            {(option, i) => (
              <li
                id={`${id}-${i()}`}
                role="option"
                aria-selected={i() === chosen()}
                onPointerDown={(event) => (event.preventDefault(), complete(i()))}
              >
                <code class="el">
                  <Value text={option.label} isPlain />
                </code>
                <small class="el">{option.help}</small>
              </li>
            )}
          </For>
        </ul>
        <div class="keys" aria-hidden="true">
          <span>
            <kbd>↑ ↓</kbd> {words.search.choose}
          </span>
          <span>
            <kbd>Tab</kbd> {words.search.complete}
          </span>
          <span>
            <kbd>Enter</kbd> {words.search.go}
          </span>
          <span>
            <code>-field:value</code> {words.search.out}
          </span>
          <span>
            <code>priority&gt;=warning</code> {words.search.least}
          </span>
        </div>
      </div>
      <Show when={error()}>
        {(wrong) => (
          <p class="qerr" id={`${id}-error`} role="alert">
            <b>{wrong().column ? words.search.errorAt(wrong().column as number) : words.search.error}</b>{' '}
            {words.search.because(wrong().message)} <span class="muted">{words.search.kept}</span>
          </p>
        )}
      </Show>
    </div>
  );
}
