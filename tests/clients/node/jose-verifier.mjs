// A backend with jose and its cache of keys, whose hour is told: each line of input is `{"now": ms, "token": …}`,
// each line of output `good` or what is wrong. The test of key rotation moves the clock.

import { createInterface } from 'node:readline';

import { createRemoteJWKSet, jwtVerify } from 'jose';

const [issuer, audience] = process.argv.slice(2);
const machine = Date.now;
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));

for await (const line of createInterface({ input: process.stdin })) {
  const { now, token } = JSON.parse(line);
  Date.now = () => now;
  const expected = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'], currentDate: new Date(now) };
  const verdict = await jwtVerify(token, keys, expected).then(() => 'good', error => `${error.code}: ${error.message}`);
  Date.now = machine;
  console.log(verdict);
}
