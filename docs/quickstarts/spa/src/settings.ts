// What the build is told; .env.example says what is what. None of it is secret.

const { VITE_DOORWARD_ISSUER: issuer = 'http://localhost:8080/t/acme', VITE_DOORWARD_ID: clientId } = import.meta.env;
if (!clientId) throw new Error('Set VITE_DOORWARD_ID to the id of an app of the kind `spa`.');

export const settings = { issuer, clientId } as { issuer: string; clientId: string };
