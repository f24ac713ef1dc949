'use client';

export { SessionProvider as Providers } from 'next-auth/react';
