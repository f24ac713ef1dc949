'use server';

import { revalidatePath } from 'next/cache';

import { currentSession, Forbidden, requireRole } from '@/lib/access';

/** For admins alone. What a Server Action takes comes from anybody who can post: it asks for itself. */
export async function promote(): Promise<string> {
  try {
    const session = await requireRole('ADMIN');
    return `Done, by ${session.user.id}.`;
  } catch (error) {
    if (error instanceof Forbidden) return error.message;
    throw error;
  }
}

export async function countVisit() {
  if (await currentSession()) revalidatePath('/');
}
