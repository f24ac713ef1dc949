'use client';

import { useActionState } from 'react';

import { promote } from './actions';

export function Promote() {
  const [said, action, isPending] = useActionState(promote, '');
  return (
    <form action={action}>
      <button id="promote" disabled={isPending}>Promote somebody</button>
      <output id="promoted">{said}</output>
    </form>
  );
}
