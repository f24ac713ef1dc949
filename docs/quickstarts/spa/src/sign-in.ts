// Through the hosted login, as a public client with PKCE (RFC 8252, RFC 9700 §2.1.1).

import { User, UserManager, WebStorageStateStore } from 'oidc-client-ts';

import { settings } from './settings';

const manager = new UserManager({
  authority: settings.issuer,
  client_id: settings.clientId,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid profile email roles offline_access',
  userStore: new WebStorageStateStore({ store: localStorage }), // all tabs share it
  automaticSilentRenew: false, // freshUser does it
});

const EARLY = 60; // seconds

/** The user with an access token that is good for a while; null: nobody is signed in. */
export async function freshUser(): Promise<User | null> {
  // One tab at a time: the others find what it has stored. If one does not see it yet, it gets the same successor.
  return navigator.locks.request('doorward-refresh', async () => {
    const user = await manager.getUser();
    if (!user || (user.expires_in ?? 0) > EARLY) return user;
    try {
      return await manager.signinSilent();
    } catch (error) {
      // Only a refused refresh ends the sign-in. A network that is away does not.
      if ((error as { error?: string }).error !== 'invalid_grant') return user.expired ? Promise.reject(error) : user;
      await manager.removeUser();
      return null;
    }
  });
}

/** Calls a backend as the user. */
export async function callBackend(url: string): Promise<Response> {
  const user = await freshUser();
  return fetch(url, { headers: user ? { authorization: `Bearer ${user.access_token}` } : {} });
}

export const signIn = () => manager.signinRedirect();
export const signOut = () => manager.signoutRedirect();

/** Ends a sign-in that comes back from the hosted login. */
export async function finishSignIn() {
  if (location.pathname !== '/callback') return;
  await manager.signinRedirectCallback();
  history.replaceState(null, '', '/');
}
