// Before every request: replaces an access token that is about to end, and gives the session on, to the page
// that is asked for and to the browser alike. It is the one place that can do both.

import { NextResponse, type NextRequest } from 'next/server';

import { attributes, readSession, writeSession } from '@/lib/session-cookie';
import { freshened } from '@/lib/tokens';

export async function proxy(request: NextRequest) {
  const before = request.cookies.getAll();
  const session = await readSession(before);
  if (!session?.tokens) return NextResponse.next();

  const tokens = await freshened(session.tokens);
  if (tokens === session.tokens && !session.trouble) return NextResponse.next();

  const changed =
    tokens === 'ended'
      ? { ...session, tokens: undefined, trouble: tokens }
      : tokens === 'unavailable'
        ? { ...session, trouble: tokens }
        : { ...session, tokens, trouble: undefined };

  const cookies = await writeSession(changed, before);
  for (const { name, value } of cookies) {
    if (value) request.cookies.set(name, value);
    else request.cookies.delete(name);
  }
  const response = NextResponse.next({ request: { headers: request.headers } });
  for (const { name, value } of cookies) response.cookies.set(name, value, attributes(value));
  return response;
}

// Everything but the files of the build. The sign-in itself brings a new session and needs no old one.
export const config = { matcher: ['/((?!_next/static|_next/image|favicon.ico|api/auth/(?:callback|signin|signout)).*)'] };
