// A machine's access token (RFC 6749 §4.4): fetched when it is first needed, kept until shortly before it expires.

import * as client from 'openid-client';

const EARLY = 60; // seconds

export async function createTokenSource({ issuer, clientId, clientSecret }) {
  const url = new URL(issuer);
  const isLocal = url.protocol === 'http:'; // `doorward dev`; everything else is https
  const config = await client.discovery(url, clientId, clientSecret, undefined, {
    execute: isLocal ? [client.allowInsecureRequests] : [],
  });
  let token, until = 0, fetching;

  async function fetchToken() {
    const answer = await client.clientCredentialsGrant(config);
    token = answer.access_token;
    until = Date.now() / 1_000 + answer.expires_in - EARLY;
  }

  /** Calls that come at once share one request; the next call after a failure tries again. */
  return async () => {
    if (Date.now() / 1_000 >= until) {
      fetching ??= fetchToken().finally(() => (fetching = undefined));
      await fetching;
    }
    return token;
  };
}
