// Refreshing Doorward's tokens: early, once for all requests that come at the same time, and again if an answer is lost.

import { post, type Envelope } from './doorward';
import { settings } from './settings';

export type Tokens = {
  access_token: string;
  refresh_token: string;
  role: string | null;
  roles: string[];
  /** Seconds since 1970. */
  expires_at: number;
  /** When to replace them. */
  renew_at: number;
};

/** `ended`: the user has to sign in again. `unavailable`: Doorward cannot be reached, and the access token is over. */
export type Trouble = 'ended' | 'unavailable';

const now = () => Date.now() / 1_000;
const isFresh = (tokens: Tokens) => tokens.renew_at > now();

const REMEMBERED = 60_000; // milliseconds
/** How long a page waits for a refresh that it can do without yet, in milliseconds. */
const HOLD_UP = 1_500;
const PAUSE = 5_000; // milliseconds before a refresh that failed is tried again
const TRIES = 3;

/** What each refresh token was answered with lately. A request that was slow, or another tab, gets the same. */
const answers = new Map<string, Promise<Tokens>>();

/** The newest tokens that come of these. */
export async function freshened(tokens: Tokens): Promise<Tokens | Trouble> {
  try {
    while (!isFresh(tokens)) {
      const next = await inTime(refreshOnce(tokens), tokens);
      if (!next) return tokens; // the refresh goes on, and a later request finds what came of it
      tokens = next;
    }
    return tokens;
  } catch (error) {
    if (error === 'ended') return 'ended';
    return tokens.expires_at > now() ? tokens : 'unavailable';
  }
}

/** As long as the access token is good, nobody waits long for the next one. */
function inTime(refresh: Promise<Tokens>, tokens: Tokens): Promise<Tokens | null> {
  if (tokens.expires_at <= now()) return refresh;
  return Promise.race([refresh, new Promise<null>(resolve => setTimeout(resolve, HOLD_UP, null))]);
}

function refreshOnce(tokens: Tokens): Promise<Tokens> {
  const key = tokens.refresh_token;
  let answer = answers.get(key);
  if (!answer) {
    answer = refresh(tokens);
    answers.set(key, answer);
    const forgetIn = (time: number) => setTimeout(() => answers.delete(key), time).unref();
    answer.then(() => forgetIn(REMEMBERED), () => forgetIn(PAUSE));
  }
  return answer;
}

/** A lost answer is asked for again with the same token: Doorward answers the same successor. */
async function refresh({ refresh_token }: Tokens): Promise<Tokens> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await post('refresh', { refresh_token }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (response?.ok && answer) return tokensOf(answer);
    if (answer?.error === 'invalid_grant') throw 'ended' satisfies Trouble;
    if (attempt === TRIES) throw 'unavailable' satisfies Trouble;
    await new Promise(resolve => setTimeout(resolve, 100 * attempt));
  }
}

/** `role` and `roles` are read afresh with every refresh. */
export const tokensOf = ({ access_token, expires_in, refresh_token, role, roles }: Envelope): Tokens => ({
  access_token,
  refresh_token,
  role,
  roles,
  expires_at: now() + expires_in,
  renew_at: now() + Math.max(expires_in - settings.refreshEarly, 1),
});
