// Verifies Doorward's access tokens (RFC 9068), and says what to answer to those that are none.

import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const MAX_LENGTH = 8_192;
const REFRESH_KEYS_EVERY = 5 * 60 * 1_000; // milliseconds

/** What a request is refused with; `challenge` is its `WWW-Authenticate` (RFC 6750 §3). */
export class Refused extends Error {
  constructor(status, challenge, message) {
    super(message);
    Object.assign(this, { status, challenge });
  }
}

const noToken = () => new Refused(401, 'Bearer', 'Send an access token.');
const badToken = why => new Refused(401, `Bearer error="invalid_token", error_description="${why}"`, why);
const tooLittle = what => new Refused(403, `Bearer error="insufficient_scope"${what}`, 'You may not do this.');

/** The issuer's keys: fetched when first needed, then every few minutes and at a `kid` that is new. An issuer that is away changes nothing. */
export function keysOf(issuer) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), {
    cacheMaxAge: Infinity,
    cooldownDuration: 10_000, // milliseconds between fetches for a new kid
  });
  setInterval(() => keys.reload().catch(() => {}), REFRESH_KEYS_EVERY).unref();
  return keys;
}

/** A function from the value of an `Authorization` header to the claims of its token. */
export function createVerifier({ issuer, audience = issuer, keys = keysOf(issuer), algorithms = ['ES256'] }) {
  return async authorization => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw noToken();
    if (token.length > MAX_LENGTH) throw badToken('the token is too long');
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        typ: 'at+jwt',
        clockTolerance: 5, // seconds
        requiredClaims: ['exp', 'sub', 'client_id'],
      });
      return payload;
    } catch (error) {
      if (isOfToken(error)) throw badToken('the token is not valid here, or no longer');
      throw error; // the keys could not be fetched: not the user's fault
    }
  };
}

const isOfToken = error => /^ERR_(JWT|JWS|JOSE_ALG|JWKS_NO)/.test(error.code) || error instanceof errors.JOSENotSupported;

export function requireRole(claims, role) {
  if (!claims.roles?.includes(role)) throw tooLittle('');
}

export function requireScope(claims, scope) {
  if (!claims.scope?.split(' ').includes(scope)) throw tooLittle(`, scope="${scope}"`);
}
