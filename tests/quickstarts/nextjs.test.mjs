// The Next.js quickstarts, built and served as their READMEs say, in headless Chromium: first as a user meets
// them, then the race suite: tabs, instances, lost answers and tokens that are replaced every few seconds.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { onScreen, startChrome } from '../browser/screens.mjs';
import { freePort, startBlock } from './readme.mjs';
import { ADMIN, MEMBER, startProxy, startService } from './service.mjs';

/** How long the race lasts, in seconds. */
const RACE = Number(process.env.DOORWARD_RACE_SECONDS ?? 30);
const ACCESS_LIFE = 900; // seconds
const REFRESH_EVERY = 3; // seconds
const LOST = 7; // every seventh answer to a refresh

const QUICKSTARTS = [
  {
    name: 'nextjs-authjs',
    env: url => ({ AUTH_URL: url, AUTH_SECRET: 'a secret of the tests, long enough' }),
    async signIn(page, { email, password }) {
      await page.click('text=Sign in');
      await page.fill('[name=email]', email);
      await page.fill('[name=password]', password);
      await page.click('main button[type=submit]:not([data-reveal])');
    },
    async signedOut(page) {
      await page.waitForSelector('h1:text-is("Hello")');
      await page.click('text=Sign in');
      await page.waitForSelector('[name=password]'); // Doorward has forgotten the session, too
    },
  },
  {
    name: 'nextjs-credentials',
    env: url => ({ NEXTAUTH_URL: url, NEXTAUTH_SECRET: 'a secret of the tests, long enough' }),
    async signIn(page, { email, password }) {
      await page.fill('[name=email]', email);
      await page.fill('[name=password]', password);
      await page.click('form button');
    },
    signedOut: page => page.waitForURL('**/login*'),
  },
];

const isRefresh = ({ method, url }, body) =>
  method === 'POST' && (url.endsWith('/v1/auth/refresh') || (url.endsWith('/oauth2/token') && body.includes('grant_type=refresh_token')));

for (const { name, env, signIn, signedOut } of QUICKSTARTS) {
  describe(name, () => {
    let chrome, service, front, backend, app, other, url;
    const ports = [];

    before(async () => {
      chrome = await startChrome();
      ports.push(await freePort(), await freePort());
      let turn = 0;
      let isTwo = false;
      front = await startProxy(() => ports[isTwo ? (turn += 1) % 2 : 0]);
      front.useBoth = () => (isTwo = true);
      url = front.url;
      service = await startService(url);
      const backendPort = await freePort();
      const backendUrl = `http://127.0.0.1:${backendPort}`;
      backend = await startBlock('node-backend', `${backendUrl}/me`, {
        env: { DOORWARD_ISSUER: service.issuer, PORT: String(backendPort) },
      });
      const start = (port, isBuilt) =>
        startBlock(name, `http://127.0.0.1:${port}/`, {
          isBuilt,
          env: {
            ...env(url),
            AUTH_DOORWARD_ISSUER: service.issuer,
            AUTH_DOORWARD_ID: service.client.id,
            AUTH_DOORWARD_SECRET: service.client.secret,
            REFRESH_EARLY_SECONDS: String(ACCESS_LIFE - REFRESH_EVERY),
            BACKEND_URL: backendUrl,
            PORT: String(port),
            NEXT_TELEMETRY_DISABLED: '1',
          },
        });
      app = await start(ports[0], false);
      other = await start(ports[1], true);
    });

    after(async () => {
      await chrome?.close();
      await app?.stop();
      await other?.stop();
      await backend?.stop();
      await service?.stop();
      front?.stop();
    });

    const home = async (page, user) => {
      await page.goto(url);
      await signIn(page, user);
      await page.waitForSelector('#server-role');
    };

    it('signs in, shows the role, lets an ADMIN in everywhere, and signs out', async () => {
      await onScreen(chrome, {}, async page => {
        await home(page, ADMIN);
        assert.equal(await page.textContent('#server-role'), 'ADMIN');
        await page.waitForSelector('#client-role:text-is("ADMIN")');
        await page.click('#promote');
        await page.waitForSelector('#promoted:has-text("Done, by usr")');
        await page.goto(`${url}/admin`);
        assert.equal(await page.textContent('h1'), 'Admins only');
        const report = await page.request.get(`${url}/api/report`);
        assert.deepEqual(await report.json(), { secret: 'for admins' }, 'the backend has seen the access token');
        await page.goto(url);
        await page.click('button:text("Sign out")');
        await signedOut(page);
        assert.equal((await page.request.get(`${url}/api/report`)).status(), 403);
      });
    });

    it('refuses to a MEMBER what only an ADMIN may do', async () => {
      await onScreen(chrome, {}, async page => {
        await home(page, MEMBER);
        assert.equal(await page.textContent('#server-role'), 'MEMBER');
        await page.click('#promote');
        await page.waitForSelector('#promoted:has-text("Only ADMIN may do this.")');
        await page.goto(`${url}/admin`);
        assert.equal(await page.textContent('h1'), 'Not for you');
        assert.equal((await page.request.get(`${url}/api/report`)).status(), 403);
      });
    });

    it('keeps tokens from the browser', async () => {
      await onScreen(chrome, {}, async page => {
        await home(page, ADMIN);
        const session = await (await page.request.get(`${url}/api/auth/session`)).text();
        assert.match(session, /"role":"ADMIN"/);
        assert.doesNotMatch(session, /token/);
      });
    });

    it('notices nothing of a Doorward that is silent while the access token lasts', async () => {
      await onScreen(chrome, {}, async page => {
        await home(page, ADMIN);
        service.proxy.hangs = isRefresh;
        await sleep(REFRESH_EVERY * 1_000);
        for (const visit of [1, 2, 3]) {
          await page.goto(url); // within the 30 seconds that a page has
          assert.equal(await page.textContent('#server-role'), 'ADMIN', `visit ${visit}`);
        }
        assert.ok(service.proxy.hung > 0, 'a refresh was tried');
        service.proxy.hangs = () => false;
        await sleep(6_000);
        await page.goto(url);
        assert.equal(await page.textContent('#server-role'), 'ADMIN');
      });
    });

    it(`signs nobody out who is honest, for ${RACE} seconds of races, and catches a thief after them`, async () => {
      front.useBoth();
      await onScreen(chrome, {}, async first => {
        await home(first, ADMIN);
        let stolen;
        let refreshes = 0;
        service.proxy.loses = (request, body) => {
          if (!isRefresh(request, body)) return false;
          stolen ??= { url: request.url, headers: request.headers, body };
          refreshes += 1;
          return refreshes % LOST === 2;
        };
        const tabs = [first];
        while (tabs.length < 5) tabs.push(await first.context().newPage());
        const ends = Date.now() + RACE * 1_000;
        let rounds = 0;
        // 3 refreshes at least, however slow the machine is.
        while (Date.now() < ends || rounds < 3) {
          rounds += 1;
          await Promise.all(
            tabs.map(async (tab, index) => {
              await tab.goto(url);
              assert.equal(await tab.textContent('#server-role'), 'ADMIN');
              if (index === 0) {
                const calls = Array.from({ length: 20 }, () => tab.evaluate(() => fetch('/api/auth/session').then(answer => answer.json())));
                for (const session of await Promise.all(calls)) assert.equal(session.role, 'ADMIN', JSON.stringify(session));
              } else {
                await tab.click('#promote');
                await tab.waitForSelector('#promoted:has-text("Done, by usr")');
              }
            }),
          );
          await sleep(500);
        }
        assert.equal(await service.reusesDetected(), 0);
        assert.ok(service.proxy.lost > 0, 'answers were lost');
        service.proxy.loses = () => false;

        // What was overheard at the start is worth nothing, and from then on to nobody.
        const { headers, body } = stolen;
        const { authorization = '', 'content-type': type } = headers;
        const thief = await fetch(new URL(stolen.url, service.issuer), { method: 'POST', headers: { authorization, 'content-type': type }, body });
        assert.equal((await thief.json()).error, 'invalid_grant');
        assert.equal(await service.reusesDetected(), 1);
        await sleep(REFRESH_EVERY * 1_000);
        await first.goto(url);
        assert.match(await first.textContent('[role=alert]'), /Your sign-in has ended/);
      });
    });
  });
}
