/* Saved views: a name for what the page shows now, and the way back to it. */
import { For, Show } from 'solid-js';
import { say } from '../toast';
import { Icon } from '../ui/Icon';
import { usePopover } from '../ui/Dialog';
import { visibleText } from '../logic/visible';
import { forgetView, saveView, views } from '../views';
import { words } from '../words';

export function ViewList() {
  return (
    <Show when={views().length > 0}>
      <div class="views">
        <h2 class="nav-l">{words.views.title}</h2>
        <ul>
          <For each={views()}>
            {(view) => (
              <li>
                <a class="nav-i" href={view.href} title={visibleText(view.name)}>
                  <Icon name="star" size={16} /> <span class="nav-l el">{visibleText(view.name)}</span>
                </a>
                <button type="button" aria-label={words.views.forget(visibleText(view.name))} title={words.views.forget(visibleText(view.name))} onClick={() => forgetView(view.name)}>
                  <Icon name="x" size={14} />
                </button>
              </li>
            )}
          </For>
        </ul>
      </div>
    </Show>
  );
}

export function SaveView() {
  const popover = usePopover();
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem('view') as HTMLInputElement;
    const name = input.value.trim();
    if (!name) return;
    saveView(name, location.hash);
    popover.close();
    say(words.views.saved(visibleText(name)));
  };
  return (
    <div class="pop-area" ref={popover.area}>
      <button class="btn sm" type="button" aria-label={words.views.save} aria-expanded={popover.isOpen()} aria-haspopup="dialog" onClick={popover.toggle}>
        <Icon name="star" size={14} /> <span class="lbl">{words.views.save}</span>
      </button>
      <Show when={popover.isOpen()}>
        <form class="pop savev" role="dialog" aria-label={words.views.save} onSubmit={save}>
          <label>
            <span>{words.views.name}</span>
            <input name="view" maxlength="60" autocomplete="off" ref={(input) => queueMicrotask(() => input.focus())} />
          </label>
          <p class="muted">{words.views.none}</p>
          <button class="btn sm primary" type="submit">
            {words.views.keep}
          </button>
        </form>
      </Show>
    </div>
  );
}
