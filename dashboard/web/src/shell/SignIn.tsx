/* The form of the login page, and the dialog over a page whose session has ended. */
import { createSignal, onCleanup, onMount, Show } from 'solid-js';
import { ApiError, resumeAfterSignIn } from '../api';
import { session, signIn } from '../session';
import { Dialog } from '../ui/Dialog';
import { Icon } from '../ui/Icon';
import { words } from '../words';

const FIRST_WAIT_S = 30;

function messageOf(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  return error.status === 401 ? words.login.failed : error.message;
}

export function SignInForm(props: { user?: string; onDone: () => void }) {
  let userInput!: HTMLInputElement;
  let passwordInput!: HTMLInputElement;
  const [isShown, setShown] = createSignal(false);
  const [isBusy, setBusy] = createSignal(false);
  const [error, setError] = createSignal('');
  const [waitS, setWaitS] = createSignal(0);
  let timer: ReturnType<typeof setInterval> | undefined;

  const countDown = (seconds: number) => {
    setWaitS(seconds);
    clearInterval(timer);
    timer = setInterval(() => {
      setWaitS((left) => Math.max(0, left - 1));
      if (waitS() === 0) clearInterval(timer);
    }, 1000);
  };
  onCleanup(() => clearInterval(timer));
  onMount(() => (props.user ? passwordInput : userInput).focus());

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy() || waitS() > 0) return;
    setBusy(true);
    setError('');
    try {
      await signIn(userInput.value, passwordInput.value);
      props.onDone();
    } catch (reason) {
      if (reason instanceof ApiError && reason.status === 429) countDown(reason.retryAfter ?? FIRST_WAIT_S);
      else setError(messageOf(reason));
      passwordInput.select();
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void submit(event)}>
      <div role="alert">
        <Show when={waitS() > 0 ? words.login.wait(waitS()) : error()}>
          {(text) => (
            <p class="form-err">
              <Icon name="alert" /> <span>{text()}</span>
            </p>
          )}
        </Show>
      </div>
      <label class="fld">
        <span>{words.login.user}</span>
        <input
          ref={userInput}
          name="user"
          autocomplete="username"
          autocapitalize="off"
          spellcheck={false}
          value={props.user ?? ''}
          required
        />
      </label>
      <div class="fld pw">
        <label>
          <span>{words.login.password}</span>
          <input
            ref={passwordInput}
            name="password"
            type={isShown() ? 'text' : 'password'}
            autocomplete="current-password"
            required
          />
        </label>
        <button
          type="button"
          aria-label={isShown() ? words.login.hide : words.login.show}
          onClick={() => setShown(!isShown())}
        >
          <Icon name="eye" size={17} />
        </button>
      </div>
      <button class="btn primary" type="submit" aria-disabled={isBusy() || waitS() > 0}>
        {words.login.submit}
      </button>
    </form>
  );
}

export function SignInDialog() {
  return (
    <Dialog title={words.login.expired} onClose={() => undefined} isStubborn class="narrow">
      <p class="muted">{words.login.expiredMore}</p>
      <SignInForm user={session()?.user ?? ''} onDone={resumeAfterSignIn} />
    </Dialog>
  );
}
