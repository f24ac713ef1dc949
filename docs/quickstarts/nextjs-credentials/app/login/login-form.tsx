'use client';

import { signIn } from 'next-auth/react';
import { useState, type FormEvent } from 'react';

const WORDS: Record<string, string> = {
  invalid_credentials: 'The e-mail address or the password is wrong.',
  email_not_verified: 'Open the link in the mail that we have sent you first.',
  rate_limited: 'Too many tries. Wait a few minutes.',
};

export function LoginForm() {
  const [problem, setProblem] = useState('');

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const { email, password } = Object.fromEntries(new FormData(event.currentTarget));
    const answer = await signIn('credentials', { email, password, redirect: false });
    if (answer?.ok) window.location.assign('/');
    else setProblem(WORDS[answer?.error ?? ''] ?? 'The sign-in service cannot be reached. Try again in a moment.');
  }

  return (
    <form method="post" onSubmit={submit}>
      <label>E-mail <input name="email" type="email" autoComplete="username" required /></label>
      <label>Password <input name="password" type="password" autoComplete="current-password" required /></label>
      <button>Sign in</button>
      <p role="alert" id="problem">{problem}</p>
    </form>
  );
}
