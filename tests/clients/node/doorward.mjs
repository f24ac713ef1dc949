// A Doorward server of a suite's own: its own data directory, its own database.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Every suite runs on each of them. */
export const DATABASES = ['sqlite', 'postgres'];

/** Starts `doorward dev` on an empty database, with more in its `environment`, and waits until it answers. */
export async function startDoorward(database, environment = {}) {
  const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
  const { url, drop, execute } = await createDatabase[database]();
  const dataDir = await mkdtemp(join(tmpdir(), 'doorward-'));
  const env = { ...process.env, ...environment, DATABASE_URL: url };

  let server, exited;
  let output = '';
  function launch(listen) {
    server = spawn(binary, ['dev', '--listen', listen, '--data-dir', dataDir], { env });
    for (const stream of [server.stdout, server.stderr]) stream.on('data', text => (output += text));
    exited = once(server, 'exit');
  }
  launch('127.0.0.1:0');

  async function clean() {
    await rm(dataDir, { recursive: true, force: true });
    await drop();
  }

  async function stop() {
    server.kill('SIGTERM');
    const [code, signal] = await exited;
    await clean();
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, `SIGTERM must end in exit 0:\n${output}`);
  }

  /** Runs a command beside the server: its exit code and what it printed. */
  async function command(args, stdin = '') {
    const running = run(binary, [...args, '--data-dir', dataDir], { env });
    running.child.stdin.on('error', () => {}); // a command that fails may not read it, and says why itself
    running.child.stdin.end(stdin);
    return running.then(printed => ({ code: 0, ...printed }), ({ code, stdout, stderr }) => ({ code, stdout, stderr }));
  }

  async function create(what, flags, stdin) {
    const { code, stdout, stderr } = await command([what, 'create', ...flags, '--json'], stdin);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  }

  /** The facts, once the server answers; an error with what it printed if it stops instead. */
  function started() {
    const stopped = exited.then(() => Promise.reject(new Error('doorward stopped while starting')));
    return Promise.race([untilItAnswers(join(dataDir, 'dev.json'), server), stopped]);
  }

  /** As a power cut would: no warning, no clean-up. */
  async function kill() {
    server.kill('SIGKILL');
    await exited;
  }

  try {
    const facts = await started();
    return {
      ...facts,
      command,
      stop,
      kill,
      /** Starts again on the same data and the same port. */
      restart: () => {
        launch(`127.0.0.1:${new URL(facts.public_url).port}`);
        return started();
      },
      createTenant: slug => create('tenant', ['--slug', slug, '--name', slug]),
      createApp: (tenant, kind, ...flags) =>
        create('app', ['--tenant', tenant, '--name', `A ${kind} app`, '--kind', kind, ...flags]),
      createUser: (tenant, { email, password, name }) =>
        create(
          'user',
          ['--tenant', tenant, '--email', email, '--name', name, '--verified', '--password-stdin'],
          password,
        ),
      setProvider: (tenant, secret, ...flags) => command(['provider', 'set', '--tenant', tenant, ...flags], secret),
      /** Statements of SQL beside the server, on PostgreSQL. */
      execute,
      /** What a command changed, the server honours within two seconds. */
      honoursChanges: () => sleep(2_100),
    };
  } catch (error) {
    server.kill('SIGKILL');
    await clean();
    throw new Error(`${error.message}:\n${output}`);
  }
}

export function required(variable, meaning) {
  const value = process.env[variable];
  if (!value) throw new Error(`Set ${variable} to ${meaning}; these tests cannot run without it.`);
  return value;
}

export const createDatabase = {
  /** In the data directory, which is the default. */
  sqlite: async () => ({ url: undefined, drop: async () => {} }),

  postgres: async () => {
    const admin = required('DOORWARD_TEST_POSTGRES', 'the postgres:// URL of an admin database on a scratch server');
    const name = `doorward_${randomUUID().replaceAll('-', '')}`;
    const psql = (database, statement) =>
      run('psql', ['--no-psqlrc', '--quiet', '--set', 'ON_ERROR_STOP=1', '--dbname', database, '--command', statement]);
    await psql(admin, `CREATE DATABASE ${name}`);
    const url = new URL(admin);
    url.pathname = `/${name}`;
    return {
      url: url.href,
      execute: statement => psql(url.href, statement),
      drop: () => psql(admin, `DROP DATABASE ${name} WITH (FORCE)`),
    };
  },
};

/** The facts in `dev.json`, once the server that wrote them is alive. */
async function untilItAnswers(path, server) {
  for (let attempt = 0; attempt < 600 && (server.exitCode ?? server.signalCode) === null; attempt += 1) {
    const facts = await readFile(path, 'utf8').then(JSON.parse).catch(() => null);
    if (facts && (await isAlive(facts.public_url))) return facts;
    await sleep(100);
  }
  throw new Error('doorward did not come to answer /healthz');
}

async function isAlive(publicUrl) {
  const response = await fetch(`${publicUrl}/healthz`).catch(() => null);
  return response?.ok === true;
}
