/* A modal dialog, and a popover beside the button that opens it. Both give the focus back. */
import { createEffect, createSignal, createUniqueId, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { words } from '../words';
import { Icon } from './Icon';

export function Dialog(props: {
  title: string;
  onClose: () => void;
  class?: string;
  isStubborn?: boolean;
  children: JSX.Element;
}) {
  const id = createUniqueId();
  let element!: HTMLDialogElement;
  const before = document.activeElement as HTMLElement | null;

  onMount(() => element.showModal());
  onCleanup(() => {
    element.close();
    if (before?.isConnected) before.focus();
  });
  return (
    <dialog
      ref={element}
      class={`dialog ${props.class ?? ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!props.isStubborn) props.onClose();
      }}
      onClick={(event) => event.target === element && !props.isStubborn && props.onClose()}
    >
      <div class="dialog-in">
        <header>
          <h2 id={id}>{props.title}</h2>
          <Show when={!props.isStubborn}>
            <button class="btn icon ghost" type="button" aria-label={words.close} onClick={() => props.onClose()}>
              <Icon name="x" />
            </button>
          </Show>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

interface Popover {
  isOpen: () => boolean;
  toggle: () => void;
  close: () => void;
  /** Goes on the element around button and popover. */
  area: (element: HTMLElement) => void;
}

export function usePopover(): Popover {
  const [isOpen, setOpen] = createSignal(false);
  let area: HTMLElement | undefined;

  const close = () => {
    if (!isOpen()) return;
    const hadFocus = area?.contains(document.activeElement);
    setOpen(false);
    if (hadFocus) area?.querySelector<HTMLElement>('[aria-expanded]')?.focus();
  };

  createEffect(() => {
    if (!isOpen()) return;
    const onPress = (event: Event) => area?.contains(event.target as Node) || setOpen(false);
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      close();
    };
    document.addEventListener('pointerdown', onPress);
    document.addEventListener('keydown', onKey, true);
    onCleanup(() => {
      document.removeEventListener('pointerdown', onPress);
      document.removeEventListener('keydown', onKey, true);
    });
  });
  return { isOpen, toggle: () => (isOpen() ? close() : setOpen(true)), close, area: (element) => (area = element) };
}
