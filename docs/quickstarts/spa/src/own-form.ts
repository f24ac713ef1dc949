// A form of one's own: the refresh token is in a cookie that no script reads, the access token in memory.

import { settings } from './settings';

type Envelope = { email: string; role: string | null; access_token: string; expires_in: number };
type Held = Envelope & { until: number };

const EARLY = 60_000; // milliseconds
let held: Held | null = null;

const post = (call: string, body: object) =>
  fetch(`${settings.issuer}/v1/auth/${call}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    credentials: 'include', // the cookie of the refresh token
    body: JSON.stringify({ client_id: settings.clientId, ...body }),
  });

async function hold(answer: Response): Promise<Held> {
  const envelope: Envelope = await answer.json();
  return (held = { ...envelope, until: Date.now() + envelope.expires_in * 1_000 });
}

/** Who is signed in, with an access token that is good for a while. */
export async function fresh(): Promise<Held | null> {
  if (held && held.until - Date.now() > EARLY) return held;
  // One tab at a time; the cookie is the same for all of them.
  return navigator.locks.request('doorward-refresh', async () => {
    const answer = await post('refresh', {});
    if (answer.ok) return hold(answer);
    if (answer.status === 401 || answer.status === 400) return (held = null);
    throw new Error(`the sign-in service answers ${answer.status}; try again`);
  });
}

const show = (id: string, text: string) => (document.getElementById(id)!.textContent = text);

async function render() {
  const user = await fresh();
  document.body.dataset.signedIn = String(user !== null);
  show('who', user ? `${user.email}, ${user.role}` : 'Nobody is signed in.');
}

const WORDS: Record<string, string> = {
  invalid_credentials: 'The e-mail address or the password is wrong.',
  email_not_verified: 'Open the link in the mail that we have sent you first.',
  rate_limited: 'Too many tries. Wait a few minutes.',
  direct_login_disabled: 'This app may not post passwords: switch direct login on for it.',
};

async function problem(answer: Response | null): Promise<string> {
  const { error = '' } = (await answer?.json().catch(() => null)) ?? {};
  return WORDS[error] ?? 'The sign-in service cannot be reached. Try again in a moment.';
}

document.querySelector('form')!.addEventListener('submit', async event => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target as HTMLFormElement));
  const answer = await post('login', { email, password, delivery: 'cookie' }).catch(() => null);
  if (answer?.ok) await hold(answer);
  show('problem', answer?.ok ? '' : await problem(answer));
  await render();
});

document.getElementById('sign-out')!.addEventListener('click', async () => {
  await post('logout', {});
  held = null;
  await render();
});

render().catch(error => show('problem', String(error)));
