// PostgreSQL is restarted under load, with two replicas on it: 503 meanwhile, then all goes on; what was
// answered is true, and no request hangs.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { required } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';

const run = promisify(execFile);
const USER = { email: 'ada@example.com', password: 'correct horse battery 42' };
const CHAINS = 12;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** A PostgreSQL of this test's own, durable, in a temporary folder; not as root, which it refuses. */
async function startPostgres() {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => a - b);
  const bin = `/usr/lib/postgresql/${versions.at(-1)}/bin`;
  const folder = mkdtempSync(join(tmpdir(), 'doorward-postgres-'));
  const isRoot = process.getuid() === 0;
  if (isRoot) {
    const { stdout } = await run('id', ['-u', 'postgres']);
    chownSync(folder, Number(stdout), -1);
  }
  const as = (command, ...args) =>
    isRoot
      ? run('setpriv', ['--reuid=postgres', '--regid=postgres', '--init-groups', `${bin}/${command}`, ...args], { cwd: '/' })
      : run(`${bin}/${command}`, args);
  const port = await freePort();
  const data = join(folder, 'data');
  await as('initdb', '-D', data, '-U', 'doorward', '-A', 'trust', '-E', 'UTF8');
  const options = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories=${folder} -c max_connections=50`;
  // Without a pipe: the server would keep it open, and nobody would see that the command has ended.
  const control = (...args) => as('pg_ctl', '-D', data, '-w', '-l', join(folder, 'log'), ...args);
  await control('-o', options, 'start');
  return {
    url: `postgres://doorward@127.0.0.1:${port}/postgres`,
    restart: mode => control('-m', mode, 'restart'),
    stop: async () => {
      await control('-m', 'immediate', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('two replicas on a PostgreSQL that is restarted under load', () => {
  const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
  let postgres, dataDir, env, app, replicas;

  before(async () => {
    postgres = await startPostgres();
    dataDir = mkdtempSync(join(tmpdir(), 'doorward-'));
    const ports = await Promise.all([freePort(), freePort()]);
    env = {
      ...process.env,
      DATABASE_URL: postgres.url,
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_PUBLIC_URL: `http://localhost:${ports[0]}`,
      DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
      DOORWARD_LOG: 'off',
    };
    await command(['migrate']);
    await command(['tenant', 'create', '--slug', 'shop', '--name', 'Shop']);
    const flags = ['--tenant', 'shop', '--name', 'Web', '--kind', 'web', '--redirect-uri', 'https://shop.example/cb', '--direct-login', '--default'];
    app = JSON.parse(await command(['app', 'create', ...flags, '--json']));
    await command(['user', 'create', '--tenant', 'shop', '--email', USER.email, '--verified', '--password-stdin'], USER.password);
    replicas = await Promise.all(ports.map(start));
  });

  after(async () => {
    for (const { process } of replicas ?? []) {
      process.kill('SIGTERM');
      await once(process, 'exit');
    }
    await postgres?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  function command(args, stdin = '') {
    return new Promise((resolve, reject) => {
      const child = execFile(binary, args, { env }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
      child.stdin.end(stdin);
    });
  }

  async function start(port) {
    const process = spawn(binary, ['serve'], { env: { ...env, DOORWARD_LISTEN: `127.0.0.1:${port}` } });
    while ((await getJson(`http://localhost:${port}/readyz`).catch(() => null))?.status !== 200) await sleep(20);
    return { process, issuer: `http://localhost:${port}/t/shop` };
  }

  const asApp = () => ({ authorization: `Basic ${btoa(`${app.client_id}:${app.client_secret}`)}` });
  const refresh = (replica, refresh_token) => postJson(`${replica.issuer}/v1/auth/refresh`, { refresh_token }, asApp());

  /** As an app does: what says that it is away for a moment is asked again. One replica may be back before the other. */
  async function answered(replica, token) {
    for (;;) {
      const { status, headers, body } = await refresh(replica, token);
      if (status === 200) return body;
      assert.equal(status, 503, JSON.stringify(body));
      await sleep(1_000 * Number(headers.get('retry-after')));
    }
  }

  it('tell their callers to come back, lose nothing that they answered, and go on', async () => {
    let over = false;
    const seen = {};
    const chains = await Promise.all(
      Array.from({ length: CHAINS }, async (_, index) => {
        const { body } = await postJson(`${replicas[index % 2].issuer}/v1/auth/login`, USER, asApp());
        return { token: body.refresh_token };
      }),
    );
    const load = chains.map(async (chain, index) => {
      for (let turn = index; !over; turn += 1) {
        const { status, headers, body } = await refresh(replicas[turn % 2], chain.token);
        seen[status] = (seen[status] ?? 0) + 1;
        if (status === 200) {
          chain.token = body.refresh_token;
        } else {
          assert.equal(status, 503, JSON.stringify(body));
          assert.ok(Number(headers.get('retry-after')) > 0, 'it says when to come back');
          await sleep(20);
        }
      }
    });
    for (const mode of ['fast', 'immediate', 'fast']) {
      await sleep(1_000);
      const before = seen[200];
      await postgres.restart(mode);
      while (seen[200] < before + 5 * CHAINS) await sleep(20); // it goes on, or the runner's own patience ends
    }
    over = true;
    await Promise.all(load);
    assert.ok(seen[503] > 0, 'there was an outage');

    // Every newest token that was answered is good, and the one before it leads to the same successor.
    for (const chain of chains) {
      const first = await answered(replicas[0], chain.token);
      const again = await answered(replicas[1], chain.token);
      assert.equal(again.refresh_token, first.refresh_token);
    }
    for (const replica of replicas) assert.equal(replica.process.exitCode, null);
  });
});
