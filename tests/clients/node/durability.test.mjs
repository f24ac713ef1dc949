// What Doorward acknowledged survives `kill -9` in the middle of a load.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { postJson } from './json-request.mjs';

const CHAINS = 8;
const ROUNDS = 3;

for (const database of DATABASES) {
  describe(`kill -9 under load with ${database}`, () => {
    let doorward;
    before(async () => (doorward = await startDoorward(database)));
    after(() => doorward?.stop());

    const call = (name, body, headers) => postJson(`${doorward.tenant.issuer}/v1/auth/${name}`, body, headers);

    /** As the app's server, which authenticates: its predecessor token may come again for a day. */
    const asApp = () => {
      const { client_id, client_secret } = doorward.app;
      return { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` };
    };

    async function login() {
      const { email, password } = doorward.user;
      const { status, body } = await call('login', { email, password }, asApp());
      assert.equal(status, 200);
      return { acknowledged: body.refresh_token, older: [] };
    }

    /** Rotates until the server dies, and remembers what it acknowledged. */
    async function rotateUntilKilled(chain) {
      for (;;) {
        const answer = await call('refresh', { refresh_token: chain.acknowledged }, asApp()).catch(() => null);
        if (answer === null) return;
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        chain.older.push(chain.acknowledged);
        chain.acknowledged = answer.body.refresh_token;
      }
    }

    /** Logs in until the server dies; every sign-in that was acknowledged must outlive it. */
    async function loginUntilKilled(chains) {
      for (;;) {
        const chain = await login().catch(error => {
          if (error instanceof assert.AssertionError) throw error;
          return null;
        });
        if (chain === null) return;
        chains.push(chain);
      }
    }

    const redirectUri = () => doorward.app.redirect_uris[0];

    const redeem = code =>
      fetch(`${doorward.tenant.issuer}/oauth2/token`, {
        method: 'POST',
        headers: asApp(),
        body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: redirectUri() }),
      });

    /** Fetches and spends codes until the server dies; none that was spent may be good again. */
    async function redeemUntilKilled(spent) {
      const browser = new Browser(doorward.public_url);
      const query = new URLSearchParams({
        client_id: doorward.app.client_id, redirect_uri: redirectUri(), response_type: 'code', scope: 'openid',
      });
      const authorize = `${doorward.tenant.issuer}/oauth2/authorize?${query}`;
      let page = await browser.signIn(authorize, doorward.user);
      for (;;) {
        const code = new URL(page.left.url).searchParams.get('code');
        const answer = await redeem(code).catch(() => null);
        if (answer === null) return;
        assert.equal(answer.status, 200, await answer.text());
        spent.push(code);
        page = await browser.open(authorize).catch(() => null);
        if (page === null) return;
      }
    }

    it('loses no acknowledged sign-in or rotation, and revives no spent code or older token', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const chains = await Promise.all(Array.from({ length: CHAINS }, login));
        const newcomers = [];
        const spent = [];
        const load = [...chains.map(rotateUntilKilled), loginUntilKilled(newcomers), redeemUntilKilled(spent)];
        while (chains.some(chain => chain.older.length < 20) || spent.length < 5) await new Promise(setImmediate);
        await doorward.kill();
        await Promise.all(load);
        await doorward.restart();

        for (const chain of [...chains, ...newcomers]) {
          const answer = await call('refresh', { refresh_token: chain.acknowledged }, asApp());
          assert.equal(answer.status, 200, 'the newest acknowledged token works');
        }
        for (const code of spent) assert.equal((await redeem(code)).status, 400, 'a spent code stays spent');
        for (const chain of chains) {
          const stale = await call('refresh', { refresh_token: chain.older.at(-2) }, asApp());
          assert.equal(stale.status, 401, 'a token two generations old does not');
        }
      }
    });
  });
}
