// The commands beside a live server, and the production server by its environment.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { DATABASES, createDatabase, required, startDoorward } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';

/** Runs a command to its end: its exit code and what it printed. */
async function doorward(args, env, stdin = '') {
  const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
  return new Promise(resolve => {
    const child = execFile(binary, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}

for (const database of DATABASES) {
  describe(`the commands beside a live server with ${database}`, () => {
    let server;
    before(async () => (server = await startDoorward(database)));
    after(() => server?.stop());

    const beside = (args, stdin) => server.command(args, stdin);
    const login = (email, password) => postJson(`${server.tenant.issuer}/v1/auth/login`, { email, password });

    it('a disabled user is out within two seconds, and cannot refresh', async () => {
      const user = { email: 'leaver@example.com', password: 'a horse of a different stapler', name: 'Leaver' };
      await server.createUser('acme', user);
      const { body } = await login(user.email, user.password);
      assert.equal((await beside(['user', 'disable', '--tenant', 'acme', '--email', user.email])).code, 0);
      await server.honoursChanges();
      assert.equal((await login(user.email, user.password)).status, 401);
      const refresh = await postJson(`${server.tenant.issuer}/v1/auth/refresh`, { refresh_token: body.refresh_token });
      assert.equal(refresh.status, 401);
      assert.equal(refresh.body.error, 'invalid_grant');
      const me = await getJson(`${server.tenant.issuer}/v1/auth/me`, { authorization: `Bearer ${body.token}` });
      assert.equal(me.status, 401);
    });

    it('a new password replaces the old one and ends its sessions', async () => {
      const user = { email: 'changer@example.com', password: 'the first of two passwords', name: 'Changer' };
      await server.createUser('acme', user);
      const { body } = await login(user.email, user.password);
      const set = ['user', 'set-password', '--tenant', 'acme', '--email', user.email, '--password-stdin'];
      assert.equal((await beside(set, 'the second, much longer one\n')).code, 0);
      assert.equal((await login(user.email, user.password)).status, 401);
      assert.equal((await login(user.email, 'the second, much longer one')).status, 200);
      const refresh = await postJson(`${server.tenant.issuer}/v1/auth/refresh`, { refresh_token: body.refresh_token });
      assert.equal(refresh.status, 401);
    });

    it('a tenant that wants longer passwords gets them from every command, and the old ones go on working', async () => {
      const [short, long] = ['purple-otter-72', 'purple-otter-72q'];
      const set = number => beside(['tenant', 'set', '--slug', 'acme', '--password-min-length', number, '--json']);
      assert.match((await set('65')).stderr, /--password-min-length: .*at least 8 .*more than 64/);
      assert.equal(JSON.parse((await set('16')).stdout).password_min_length, 16);
      const who = ['--tenant', 'acme', '--email', 'longer@example.com', '--password-stdin'];
      for (const command of ['create', 'set-password']) {
        const refused = await beside(['user', command, ...who], short);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /Use at least 16 characters/);
        assert.equal((await beside(['user', command, ...who], long)).code, 0);
      }
      assert.equal((await login(server.user.email, server.user.password)).status, 200);
      assert.equal((await set('8')).code, 0);
    });

    it('a new app begins with the lifetimes that its tenant was set to', async () => {
      const set = (...flags) => beside(['tenant', 'set', '--slug', 'acme', ...flags, '--json']);
      for (const [flag, value, why] of [
        ['--access-minutes', '0', /an access token lives 1 to 60 minutes/],
        ['--idle-hours', '2161', /90 days at most/],
        ['--absolute-hours', '1', /altogether at least as long as unused/],
      ]) {
        const refused = await set(flag, value);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, why);
      }
      const changed = JSON.parse((await set('--access-minutes', '5', '--idle-hours', '24')).stdout);
      assert.deepEqual([changed.access_minutes, changed.idle_hours, changed.absolute_hours], [5, 24, 720]);
      const { client_id, client_secret } = await server.createApp('acme', 'service');
      await server.honoursChanges();
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
      const answer = await fetch(`${server.tenant.issuer}/oauth2/token`, { method: 'POST', body });
      assert.equal((await answer.json()).expires_in, 300);
      assert.equal((await set('--access-minutes', '15', '--idle-hours', '168')).code, 0);
    });

    it('rotated keys are published before they sign; with --now they sign at once, and old tokens stay good', async () => {
      const { user, tenant } = server;
      const kids = async () => (await getJson(`${tenant.issuer}/.well-known/jwks.json`)).body.keys.map(key => key.kid);
      const kidOf = token => JSON.parse(atob(token.split('.')[0].replaceAll('-', '+').replaceAll('_', '/'))).kid;
      const first = (await login(user.email, user.password)).body.token;

      const announced = await beside(['key', 'rotate', '--tenant', 'acme', '--json']);
      assert.equal(announced.code, 0, announced.stderr);
      const upcoming = JSON.parse(announced.stdout);
      assert.deepEqual(new Set(upcoming.map(key => key.state)), new Set(['upcoming']));
      await server.honoursChanges();
      for (const key of upcoming) assert.ok((await kids()).includes(key.kid));
      assert.equal(kidOf((await login(user.email, user.password)).body.token), kidOf(first));
      assert.equal((await beside(['key', 'rotate', '--tenant', 'acme'])).code, 1, 'one rotation at a time');

      const now = await beside(['key', 'rotate', '--tenant', 'acme', '--now', '--json']);
      assert.match(now.stderr, /warning/);
      await server.honoursChanges();
      const second = (await login(user.email, user.password)).body.token;
      assert.ok(JSON.parse(now.stdout).some(key => key.kid === kidOf(second)));
      assert.ok((await kids()).includes(kidOf(first)));
      const me = await getJson(`${tenant.issuer}/v1/auth/me`, { authorization: `Bearer ${first}` });
      assert.equal(me.status, 200);
    });

    it('bad input is told what to do, and makes nothing', async () => {
      for (const [args, hint] of [
        [['tenant', 'create', '--slug', 'Bad Slug', '--name', 'X'], /lower-case/],
        [['tenant', 'create', '--slug', 'acme', '--name', 'X'], /already/],
        [['app', 'create', '--tenant', 'nobody', '--name', 'X', '--kind', 'web'], /tenant list/],
        [['app', 'create', '--tenant', 'acme', '--name', 'X', '--kind', 'web', '--redirect-uri', 'http://x.example/'], /https/],
        [['user', 'create', '--tenant', 'acme', '--email', 'x', '--password-stdin'], /e-mail/],
        [['user', 'create', '--tenant', 'acme', '--email', 'x@example.com', '--role', 'NOPE', '--password-stdin'], /role create/],
      ]) {
        const { code, stderr } = await beside(args, 'a long enough pass phrase');
        assert.equal(code, 1, args.join(' '));
        assert.match(stderr, hint);
      }
    });

    it('lists, makes roles and operators, and the doctor finds all well', async () => {
      const { stdout } = await beside(['tenant', 'list', '--json']);
      assert.deepEqual(JSON.parse(stdout).map(tenant => tenant.slug), ['acme', 'console']);
      const role = await beside(['role', 'create', '--tenant', 'acme', '--key', 'editor', '--json']);
      assert.equal(JSON.parse(role.stdout).key, 'editor');
      const operator = ['operator', 'create', '--email', 'op@example.com', '--password-stdin', '--json'];
      assert.equal((await beside(operator, 'an operator pass phrase')).code, 0);
      const doctor = await beside(['doctor']);
      assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
    });

    it('started again, dev has the same accounts and apps, and no second ones', async () => {
      const { app, spa, user } = server;
      await server.kill();
      const again = await server.restart();
      assert.deepEqual([again.app, again.spa, again.user], [app, spa, user]);
      assert.equal((await login(user.email, user.password)).status, 200);
    });
  });

  describe(`the production server with ${database}`, () => {
    it('opens and closes the console to sign-ups, as its environment says', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'doorward-serve-'));
      const { url, drop } = await createDatabase[database]();
      const port = 20_000 + (randomBytes(2).readUInt16BE() % 20_000);
      const env = {
        DATABASE_URL: url ?? `sqlite://${join(dataDir, 'doorward.db')}`,
        DOORWARD_PUBLIC_URL: `http://localhost:${port}`,
        DOORWARD_LISTEN: `127.0.0.1:${port}`,
        DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
      };
      assert.equal((await doorward(['migrate'], env)).code, 0);
      for (const [policy, takesSignUps] of [['open', true], ['invite', false]]) {
        const started = { ...process.env, ...env, DOORWARD_CONSOLE_SIGNUP: policy };
        const server = spawn(process.env.DOORWARD_BIN, ['serve'], { env: started, stdio: 'ignore' });
        const exited = once(server, 'exit');
        let page = null;
        while (page === null && server.exitCode === null) {
          await sleep(50);
          page = await fetch(`${env.DOORWARD_PUBLIC_URL}/t/console/signup`).then(answer => answer.text()).catch(() => null);
        }
        assert.equal(page?.includes('name="password"'), takesSignUps, policy);
        server.kill('SIGTERM');
        await exited;
      }
      await rm(dataDir, { recursive: true, force: true });
      await drop();
    });

    it('waits for its migrations, then serves, and ends with 0 at SIGTERM', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'doorward-serve-'));
      const { url, drop } = await createDatabase[database]();
      const port = 20_000 + (randomBytes(2).readUInt16BE() % 20_000);
      const env = {
        DATABASE_URL: url ?? `sqlite://${join(dataDir, 'doorward.db')}`,
        DOORWARD_DATA_DIR: dataDir,
        DOORWARD_PUBLIC_URL: `http://localhost:${port}`,
        DOORWARD_LISTEN: `127.0.0.1:${port}`,
        DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
        DOORWARD_LOG_FORMAT: 'json',
        DOORWARD_METRICS_LISTEN: `127.0.0.1:${port + 1}`,
        DOORWARD_METRICS_TENANT_LABEL: 'on',
      };
      const server = spawn(process.env.DOORWARD_BIN, ['serve'], { env: { ...process.env, ...env } });
      let log = '';
      server.stderr.on('data', text => (log += text));
      const exited = once(server, 'exit');
      try {
        const ready = () => getJson(`${env.DOORWARD_PUBLIC_URL}/readyz`).catch(() => null);
        let answer = await ready();
        while (answer === null && server.exitCode === null) {
          await sleep(50);
          answer = await ready();
        }
        assert.equal(answer?.status, 503, log);
        assert.match(answer.body.reason, /migrat/);
        assert.equal((await doorward(['migrate', '--check'], env)).code, 1);
        assert.equal((await doorward(['migrate'], env)).code, 0);
        assert.equal((await doorward(['migrate', '--check'], env)).code, 0);
        assert.equal((await ready()).status, 200);

        await doorward(['tenant', 'create', '--slug', 'shop', '--name', 'Shop'], env);
        await doorward(['app', 'create', '--tenant', 'shop', '--name', 'A', '--kind', 'web', '--direct-login', '--default'], env);
        const password = 'correct horse battery 42';
        const create = ['user', 'create', '--tenant', 'shop', '--email', 'a@example.com', '--password-stdin'];
        assert.equal((await doorward(create, env, password)).code, 0);
        const issuer = `${env.DOORWARD_PUBLIC_URL}/t/shop`;
        const { status, body } = await postJson(`${issuer}/v1/auth/login`, { email: 'a@example.com', password });
        assert.equal(status, 200);
        for (const secret of [password, body.refresh_token, body.token, env.DOORWARD_MASTER_KEY, 'a@example.com']) {
          assert.ok(!log.includes(secret), 'no secret reaches the log');
        }
        const metrics = await fetch(`http://localhost:${port + 1}/metrics`);
        assert.equal(metrics.status, 200);
        assert.match(await metrics.text(), /^doorward_http_requests_total\{.*status="200",tenant="shop"\} 1$/m);
        assert.equal((await fetch(`${env.DOORWARD_PUBLIC_URL}/metrics`)).status, 404, 'it has an address of its own');
        assert.equal((await fetch(`http://localhost:${port + 1}/healthz`)).status, 404, 'and nothing else is there');
        const line = log.split('\n').filter(Boolean).map(text => JSON.parse(text)).find(({ span }) => span?.tenant === 'shop');
        assert.ok(line.span.id && line.span.route, 'a request is logged with its id, tenant and route');
      } finally {
        server.kill('SIGTERM');
        const [code] = await exited;
        assert.equal(code, 0);
        await rm(dataDir, { recursive: true, force: true });
        await drop();
      }
    });
  });
}

describe('a weak or contradictory configuration', () => {
  it('is refused, every problem named at once', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'doorward-serve-'));
    const { code, stderr } = await doorward(['serve'], {
      DATABASE_URL: 'mysql://x',
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_PUBLIC_URL: 'http://auth.example.com',
      DOORWARD_LISTEN: 'nowhere',
      DOORWARD_TRUSTED_PROXIES: 'proxy',
      DOORWARD_METRICS_LISTEN: 'somewhere',
      DOORWARD_METRICS_TENANT_LABEL: 'maybe',
      DOORWARD_SMTP_URL: 'smtp://127.0.0.1',
    });
    assert.equal(code, 1);
    for (const name of ['DATABASE_URL', 'DOORWARD_PUBLIC_URL', 'DOORWARD_LISTEN', 'DOORWARD_TRUSTED_PROXIES', 'DOORWARD_METRICS_LISTEN', 'DOORWARD_METRICS_TENANT_LABEL', 'DOORWARD_MAIL_FROM', 'DOORWARD_MASTER_KEY']) {
      assert.match(stderr, new RegExp(name));
    }
    const told = await doorward(['serve'], {
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_LOG: 'foo=bar=baz',
      DOORWARD_PUBLIC_URL: 'http://auth.example.com',
      DOORWARD_MASTER_KEY: 'abc',
      DOORWARD_SMTP_URL: 'nonsense',
      DOORWARD_MAIL_FROM: 'nobody',
    });
    await rm(dataDir, { recursive: true, force: true });
    assert.equal(told.code, 1);
    for (const name of ['DOORWARD_LOG', 'DOORWARD_PUBLIC_URL', 'DOORWARD_MASTER_KEY', 'DOORWARD_SMTP_URL', 'DOORWARD_MAIL_FROM']) {
      assert.match(told.stderr, new RegExp(`- ${name}`));
    }
  });

  it('what only looks for the database makes none', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'doorward-look-'));
    const env = {
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_PUBLIC_URL: 'http://localhost:1',
      DOORWARD_LISTEN: '127.0.0.1:1',
      DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    for (const command of [['migrate', '--check'], ['doctor'], ['tenant', 'list']]) {
      const { code, stdout, stderr } = await doorward(command, env);
      assert.equal(code, 1, command.join(' '));
      assert.match(stdout + stderr, /does not exist; `doorward migrate` makes it/, command.join(' '));
      assert.deepEqual(await readdir(dataDir), [], command.join(' '));
    }
    assert.match((await doorward(['doctor'], env)).stdout, /mail /, 'it goes on to its end');
    await rm(dataDir, { recursive: true, force: true });
  });

  it('is told by the doctor to its end', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'doorward-serve-'));
    const { code, stdout } = await doorward(['doctor'], {
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_PUBLIC_URL: 'http://auth.example.com',
      DOORWARD_MASTER_KEY: 'abc',
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
    });
    await rm(dataDir, { recursive: true, force: true });
    assert.equal(code, 1);
    for (const what of ['configuration', 'master key', 'database', 'clock', 'mail']) {
      assert.match(stdout, new RegExp(`${what} `), stdout);
    }
  });

  it('another master key than the one of the database is refused, and seals nothing', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'doorward-serve-'));
    const env = {
      DOORWARD_DATA_DIR: dataDir,
      DOORWARD_PUBLIC_URL: 'http://localhost:1',
      DOORWARD_LISTEN: '127.0.0.1:1',
      DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    assert.equal((await doorward(['migrate'], env)).code, 0);
    assert.equal((await doorward(['tenant', 'create', '--slug', 'shop', '--name', 'Shop'], env)).code, 0);
    const wrong = { ...env, DOORWARD_MASTER_KEY: randomBytes(32).toString('base64') };
    for (const command of [['tenant', 'create', '--slug', 'other', '--name', 'Other'], ['serve'], ['dev', '--listen', '127.0.0.1:0']]) {
      const { code, stderr } = await doorward(command, wrong);
      assert.equal(code, 1, command.join(' '));
      assert.match(stderr, /not the master key/, command.join(' '));
    }
    const { stdout } = await doorward(['tenant', 'list', '--json'], env);
    await rm(dataDir, { recursive: true, force: true });
    assert.deepEqual(JSON.parse(stdout).map(({ slug }) => slug).filter(slug => slug !== 'console'), ['shop']);
  });

  it('a weak master key is refused', async () => {
    const { code, stderr } = await doorward(['serve'], {
      DOORWARD_PUBLIC_URL: 'http://localhost:1',
      DOORWARD_MASTER_KEY: Buffer.alloc(32).toString('base64'),
    });
    assert.equal(code, 1);
    assert.match(stderr, /DOORWARD_MASTER_KEY/);
  });
});
