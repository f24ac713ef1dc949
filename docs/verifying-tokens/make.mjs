// Writes vectors.json and keys.json: access tokens, good and bad, for any verifier to be held against.
// The keys are for these files alone. Run it with `node make.mjs`; nothing but Node.js is needed.

import { createHash, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const here = name => new URL(name, import.meta.url);

const ISSUER = 'https://login.example.com/t/acme';
const AUDIENCE = 'https://api.example.com';
const PAST = 1_577_836_800; // 2020
const ISSUED = 1_767_225_600; // 2026
const FAR = 4_070_908_800; // 2099

// RFC 7638
const thumbprint = ({ crv, e, kty, n, x, y }) =>
  createHash('sha256').update(JSON.stringify({ crv, e, kty, n, x, y })).digest('base64url');

function generate(kind, options) {
  const jwk = generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' });
  return { ...jwk, kid: thumbprint(jwk) };
}

// Once made, the keys stay: the tokens of an older copy go on to mean what they meant.
const keys = existsSync(here('keys.json'))
  ? JSON.parse(readFileSync(here('keys.json')))
  : {
      es256: generate('ec', { namedCurve: 'P-256' }),
      rs256: generate('rsa', { modulusLength: 2048 }),
      foreign: generate('ec', { namedCurve: 'P-256' }),
    };
const { es256, rs256, foreign } = keys;

const publicJwk = ({ kty, crv, x, y, n, e, kid }, alg) =>
  JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, kid, alg, use: 'sig' }));
const encode = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: es256.kid };
const CLAIMS = {
  iss: ISSUER,
  sub: 'usr04VERIFIERVECTORS0001',
  aud: AUDIENCE,
  client_id: 'app04VERIFIERVECTORS0001',
  iat: ISSUED,
  exp: FAR,
  jti: 'a-token-of-the-vectors',
  scope: 'openid profile email',
  role: 'ADMIN',
  roles: ['ADMIN', 'MEMBER'],
};

const ecdsa = (input, jwk, dsaEncoding = 'ieee-p1363') =>
  sign('sha256', Buffer.from(input), { key: jwk, format: 'jwk', dsaEncoding }).toString('base64url');
const rsa = (input, jwk) => sign('sha256', Buffer.from(input), { key: jwk, format: 'jwk' }).toString('base64url');

/** A token, with what is different from a good one. */
function token({ header = {}, claims = {}, without = [], signer = input => ecdsa(input, es256) } = {}) {
  const payload = { ...CLAIMS, ...claims };
  for (const name of without) delete payload[name];
  const input = `${encode({ ...HEADER, ...header })}.${encode(payload)}`;
  return `${input}.${signer(input)}`;
}

const pem = createPublicKey({ key: publicJwk(es256), format: 'jwk' }).export({ type: 'spki', format: 'pem' });
const hmac = secret => input => createHmac('sha256', secret).update(input).digest('base64url');
const [goodHead, goodBody, goodSignature] = token().split('.');
const none = alg => `${encode({ ...HEADER, alg })}.${encode(CLAIMS)}.`;

const good = [
  ['a plain access token', token()],
  ['an audience among others', token({ claims: { aud: ['https://other.example.com', AUDIENCE] } })],
  ['the type in full (RFC 9068 §4)', token({ header: { typ: 'application/at+jwt' } })],
  ['of a machine, which has no role', token({ claims: { role: null, roles: [], sub: CLAIMS.client_id } })],
  ['with claims that nobody knows', token({ claims: { 'https://example.com/more': { a: [1, 2] } } })],
];

const bad = [
  ['another issuer', token({ claims: { iss: 'https://login.example.com/t/bolt' } })],
  ['the issuer with a slash more', token({ claims: { iss: `${ISSUER}/` } })],
  ['the issuer as a prefix', token({ claims: { iss: `${ISSUER}.evil.example` } })],
  ['no issuer', token({ without: ['iss'] })],
  ['another audience', token({ claims: { aud: 'https://other.example.com' } })],
  ['audiences without ours', token({ claims: { aud: ['https://other.example.com', `${AUDIENCE}/`] } })],
  ['no audience', token({ without: ['aud'] })],
  ['an ID token', token({ header: { typ: 'JWT' } })],
  ['no type', token({ header: { typ: undefined } })],
  ['a logout token', token({ header: { typ: 'logout+jwt' } })],
  ['unsecured', none('none')],
  ['unsecured, in other letters', none('nOnE')],
  ['unsecured, with a signature beside', `${none('none')}${goodSignature}`],
  ['HS256 with the public key as PEM', token({ header: { alg: 'HS256' }, signer: hmac(pem) })],
  ['HS256 with the public key as JWK', token({ header: { alg: 'HS256' }, signer: hmac(JSON.stringify(publicJwk(es256, 'ES256'))) })],
  ['HS256 with an empty key', token({ header: { alg: 'HS256' }, signer: hmac('') })],
  ['a published key of an algorithm that is not pinned', token({ header: { alg: 'RS256', kid: rs256.kid }, signer: input => rsa(input, rs256) })],
  ['ES256 under the kid of an RSA key', token({ header: { kid: rs256.kid } })],
  ['RS256 under the kid of an EC key', token({ header: { alg: 'RS256' }, signer: input => rsa(input, rs256) })],
  ['expired', token({ claims: { iat: PAST - 900, exp: PAST } })],
  ['without expiry', token({ without: ['exp'] })],
  ['an expiry that is no number', token({ claims: { exp: String(FAR) } })],
  ['not valid yet', token({ claims: { nbf: FAR - 1 } })],
  ['an unknown kid', token({ header: { kid: foreign.kid }, signer: input => ecdsa(input, foreign) })],
  ["another tenant's key under the same kid", token({ signer: input => ecdsa(input, foreign) })],
  ['a key in its own header', token({ header: { jwk: publicJwk(foreign, 'ES256') }, signer: input => ecdsa(input, foreign) })],
  ['a key set in its own header', token({ header: { jku: 'https://evil.example/jwks.json', kid: foreign.kid }, signer: input => ecdsa(input, foreign) })],
  ['a critical header that nobody knows', token({ header: { crit: ['x'], x: 1 } })],
  ['an empty list of critical headers', token({ header: { crit: [] } })],
  ['an unencoded payload (RFC 7797)', token({ header: { b64: false, crit: ['b64'] } })],
  ['claims changed after signing', `${goodHead}.${encode({ ...CLAIMS, role: 'OWNER' })}.${goodSignature}`],
  ['a header changed after signing', `${encode({ ...HEADER, x: 1 })}.${goodBody}.${goodSignature}`],
  ['a signature cut short', `${goodHead}.${goodBody}.${goodSignature.slice(0, -4)}`],
  ['no signature', `${goodHead}.${goodBody}.`],
  ['a signature of zeros (CVE-2022-21449)', `${goodHead}.${goodBody}.${Buffer.alloc(64).toString('base64url')}`],
  ['a signature in DER', token({ signer: input => ecdsa(input, es256, 'der') })],
  ['longer than 8,192 characters', token({ claims: { padding: 'x'.repeat(10_000) } })],
  ['two parts', `${goodHead}.${goodBody}`],
  ['five parts', `${goodHead}.${goodBody}.${goodSignature}.${goodBody}.${goodSignature}`],
  ['JSON instead of the compact form', JSON.stringify({ payload: goodBody, protected: goodHead, signature: goodSignature })],
  ['claims that are a list', (input => `${input}.${ecdsa(input, es256)}`)(`${goodHead}.${encode([CLAIMS])}`)],
  ['not base64url', `${goodHead}.${goodBody}.${'*'.repeat(86)}`],
  ['nothing', ''],
];

const vectors = [
  ...good.map(([what, token]) => ({ what, valid: true, token })),
  ...bad.map(([what, token]) => ({ what, valid: false, token })),
];
const pretty = value => `${JSON.stringify(value, null, 1)}\n`;
writeFileSync(here('keys.json'), pretty(keys));
writeFileSync(
  here('vectors.json'),
  pretty({
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ['ES256'],
    max_length: 8_192,
    jwks: { keys: [publicJwk(es256, 'ES256'), publicJwk(rs256, 'RS256')] },
    vectors,
  }),
);
