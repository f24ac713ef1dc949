// NextAuth's session cookie, read and written where NextAuth itself cannot: in the proxy, before everything else.

import { decode, encode, type JWT } from 'next-auth/jwt';

import { settings } from './settings';

export const isSecure = () => settings.url.startsWith('https:');
export const cookieName = () => `${isSecure() ? '__Secure-' : ''}next-auth.session-token`;

const MAX_AGE = 30 * 24 * 60 * 60; // seconds, as NextAuth has it
const CHUNK = 3_800; // characters; browsers refuse more than 4,096 bytes with name and attributes

type Cookie = { name: string; value: string };

/** The parts that a long cookie was cut into, in order. */
function parts(cookies: Cookie[]): Cookie[] {
  const name = cookieName();
  const number = (cookie: Cookie) => Number(cookie.name.slice(name.length + 1));
  return cookies
    .filter(cookie => cookie.name === name || /^\.\d+$/.test(cookie.name.slice(name.length)) && cookie.name.startsWith(name))
    .sort((a, b) => number(a) - number(b));
}

export async function readSession(cookies: Cookie[]): Promise<JWT | null> {
  const token = parts(cookies).map(cookie => cookie.value).join('');
  if (!token) return null;
  return decode({ token, secret: settings.secret }).catch(() => null);
}

/** What the cookies are to be: those with an empty value are to be removed. */
export async function writeSession(session: JWT | null, cookies: Cookie[]): Promise<Cookie[]> {
  const name = cookieName();
  const removed = new Map(parts(cookies).map(cookie => [cookie.name, '']));
  if (session) {
    const token = await encode({ token: session, secret: settings.secret, maxAge: MAX_AGE });
    const pieces = token.match(new RegExp(`.{1,${CHUNK}}`, 'g')) ?? [];
    pieces.forEach((piece, index) => removed.set(pieces.length === 1 ? name : `${name}.${index}`, piece));
  }
  return [...removed].map(([name, value]) => ({ name, value }));
}

export const attributes = (value: string) => ({
  httpOnly: true,
  sameSite: 'lax' as const,
  path: '/',
  secure: isSecure(),
  maxAge: value ? MAX_AGE : 0,
});
