import { getServerSession } from 'next-auth';
import Link from 'next/link';
import { redirect } from 'next/navigation';

import { options } from '@/auth';

import { countVisit } from './actions';
import { ClientSession } from './client-session';
import { Promote } from './promote';
import { SignOut } from './sign-out';

export default async function Home() {
  const session = await getServerSession(options);
  if (!session) redirect('/login');
  if (session.trouble === 'ended') redirect('/login?ended=1');
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
      <SignOut />
    </main>
  );
}
