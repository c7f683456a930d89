/*
 * One loading thing: its data, its error, and how to ask again. Old data stays while new is on the
 * way; a changed key ends the request before it; a refresh never does, so a slow answer arrives.
 */
import { createEffect, createSignal, on, onCleanup, type Accessor } from 'solid-js';
import type { ApiError } from './api';

/** Live refreshes leave the server this many times the time that the last answer took. */
const BREATH = 4;
const SHORTEST_MS = 250;

export interface Loaded<T> {
  data: Accessor<T | undefined>;
  error: Accessor<ApiError | undefined>;
  /** While there is nothing yet, or what there is belongs to another key; a refresh is quiet. */
  isLoading: Accessor<boolean>;
  /** Ask again now. */
  refresh: () => void;
  /** Ask again as soon as the server has had its rest: many calls become one request. */
  touch: () => void;
}

export function useQuery<K, T>(key: Accessor<K>, load: (key: K, signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [data, setData] = createSignal<T>();
  const [error, setError] = createSignal<ApiError>();
  const [isLoading, setLoading] = createSignal(false);
  let stop: AbortController | undefined;
  let isAgain = false;
  let tookMs = 0;
  let endedAt = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const run = async (wanted: K, isQuiet = false) => {
    stop?.abort();
    const mine = (stop = new AbortController());
    const began = performance.now();
    setLoading(!isQuiet);
    try {
      const result = await load(wanted, mine.signal);
      if (mine.signal.aborted) return;
      setData(() => result);
      setError(undefined);
    } catch (reason) {
      if (mine.signal.aborted) return;
      setError(reason as ApiError);
    }
    endedAt = performance.now();
    tookMs = endedAt - began;
    stop = undefined;
    setLoading(false);
    if (isAgain) touch();
  };

  const refresh = () => {
    if (stop) isAgain = true;
    else void run(key(), data() !== undefined && error() === undefined);
  };

  const touch = () => {
    isAgain = false;
    const rest = endedAt + Math.max(SHORTEST_MS, tookMs * BREATH) - performance.now();
    timer ??= setTimeout(() => {
      timer = undefined;
      refresh();
    }, rest);
  };

  createEffect(on(key, (wanted) => void run(wanted)));
  onCleanup(() => {
    stop?.abort();
    clearTimeout(timer);
  });
  return { data, error, isLoading, refresh, touch };
}
