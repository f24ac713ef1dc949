// Who is signed in, and what they may do: for pages, Server Actions and routes.

import { cookies } from 'next/headers';

import { auth } from '@/auth';

import { readSession } from './session-cookie';

export class Forbidden extends Error {}

/** The session, if it is of use. */
export async function currentSession() {
  const session = await auth();
  return session && !session.trouble ? session : null;
}

export async function requireRole(role: string) {
  const session = await currentSession();
  if (!session) throw new Forbidden('Sign in first.');
  if (!session.roles.includes(role)) throw new Forbidden(`Only ${role} may do this.`);
  return session;
}

/** To call a backend with. It never leaves the server. */
export async function accessToken() {
  const session = await readSession((await cookies()).getAll());
  return session?.tokens?.access_token ?? null;
}
