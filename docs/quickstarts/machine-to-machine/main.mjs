import { createTokenSource } from './token.mjs';

const {
  DOORWARD_ISSUER: issuer = 'http://localhost:8080/t/acme',
  DOORWARD_ID: clientId,
  DOORWARD_SECRET: clientSecret,
  BACKEND = 'http://127.0.0.1:4000/me',
} = process.env;
if (!clientId || !clientSecret) throw new Error('Set DOORWARD_ID and DOORWARD_SECRET to those of an app of the kind `service`.');

const token = await createTokenSource({ issuer, clientId, clientSecret });
const answer = await fetch(BACKEND, { headers: { authorization: `Bearer ${await token()}` } });
console.log(answer.status, await answer.text());
