// Doorward's JSON API.

import { settings } from './settings';

/** What `/v1/auth/login` and `/v1/auth/refresh` answer. */
export type Envelope = {
  id: string;
  email: string;
  name: string | null;
  image: string | null;
  role: string | null;
  roles: string[];
  access_token: string;
  expires_in: number;
  refresh_token: string;
};

const PATIENCE = 5_000; // milliseconds

export function post(path: string, body: object) {
  return fetch(`${settings.issuer}/v1/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: settings.authorization },
    body: JSON.stringify(body),
    cache: 'no-store',
    signal: AbortSignal.timeout(PATIENCE),
  });
}
