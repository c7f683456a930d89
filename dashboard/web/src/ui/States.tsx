/* What stands where data would: loading for the first time, a failure, nothing at all. */
import { For, Show, type JSX } from 'solid-js';
import type { ApiError } from '../api';
import { copy } from '../toast';
import { words } from '../words';
import { Icon } from './Icon';

export function Skeleton(props: { rows: number }) {
  return (
    <div class="sk" aria-hidden="true">
      <For each={Array.from({ length: props.rows })}>
        {() => (
          <div>
            <i />
            <i />
            <i />
            <i />
          </div>
        )}
      </For>
    </div>
  );
}

export function Failure(props: { what: string; error: ApiError; onRetry: () => void }) {
  return (
    <div class="state" role="alert">
      <p>
        <Icon name="alert" class="bad" /> <b>{words.error.part(props.what)}</b>
      </p>
      <p class="muted">{props.error.message}</p>
      <div class="acts">
        <button class="btn sm" type="button" onClick={() => props.onRetry()}>
          <Icon name="rotate" size={14} /> {words.retry}
        </button>
      </div>
    </div>
  );
}

export function Nothing(props: { title: string; more?: string | undefined; children?: JSX.Element }) {
  return (
    <div class="state">
      <p>
        <b>{props.title}</b>
      </p>
      <Show when={props.more}>
        <p class="muted">{props.more}</p>
      </Show>
      <div class="acts">{props.children}</div>
    </div>
  );
}

export function FirstRun() {
  const commands = words.empty.firstRunCommands;
  return (
    <div class="state">
      <p>
        <b>{words.empty.firstRun}</b>
      </p>
      <p class="muted">{words.empty.firstRunMore}</p>
      <div class="code" tabindex="0" role="region" aria-label={words.empty.command}>
        <pre>{commands.join('\n')}</pre>
      </div>
      <p class="muted">{words.empty.firstRunEnd}</p>
      <div class="acts">
        <button class="btn sm" type="button" onClick={() => void copy(commands[0] as string, words.empty.theCommand)}>
          <Icon name="copy" size={14} /> {words.empty.copyCommand}
        </button>
      </div>
    </div>
  );
}
