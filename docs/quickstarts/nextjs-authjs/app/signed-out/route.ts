// Signs out here and at Doorward (OpenID Connect RP-Initiated Logout 1.0), which then sends the browser home.

import { cookies } from 'next/headers';
import { redirect } from 'next/navigation';

import { signOut } from '@/auth';
import { readSession } from '@/lib/session-cookie';
import { settings } from '@/lib/settings';

export async function POST(request: Request) {
  if (request.headers.get('origin') !== new URL(settings.url).origin) return new Response(null, { status: 403 });
  const session = await readSession((await cookies()).getAll());
  await signOut({ redirect: false });
  const logout = new URL(`${settings.issuer}/oauth2/logout`);
  logout.searchParams.set('client_id', settings.clientId);
  logout.searchParams.set('post_logout_redirect_uri', new URL('/', settings.url).href);
  if (session?.tokens) logout.searchParams.set('id_token_hint', session.tokens.id_token);
  redirect(logout.href);
}
