// An OpenID provider to sign in at: oidc-provider on loopback, as Google or as anybody. Faults can be planted
// into its answers, one at a time; ID tokens are then signed anew with a key of ours.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { SignJWT, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

export const CLIENT = { client_id: 'doorward-client', client_secret: 'the-secret-of-doorward' };

/** `users` maps what is typed as login to the claims. */
export async function startOidcUpstream(users) {
  const keys = [await newKey('first')];
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = { ...CLIENT, redirect_uris: [], response_types: ['code'], grant_types: ['authorization_code'] };
  let provider, answer;
  const upstream = {
    issuer,
    target: `127.0.0.1:${server.address().port}`,
    /** Changes one answer: `(path, reply) => …`, where a reply has `status`, `headers` and `body`. */
    fault: undefined,
    /** What was asked for. */
    asked: [],
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
    /** Where the provider may send users back to. */
    register(...redirectUris) {
      client.redirect_uris.push(...redirectUris);
      provider = new Provider(issuer, {
        clients: [client],
        jwks: { keys: [keys[0].jwk] },
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
        findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...users[id] }) }),
        cookies: { keys: ['a key for cookies on loopback'] },
        ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
      });
      provider.on('server_error', (_, error) => console.error(error));
      answer = provider.callback();
    },
    /** From now on the provider signs with another key, of another name or the same, and knows no other. */
    async rotate(name = `key-${keys.length}`) {
      const key = await newKey(name);
      keys.push(key);
      upstream.fault = async (path, reply) => {
        if (path === '/jwks') reply.body = JSON.stringify({ keys: [key.publicJwk] });
        else await resigned(() => {}, key)(path, reply);
      };
    },
    /** The ID token, with its claims changed, signed with the provider's key. */
    claims: change => resigned(change, keys[0]),
    /** The ID token under another header or signature: `(header, payload) => token`. */
    token: make => changedToken(token => make(decodeProtectedHeader(token), decodeJwt(token), token)),
    strangersKey: () => newKey('first'),
  };
  server.on('request', (request, response) => {
    const path = new URL(request.url, issuer).pathname;
    upstream.asked.push(path);
    // Its own pages know no list of accounts, as Google has one: they ask anew who it is.
    request.url = request.url.replace('prompt=select_account', 'prompt=login');
    if (upstream.fault) plant(upstream.fault, path, response);
    answer(request, response);
  });
  return upstream;
}

async function newKey(kid) {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  const named = { kid, alg: 'RS256', use: 'sig' };
  return {
    kid,
    privateKey,
    jwk: { ...(await exportJWK(privateKey)), ...named },
    publicJwk: { ...(await exportJWK(publicKey)), ...named },
  };
}

function changedToken(change) {
  return async (path, reply) => {
    if (path !== '/token') return;
    const body = JSON.parse(reply.body);
    body.id_token = await change(body.id_token);
    reply.body = JSON.stringify(body);
  };
}

const resigned = (change, { kid, privateKey }) =>
  changedToken(token => {
    const claims = decodeJwt(token);
    change(claims);
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey);
  });

export function hs256(payload, secret) {
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

export function unsigned(payload) {
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(payload)}.`;
}

/** Lets `fault` look at the whole answer before it is sent. */
function plant(fault, path, response) {
  const end = response.end.bind(response);
  response.end = async body => {
    const reply = { status: response.statusCode, headers: { ...response.getHeaders() }, body: String(body ?? '') };
    await fault(path, reply);
    if (reply.hangs) return;
    response.statusCode = reply.status;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
    response.setHeader('content-length', Buffer.byteLength(reply.body));
    end(reply.body);
  };
}
