'use client';

import { useSession } from 'next-auth/react';

export function ClientSession() {
  const { data, status } = useSession();
  return (
    <p>
      In the browser: <output id="client-role">{status === 'loading' ? '…' : (data?.role ?? 'no role')}</output>
    </p>
  );
}
