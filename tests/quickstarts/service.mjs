// A deployment as an app meets it: `doorward serve` behind a proxy, which can lose answers.

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { required } from '../clients/node/doorward.mjs';
import { freePort } from './readme.mjs';

export const ADMIN = { email: 'ada@acme.example', password: 'correct horse battery 42', role: 'ADMIN' };
export const MEMBER = { email: 'ben@acme.example', password: 'correct horse battery 43', role: 'MEMBER' };

/** The tenant `acme` with its users, and an app at `appUrl`. */
export async function startService(appUrl) {
  const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
  const dataDir = await mkdtemp(join(tmpdir(), 'doorward-'));
  const port = await freePort();
  const proxy = await startProxy(() => port);
  const env = {
    ...process.env,
    DATABASE_URL: undefined,
    DOORWARD_DATA_DIR: dataDir,
    DOORWARD_PUBLIC_URL: proxy.url,
    DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
    DOORWARD_LISTEN: `127.0.0.1:${port}`,
    DOORWARD_LOG: 'error',
  };
  const command = (args, stdin = '') =>
    new Promise((resolve, reject) => {
      const child = execFile(binary, args, { env }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
      child.stdin.end(stdin);
    });

  await command(['migrate']);
  await command(['tenant', 'create', '--slug', 'acme', '--name', 'Acme']);
  for (const { email, password, role } of [ADMIN, MEMBER]) {
    await command(['role', 'create', '--tenant', 'acme', '--key', role]);
    await command(['user', 'create', '--tenant', 'acme', '--email', email, '--role', role, '--verified', '--password-stdin'], password);
  }
  const redirects = ['--redirect-uri', `${appUrl}/api/auth/callback/doorward`, '--post-logout-redirect-uri', `${appUrl}/`];
  const flags = ['--tenant', 'acme', '--name', 'Site', '--kind', 'web', ...redirects, '--direct-login', '--json'];
  const app = JSON.parse(await command(['app', 'create', ...flags]));

  const server = spawn(binary, ['serve'], { env, stdio: 'ignore' });
  while (!(await fetch(`${proxy.url}/readyz`).catch(() => null))?.ok) {
    if (server.exitCode !== null) throw new Error('doorward has stopped');
    await sleep(50);
  }

  return {
    issuer: `${proxy.url}/t/acme`,
    client: { id: app.client_id ?? app.id, secret: app.client_secret },
    proxy,
    /** How often a refresh token was presented that nobody honest holds any more. */
    reusesDetected: async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(/^doorward_refresh_reuses_detected_total (\d+)$/m.exec(text)[1]);
    },
    stop: async () => {
      server.kill('SIGTERM');
      await once(server, 'exit');
      proxy.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Passes requests on to `port()`. An answer for which `loses` is true is cut off; one to what `hangs` never comes. */
export async function startProxy(port, own = undefined) {
  const state = { loses: () => false, lost: 0, hangs: () => false, hung: 0, url: undefined };
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (state.hangs(incoming, body.toString())) {
      state.hung += 1;
      return;
    }
    const onwards = forward(
      { host: '127.0.0.1', port: port(), method: incoming.method, path: incoming.url, headers: incoming.headers },
      answer => {
        if (state.loses(incoming, body.toString())) {
          state.lost += 1;
          answer.resume();
          outgoing.destroy();
          return;
        }
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
      },
    );
    onwards.on('error', () => outgoing.destroy());
    onwards.end(body);
  });
  server.listen(own, '127.0.0.1');
  await once(server, 'listening');
  state.url = `http://localhost:${server.address().port}`;
  state.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return state;
}
