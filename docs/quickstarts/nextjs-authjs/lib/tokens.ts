// Refreshing Doorward's tokens: early, once for all requests that come at the same time, and again if an answer is lost.

import { settings } from './settings';

export type Tokens = {
  access_token: string;
  refresh_token: string;
  id_token: string;
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
const PATIENCE = 5_000; // milliseconds for each

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
async function refresh(tokens: Tokens): Promise<Tokens> {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
    client_id: settings.clientId,
    client_secret: settings.clientSecret,
  });
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(`${settings.issuer}/oauth2/token`, {
      method: 'POST',
      body,
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE),
    }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (response?.ok && answer) return tokensOf(answer, tokens);
    if (answer?.error === 'invalid_grant') throw 'ended' satisfies Trouble;
    if (attempt === TRIES) throw 'unavailable' satisfies Trouble;
    await new Promise(resolve => setTimeout(resolve, 100 * attempt));
  }
}

type Answer = { access_token: string; expires_in: number; refresh_token?: string; id_token?: string };

export const tokensOf = (answer: Answer, before?: Tokens): Tokens => ({
  access_token: answer.access_token,
  refresh_token: answer.refresh_token ?? before?.refresh_token ?? '',
  id_token: answer.id_token ?? before?.id_token ?? '',
  expires_at: now() + answer.expires_in,
  renew_at: now() + Math.max(answer.expires_in - settings.refreshEarly, 1),
});

/** The claims of a token that came from Doorward itself, over TLS: there is nobody else to verify. */
export function claimsOf(token: string): { role: string | null; roles: string[] } {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}
