import { LoginForm } from './login-form';

export default async function Login({ searchParams }: { searchParams: Promise<{ ended?: string }> }) {
  const { ended } = await searchParams;
  return (
    <main>
      <h1>Sign in</h1>
      {ended && <p role="alert">Your sign-in has ended. Sign in again to go on.</p>}
      <LoginForm />
    </main>
  );
}
