import type { DefaultSession, NextAuthOptions } from 'next-auth';
import CredentialsProvider from 'next-auth/providers/credentials';

import { post, type Envelope } from '@/lib/doorward';
import { tokensOf, type Tokens, type Trouble } from '@/lib/tokens';

declare module 'next-auth' {
  interface Session {
    user: DefaultSession['user'] & { id: string };
    role: string | null;
    roles: string[];
    /** Why the session is of no use just now. */
    trouble?: Trouble;
  }
  interface User {
    tokens: Tokens;
  }
}

declare module 'next-auth/jwt' {
  interface JWT {
    tokens?: Tokens;
    trouble?: Trouble;
  }
}

export const options: NextAuthOptions = {
  providers: [
    CredentialsProvider({
      credentials: { email: { type: 'email' }, password: { type: 'password' } },
      async authorize(credentials) {
        const { email: address, password } = credentials ?? {};
        const answer = await post('login', { email: address, password }).catch(() => null);
        // Such as `invalid_credentials`; the form has words for it.
        if (!answer?.ok) throw new Error((await answer?.json().catch(() => null))?.error ?? 'unavailable');
        const envelope: Envelope = await answer.json();
        const { id, email, name, image } = envelope;
        return { id, email, name, image, tokens: tokensOf(envelope) };
      },
    }),
  ],
  secret: process.env.NEXTAUTH_SECRET,
  session: { strategy: 'jwt' },
  pages: { signIn: '/login' },
  callbacks: {
    /** Only the sign-in is done here. Refreshing is the proxy's: a server component could not keep what came of it. */
    jwt: ({ token, user }) => (user ? { ...token, tokens: user.tokens, trouble: undefined } : token),
    /** What pages and the browser see. The tokens are not among it. */
    session: ({ session, token }) => ({
      ...session,
      user: { ...session.user, id: token.sub ?? '' },
      role: token.tokens?.role ?? null,
      roles: token.tokens?.roles ?? [],
      trouble: token.trouble,
    }),
  },
  events: {
    /** Doorward forgets the sign-in as well. */
    async signOut({ token }) {
      if (token?.tokens) await post('logout', { refresh_token: token.tokens.refresh_token }).catch(() => {});
    },
  },
};

