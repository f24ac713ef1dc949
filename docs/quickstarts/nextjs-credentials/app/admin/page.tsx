import { Forbidden, requireRole } from '@/lib/access';

export default async function Admin() {
  try {
    const { user } = await requireRole('ADMIN');
    return <main><h1>Admins only</h1><p>Welcome, {user.email}.</p></main>;
  } catch (error) {
    if (!(error instanceof Forbidden)) throw error;
    return <main><h1>Not for you</h1><p role="alert">{error.message}</p></main>;
  }
}
