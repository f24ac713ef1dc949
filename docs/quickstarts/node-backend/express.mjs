import express from 'express';

import { createVerifier, requireRole, requireScope, Refused } from './verify.mjs';

const { DOORWARD_ISSUER: issuer = 'http://localhost:8080/t/acme', DOORWARD_AUDIENCE: audience, PORT = 4000 } = process.env;
const verify = createVerifier({ issuer, audience });

const signedIn = async (request, response, next) => {
  request.claims = await verify(request.headers.authorization);
  next();
};
const withRole = role => (request, response, next) => next(requireRole(request.claims, role));
const withScope = scope => (request, response, next) => next(requireScope(request.claims, scope));

const app = express();
app.disable('x-powered-by');
app.get('/me', signedIn, ({ claims }, response) => response.json({ sub: claims.sub, role: claims.role }));
app.get('/admin', signedIn, withRole('ADMIN'), (request, response) => response.json({ secret: 'for admins' }));
app.get('/profile', signedIn, withScope('profile'), ({ claims }, response) => response.json({ sub: claims.sub }));

app.use((error, request, response, next) => {
  if (error instanceof Refused) {
    return response.status(error.status).set('WWW-Authenticate', error.challenge).json({ error: error.message });
  }
  console.error(error);
  response.status(503).json({ error: 'Try again in a moment.' });
});

app.listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`));
