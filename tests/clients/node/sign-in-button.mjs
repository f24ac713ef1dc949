// What the sign-in button of Auth.js (v5) and NextAuth (v4) does in the browser, for an app
// whose redirect URI the demo app of `doorward dev` registers.

export const APP = 'http://localhost:3000';

/** Posts `fields` to `path` with the CSRF token that both of them ask for. */
export async function pressSignIn(browser, path, fields = {}) {
  const { csrfToken } = (await browser.open(`${APP}/api/auth/csrf`)).json();
  return browser.post(`${APP}${path}`, { csrfToken, callbackUrl: `${APP}/`, ...fields });
}

/** What `useSession` shows. */
export async function session(browser) {
  return (await browser.open(`${APP}/api/auth/session`)).json();
}

/** The app around the library: whatever is not under /api/auth is its home page. */
export function appWith(authenticate) {
  return {
    [APP]: request => {
      const { pathname } = new URL(request.url);
      return pathname.startsWith('/api/auth/') ? authenticate(request) : new Response('home');
    },
  };
}
