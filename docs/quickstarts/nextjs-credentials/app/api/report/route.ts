// A route for admins, which asks a backend of its own with the user's access token.

import { accessToken, Forbidden, requireRole } from '@/lib/access';

export async function GET() {
  try {
    await requireRole('ADMIN');
  } catch (error) {
    if (error instanceof Forbidden) return Response.json({ error: error.message }, { status: 403 });
    throw error;
  }
  const backend = process.env.BACKEND_URL;
  if (!backend) return Response.json({ error: 'Set BACKEND_URL to the node-backend quickstart.' }, { status: 501 });
  const answer = await fetch(`${backend}/admin`, {
    headers: { authorization: `Bearer ${await accessToken()}` },
    cache: 'no-store',
  });
  return Response.json(await answer.json(), { status: answer.status });
}
