import NextAuth, { type DefaultSession } from 'next-auth';

import { isSecure } from '@/lib/session-cookie';
import { settings } from '@/lib/settings';
import { claimsOf, tokensOf, type Tokens, type Trouble } from '@/lib/tokens';

declare module 'next-auth' {
  interface Session {
    user: DefaultSession['user'] & { id: string };
    role: string | null;
    roles: string[];
    /** Why the session is of no use just now. */
    trouble?: Trouble;
  }
}

declare module 'next-auth/jwt' {
  interface JWT {
    tokens?: Tokens;
    trouble?: Trouble;
  }
}

export const { handlers, auth, signIn, signOut } = NextAuth(() => ({
  providers: [
    {
      id: 'doorward',
      name: 'Doorward',
      type: 'oidc',
      issuer: settings.issuer,
      clientId: settings.clientId,
      clientSecret: settings.clientSecret,
      authorization: { params: { scope: 'openid profile email roles offline_access' } },
      checks: ['pkce', 'state', 'nonce'],
    },
  ],
  secret: settings.secret,
  trustHost: true,
  useSecureCookies: isSecure(),
  callbacks: {
    /** Only the sign-in is done here. Refreshing is the proxy's: a server component could not keep what came of it. */
    jwt: ({ token, account }) =>
      account ? { ...token, sub: account.providerAccountId, tokens: tokensOf(account as never), trouble: undefined } : token,
    /** What pages and the browser see. The tokens are not among it. */
    session: ({ session, token }) => {
      const { role, roles } = token.tokens ? claimsOf(token.tokens.access_token) : { role: null, roles: [] };
      return { ...session, user: { ...session.user, id: token.sub ?? '' }, role, roles, trouble: token.trouble };
    },
  },
}));
