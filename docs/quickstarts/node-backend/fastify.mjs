import createServer from 'fastify';

import { createVerifier, requireRole, requireScope, Refused } from './verify.mjs';

const { DOORWARD_ISSUER: issuer = 'http://localhost:8080/t/acme', DOORWARD_AUDIENCE: audience, PORT = 4000 } = process.env;
const verify = createVerifier({ issuer, audience });

const signedIn = async request => {
  request.claims = await verify(request.headers.authorization);
};
const withRole = role => async request => requireRole(request.claims, role);
const withScope = scope => async request => requireScope(request.claims, scope);

const app = createServer();
app.decorateRequest('claims', null);
app.get('/me', { preHandler: signedIn }, async ({ claims }) => ({ sub: claims.sub, role: claims.role }));
app.get('/admin', { preHandler: [signedIn, withRole('ADMIN')] }, async () => ({ secret: 'for admins' }));
app.get('/profile', { preHandler: [signedIn, withScope('profile')] }, async ({ claims }) => ({ sub: claims.sub }));

app.setErrorHandler((error, request, reply) => {
  if (error instanceof Refused) {
    return reply.status(error.status).header('WWW-Authenticate', error.challenge).send({ error: error.message });
  }
  console.error(error);
  return reply.status(503).send({ error: 'Try again in a moment.' });
});

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
console.log(`http://127.0.0.1:${PORT}`);
