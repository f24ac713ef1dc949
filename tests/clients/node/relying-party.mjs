// A relying party: openid-client, and the hosted login walked through with a Browser.

import * as client from 'openid-client';

export const ALL_SCOPES = 'openid profile email roles offline_access';

/** Plain http is allowed because the issuer is on loopback; the signatures of ID tokens are checked. */
export function discover(issuer, clientId, authentication = client.None()) {
  return client.discovery(new URL(issuer), clientId, undefined, authentication, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
}

/** An authorization request with PKCE, state and nonce, and how its answer is redeemed. */
export async function authorizationRequest(config, redirectUri, parameters = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const nonce = client.randomNonce();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: ALL_SCOPES,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...parameters,
  });
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: parameters.max_age && Number(parameters.max_age),
  };
  return { url, redeem: answer => client.authorizationCodeGrant(config, answer, checks) };
}

/** Signs `user` in through the hosted login, and returns the tokens. */
export async function signIn(browser, config, redirectUri, user, parameters) {
  const { url, redeem } = await authorizationRequest(config, redirectUri, parameters);
  const page = await browser.signIn(url, user);
  return redeem(page.left);
}

/** For those who have no openid-client of their own. */
export const clientSecretBasic = secret => client.ClientSecretBasic(secret);
