import Link from 'next/link';

import { auth, signIn } from '@/auth';

import { countVisit } from './actions';
import { ClientSession } from './client-session';
import { Promote } from './promote';

async function begin() {
  'use server';
  await signIn('doorward', { redirectTo: '/' });
}

export default async function Home() {
  const session = await auth();
  if (!session || session.trouble === 'ended') {
    return (
      <main>
        <h1>Hello</h1>
        {session?.trouble && <p role="alert">Your sign-in has ended. Sign in again to go on.</p>}
        <form action={begin}>
          <button>Sign in</button>
        </form>
      </main>
    );
  }
  return (
    <main>
      <h1>Hello, {session.user?.email}</h1>
      {session.trouble && <p role="alert">The sign-in service cannot be reached. Try again in a moment.</p>}
      <p>
        On the server: <output id="server-role">{session.role ?? 'no role'}</output>
      </p>
      <ClientSession />
      <p>
        <Link href="/admin" prefetch={false}>For admins</Link>
      </p>
      <Promote />
      <form action={countVisit}>
        <button id="visit">Count this visit</button>
      </form>
      <form action="/signed-out" method="post">
        <button>Sign out</button>
      </form>
    </main>
  );
}
