// Mail by SMTP: `serve` with a mail server beside it, up, down and refusing.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

import { DATABASES, createDatabase, required } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';

const USER = { email: 'ada@example.com', password: 'correct horse battery 42' };

/** A mail server that keeps what it takes. Addresses that begin with `gone` it refuses for good, and at a step in
 * `refuses` everything, with that code. */
function startMailServer(port, letters, refuses = {}) {
  const refusal = step => (step in refuses ? Object.assign(new Error('refused'), { responseCode: refuses[step] }) : null);
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onConnect(_, done) {
      done(refusal('greeting'));
    },
    onAuth({ username }, _, done) {
      done(refusal('auth'), { user: username });
    },
    onMailFrom(_, __, done) {
      done(refusal('sender'));
    },
    onRcptTo({ address }, _, done) {
      done(address.startsWith('gone') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null);
    },
    onData(stream, { envelope }, done) {
      const chunks = [];
      stream.on('data', chunk => chunks.push(chunk));
      stream.on('end', async () => {
        letters.push({ envelope, ...(await PostalMime.parse(Buffer.concat(chunks))) });
        done();
      });
    },
  });
  return new Promise(resolve => server.listen(port, '127.0.0.1', () => resolve(server)));
}

const close = server => new Promise(resolve => server.close(resolve));

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

// Mostly waits, so both at once.
describe('mail', { concurrency: true }, () => {
  for (const database of DATABASES) {
    describe(`on ${database}`, { concurrency: false }, () => {
      const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
      const letters = [];
      let drop, dataDir, env, app, server, issuer, smtpPort, smtp;

      before(async () => {
        const made = await createDatabase[database]();
        drop = made.drop;
        dataDir = await mkdtemp(join(tmpdir(), 'doorward-'));
        const port = await freePort();
        smtpPort = await freePort();
        smtp = await startMailServer(smtpPort, letters);
        env = {
          ...process.env,
          ...(made.url && { DATABASE_URL: made.url }),
          DOORWARD_DATA_DIR: dataDir,
          DOORWARD_PUBLIC_URL: `http://localhost:${port}`,
          DOORWARD_LISTEN: `127.0.0.1:${port}`,
          DOORWARD_MASTER_KEY: randomBytes(32).toString('base64'),
          DOORWARD_SMTP_URL: `smtp://mailer:secret@127.0.0.1:${smtpPort}`,
          DOORWARD_MAIL_FROM: 'no-reply@doorward.example',
          DOORWARD_LOG: 'error',
        };
        await command(['migrate']);
        await command(['tenant', 'create', '--slug', 'shop', '--name', 'Łódź "Shop", Inc.']);
        await command(['tenant', 'set', '--slug', 'shop', '--reply-to', 'help@shop.example']);
        const flags = ['--tenant', 'shop', '--name', 'Web', '--kind', 'web', '--redirect-uri', 'https://shop.example/cb', '--direct-login', '--default'];
        app = JSON.parse(await command(['app', 'create', ...flags, '--json']));
        await command(['user', 'create', '--tenant', 'shop', '--email', USER.email, '--verified', '--password-stdin'], USER.password);
        server = spawn(binary, ['serve'], { env, stdio: 'inherit' });
        issuer = `http://localhost:${port}/t/shop`;
        while ((await getJson(`http://localhost:${port}/readyz`).catch(() => null))?.status !== 200) await sleep(20);
      });

      after(async () => {
        server.kill('SIGTERM');
        assert.deepEqual(await once(server, 'exit'), [0, null]);
        await close(smtp);
        await rm(dataDir, { recursive: true, force: true });
        await drop();
      });

      function command(args, stdin = '') {
        return new Promise((resolve, reject) => {
          const child = execFile(binary, args, { env }, (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)));
          child.stdin.end(stdin);
        });
      }

      const forgot = email =>
        postJson(`${issuer}/v1/auth/forgot-password`, { email }, {
          authorization: `Basic ${btoa(`${app.client_id}:${app.client_secret}`)}`,
        });

      /** The letters to that address, once there are so many. */
      async function lettersTo(email, count) {
        for (;;) {
          const found = letters.filter(({ envelope }) => envelope.rcptTo.some(({ address }) => address === email));
          if (found.length >= count) return found;
          await sleep(50);
        }
      }

      it('a letter arrives in the name of its tenant, as text and as HTML', async () => {
        assert.equal((await forgot(USER.email)).status, 202);
        const [letter] = await lettersTo(USER.email, 1);
        assert.deepEqual(letter.from, { name: 'Łódź "Shop", Inc.', address: 'no-reply@doorward.example' });
        assert.equal(letter.replyTo[0].address, 'help@shop.example');
        assert.equal(letter.subject, 'A new password for Łódź "Shop", Inc.');
        assert.equal(letter.envelope.rcptTo.length, 1);
        const link = new RegExp(`${issuer}/reset-password\\?token=[A-Za-z0-9]{43}`);
        assert.match(letter.text, link);
        assert.match(letter.html, link);
        assert.ok(letter.messageId && letter.date, 'as RFC 5322 wants them');
      });

      it('doctor says whether the server answers', async () => {
        assert.match(await command(['doctor']), /mail.*answers/);
      });

      it('an operator tries it from the command line', async () => {
        await command(['mail', 'test', '--tenant', 'shop', '--to', 'admin@shop.example']);
        const [letter] = await lettersTo('admin@shop.example', 1);
        assert.match(letter.subject, /A test from/);
      });

      it('what the server refuses for good is a dead letter', async () => {
        await command(['mail', 'test', '--tenant', 'shop', '--to', 'gone@shop.example']);
        for (;;) {
          const dead = JSON.parse(await command(['mail', 'dead-letters', '--tenant', 'shop', '--json']));
          if (dead.length > 0) {
            assert.deepEqual(dead.map(({ to, letter, tries }) => ({ to, letter, tries })), [{ to: 'gone@shop.example', letter: 'test', tries: 1 }]);
            assert.match(dead[0].error, /no such mailbox/);
            return;
          }
          await sleep(50);
        }
      });

      it('what the server refuses of all letters is no fault of one, which waits', async () => {
        const before = JSON.parse(await command(['mail', 'dead-letters', '--tenant', 'shop', '--json'])).length;
        for (const [step, code] of [['greeting', 554], ['auth', 535], ['sender', 451]]) {
          await close(smtp);
          smtp = await startMailServer(smtpPort, letters, { [step]: code });
          await command(['mail', 'test', '--tenant', 'shop', '--to', `${step}@shop.example`]);
          await sleep(3_000); // at least one try fails
        }
        await close(smtp);
        smtp = await startMailServer(smtpPort, letters);
        for (const step of ['greeting', 'auth', 'sender']) await lettersTo(`${step}@shop.example`, 1);
        assert.equal(JSON.parse(await command(['mail', 'dead-letters', '--tenant', 'shop', '--json'])).length, before);
      });

      it('while the server is away nothing is lost, and afterwards each letter goes out once', async () => {
        await close(smtp);
        const before = letters.length;
        assert.equal((await forgot(USER.email)).status, 202);
        await command(['mail', 'test', '--tenant', 'shop', '--to', 'later@shop.example']);
        await sleep(3_000); // at least one try fails
        assert.equal(letters.length, before);
        await assert.rejects(command(['doctor']), /mend/);
        // Back, but it takes no letters from us yet: that says nothing of the letters.
        const shut = createServer(socket => socket.end('554 no service here\r\n')).listen(smtpPort, '127.0.0.1');
        await once(shut, 'listening');
        await sleep(3_000);
        await close(shut);
        smtp = await startMailServer(smtpPort, letters);
        await lettersTo('later@shop.example', 1);
        await lettersTo(USER.email, 2);
        await sleep(3_000); // long enough for another round
        assert.equal(letters.length, before + 2);
        assert.deepEqual(JSON.parse(await command(['mail', 'dead-letters', '--tenant', 'shop', '--json'])).length, 1);
      });
    });
  }
});
