/*
 * The live tail: one stream for whatever page is open. A lone event comes at once, many come in
 * batches, at most four a second. After a break it goes on from the last id that it saw. A page
 * that listens also hears `onOpen`, and asks for what may have happened while nothing was connected.
 */
import { createEffect, createMemo, createSignal, onCleanup } from 'solid-js';
import { ApiError, request } from './api';
import { createReader } from './logic/sse';
import { scope } from './scope';
import type { AlertEvent } from './types';

const BATCH_MS = 250;
const MAX_BATCH = 500;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

export type LiveState = { is: 'off' | 'connecting' | 'open' } | { is: 'cut'; retryAt: number };

export interface Batch {
  /** Newest last; at most 500. */
  events: AlertEvent[];
  /** True when more came than are held: the page should ask instead of adding. */
  isOverfull: boolean;
}

interface Listener {
  onBatch: (batch: Batch) => void;
  onOpen: () => void;
}

const [liveState, setLiveState] = createSignal<LiveState>({ is: 'off' });
const listeners = new Set<Listener>();

export { liveState };

export function useLive(listener: Listener): void {
  listeners.add(listener);
  onCleanup(() => listeners.delete(listener));
}

function createBatches() {
  let batch: Batch = { events: [], isOverfull: false };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flushedAt = -Infinity;

  const flush = () => {
    const full = batch;
    timer = undefined;
    flushedAt = performance.now();
    batch = { events: [], isOverfull: false };
    for (const listener of listeners) listener.onBatch(full);
  };

  return {
    add(event: AlertEvent) {
      if (batch.events.length >= MAX_BATCH) batch.isOverfull = true;
      else batch.events.push(event);
      timer ??= setTimeout(flush, flushedAt + BATCH_MS - performance.now());
    },
    stop: () => clearTimeout(timer),
  };
}

async function readStream(body: ReadableStream<Uint8Array>, onChunk: (text: string) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onChunk(value);
  }
}

const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()));
  });

async function follow(q: string, signal: AbortSignal): Promise<void> {
  const batches = createBatches();
  signal.addEventListener('abort', batches.stop);
  let lastId = '';
  let retryMs = FIRST_RETRY_MS;

  const read = createReader((message) => {
    if (message.id) lastId = message.id;
    if (message.type === 'alert') batches.add(JSON.parse(message.data) as AlertEvent);
  });

  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (lastId) headers['Last-Event-ID'] = lastId;
      const response = await request(`stream?${new URLSearchParams(q ? { q } : {})}`, {
        signal,
        headers,
        cache: 'no-store',
      });
      setLiveState({ is: 'open' });
      retryMs = FIRST_RETRY_MS;
      for (const listener of listeners) listener.onOpen();
      if (response.body) await readStream(response.body, read);
    } catch (error) {
      if (signal.aborted) return;
      // The page says what is wrong with the query; asking again does not mend it.
      if (error instanceof ApiError && error.status === 400) return void setLiveState({ is: 'off' });
    }
    if (signal.aborted) return;
    setLiveState({ is: 'cut', retryAt: Date.now() + retryMs });
    await sleep(retryMs, signal);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }
}

/** A browser has six connections for a host; tabs that nobody sees must not hold them. */
function useSeen() {
  const [isSeen, setSeen] = createSignal(document.visibilityState === 'visible');
  const note = () => setSeen(document.visibilityState === 'visible');
  document.addEventListener('visibilitychange', note);
  onCleanup(() => document.removeEventListener('visibilitychange', note));
  return isSeen;
}

/** Keeps the stream as the scope wants it, for as long as the owner lives and is seen. */
export function keepLive(): void {
  const isSeen = useSeen();
  const wanted = createMemo(() => (scope().isLive && isSeen() ? scope().q : null));

  createEffect(() => {
    const q = wanted();
    if (q === null) return void setLiveState({ is: 'off' });
    const stop = new AbortController();
    onCleanup(() => stop.abort());
    setLiveState({ is: 'connecting' });
    void follow(q, stop.signal);
  });
  onCleanup(() => setLiveState({ is: 'off' }));
}
