'use client';

import { signOut } from 'next-auth/react';

export const SignOut = () => <button onClick={() => signOut({ callbackUrl: '/login' })}>Sign out</button>;
