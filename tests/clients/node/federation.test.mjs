// Signing in by real providers over HTTP: oidc-provider as Google and as a company's own, and a server that
// speaks GitHub's API. Then every way in which they can fail or lie, one by one.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';

import { SignJWT, decodeJwt } from 'jose';
import * as client from 'openid-client';

import { Browser } from './browser.mjs';
import { DATABASES, startDoorward } from './doorward.mjs';
import { authorizationRequest, discover } from './relying-party.mjs';
import { CLIENT as GITHUB_CLIENT, startGitHub } from './upstream-github.mjs';
import { CLIENT, hs256, startOidcUpstream, unsigned } from './upstream-oidc.mjs';

const verified = email => ({ email, email_verified: true, name: 'Grace Hopper', picture: 'https://img.example/g.png' });
const address = (email, primary, isVerified) => ({ email, primary, verified: isVerified, visibility: null });

for (const database of DATABASES) {
  describe(`federation with ${database}`, () => {
    const people = {};
    const githubPeople = {};
    let google, company, broken, github, trap, hits, doorward, issuer, web, redirectUri, operator;

    before(async () => {
      [google, company, broken] = await Promise.all([1, 2, 3].map(() => startOidcUpstream(people)));
      github = await startGitHub(githubPeople);
      // What must never be called: it listens, and counts.
      hits = 0;
      trap = createServer((_, answer) => answer.end('{}'));
      trap.on('connection', () => (hits += 1));
      await once(trap.listen(0, '127.0.0.1'), 'listening');
      doorward = await startDoorward(database, {
        DOORWARD_UPSTREAM_ALLOW: [google, company, broken, github].map(({ target }) => target).join(','),
        DOORWARD_UPSTREAM_GOOGLE_ISSUER: google.issuer,
        DOORWARD_UPSTREAM_GITHUB_URL: github.url,
        DOORWARD_UPSTREAM_GITHUB_API_URL: github.url,
      });
      issuer = doorward.tenant.issuer;
      const flags = ['--client-id', CLIENT.client_id, '--client-secret-stdin', '--json'];
      for (const [key, upstream, kind] of [
        ['google', google, ['--kind', 'google']],
        ['company', company, ['--kind', 'oidc', '--issuer', company.issuer]],
        ['broken', broken, ['--kind', 'oidc', '--issuer', broken.issuer]],
      ]) {
        const { code, stdout, stderr } = await doorward.setProvider('acme', CLIENT.client_secret, '--key', key, ...kind, ...flags);
        assert.equal(code, 0, stderr);
        const { redirect_uri } = JSON.parse(stdout);
        assert.equal(redirect_uri, `${issuer}/federation/${key}/callback`);
        upstream.register(redirect_uri);
      }
      const hub = ['--kind', 'github', '--client-id', GITHUB_CLIENT.id, '--client-secret-stdin'];
      assert.equal((await doorward.setProvider('acme', `${GITHUB_CLIENT.secret}\n`, ...hub)).code, 0);
      const account = { email: 'operator@house.example', password: 'an operator pass phrase' };
      const made = await doorward.command(['operator', 'create', '--email', account.email, '--password-stdin'], account.password);
      assert.equal(made.code, 0, made.stderr);
      await doorward.honoursChanges();
      operator = new Browser(doorward.public_url);
      await operator.signIn(`${doorward.public_url}/console`, account);
      const { app } = doorward;
      web = await discover(issuer, app.client_id, client.ClientSecretBasic(app.client_secret));
      redirectUri = app.redirect_uris.find(uri => uri.startsWith('http://127.0.0.1'));
    });

    after(async () => {
      await doorward?.stop();
      for (const server of [google, company, broken, github]) server?.stop();
      trap?.close();
    });

    beforeEach(() => failuresSince());

    afterEach(() => {
      for (const upstream of [google, company, broken, github]) upstream.fault = undefined;
    });

    const load = request => fetch(request);
    const newBrowser = () =>
      new Browser(doorward.public_url, Object.fromEntries([google, company, broken].map(({ issuer }) => [issuer, load]).concat([[github.url, load]])));

    let count = 0;
    /** Somebody new at the OpenID providers: what they type there, and their address. */
    function somebody(claims = {}) {
      const login = `user${++count}`;
      people[login] = { ...verified(`${login}@new.example`), ...claims };
      return { login, email: people[login].email };
    }

    /** From `url` to an OpenID provider, through its sign-in and its consent. */
    async function signInAtOidc(browser, url, login) {
      let page = await browser.open(url);
      if (page.text?.includes('name="login"')) page = await browser.submit(page, { login, password: 'any' });
      if (page.text?.includes('name="prompt" value="consent"')) page = await browser.submit(page);
      return page;
    }

    /** Signs in at the company, and answers the URL that its answer would lead to. */
    async function stopAtCallback(browser, login) {
      let stopped;
      company.fault = (_, { headers }) => {
        if (!headers.location?.includes('/callback')) return;
        stopped = new URL(headers.location);
        headers.location = `${issuer}/login`;
      };
      await signInAtOidc(browser, at('company'), login);
      company.fault = undefined;
      return stopped;
    }

    const signInAtGitHub = async (browser, url, login) => browser.submit(await browser.open(url), { login });

    const at = key => `${issuer}/federation/${key}`;
    /** The reasons that the audit log has for what went wrong since it was last asked, as the operator exports them. */
    let seen = 0;
    async function failuresSince() {
      const page = await operator.open(`${doorward.public_url}/console/t/acme/audit?format=jsonl&action=federation.failed`);
      const all = page.text.split('\n').filter(Boolean).map(line => JSON.parse(line).target);
      const fresh = all.slice(0, all.length - seen);
      seen = all.length;
      return fresh;
    }

    const isSignedIn = async browser => !(await browser.open(`${issuer}/account`)).url.pathname.endsWith('/login');

    /** Whether the address is free: who has an account cannot register. */
    async function assertNoAccount(email) {
      const response = await fetch(`${issuer}/v1/auth/register`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Basic ${btoa(`${doorward.app.client_id}:${doorward.app.client_secret}`)}`,
        },
        body: JSON.stringify({ email, password: 'marzipan-Kestrel-47' }),
      });
      assert.equal(response.status, 201, `${email} has an account: ${await response.text()}`);
    }

    /** A page that says what is wrong and what can be done, and nobody signed in. */
    async function assertRefused(browser, page, words, email, reason) {
      assert.ok([400, 403, 502].includes(page.status), `${page.status}: ${page.text}`);
      assert.match(page.text.replaceAll('&#39;', "'"), words);
      assert.match(page.text, /<a class="button/, 'a way on');
      assert.equal(await isSignedIn(browser), false, 'somebody is signed in');
      if (email) await assertNoAccount(email);
      const recorded = await failuresSince();
      assert.equal(recorded.length, 1, `one event for one failure: ${recorded}`);
      assert.match(recorded[0], reason ?? /^(company|google|broken|github): [a-z_]+$/);
    }

    describe('an app that uses openid-client', () => {
      it('gets its user by Google', async () => {
        const { login, email } = somebody();
        const { url, redeem } = await authorizationRequest(web, redirectUri, { idp: 'google' });
        const tokens = await redeem((await signInAtOidc(newBrowser(), url, login)).left);
        const claims = tokens.claims();
        assert.deepEqual(claims.amr, ['fed']);
        assert.equal(claims.idp, 'google');
        assert.deepEqual([claims.email, claims.email_verified, claims.name], [email, true, 'Grace Hopper']);
        assert.equal(claims.picture, 'https://img.example/g.png');
      });

      it('gets its user by GitHub, whose public address is null and whose addresses come by pages', async () => {
        githubPeople.grace = {
          id: 583231, name: null, avatar_url: 'https://img.example/o.png', email: null,
          emails: [address('a@gh.example', false, true), address('b@gh.example', false, false), address('grace@gh.example', true, true)],
        };
        const { url, redeem } = await authorizationRequest(web, redirectUri, { idp: 'github' });
        const claims = (await redeem((await signInAtGitHub(newBrowser(), url, 'grace')).left)).claims();
        assert.deepEqual([claims.idp, claims.email, claims.email_verified, claims.name], ['github', 'grace@gh.example', true, 'grace']);
        const asked = github.asked.find(({ path }) => path === '/user');
        assert.match(asked.headers['user-agent'], /Doorward/);
      });

      it('gets its user by any OpenID provider, from the button of the login page', async () => {
        const { login, email } = somebody();
        const browser = newBrowser();
        const { url, redeem } = await authorizationRequest(web, redirectUri);
        const page = await browser.open(url);
        const href = /href="([^"]*\/federation\/company[^"]*)"/.exec(page.text)[1].replaceAll('&amp;', '&');
        const { left } = await signInAtOidc(browser, new URL(href, page.url), login);
        assert.equal((await redeem(left)).claims().email, email);
      });

      it('gets its user by a provider that writes times and truths as texts, as some do', async () => {
        const { login, email } = somebody();
        company.fault = company.claims(claims =>
          Object.assign(claims, { email, email_verified: 'true', updated_at: '2026-01-01T00:00:00.000Z' }),
        );
        const { url, redeem } = await authorizationRequest(web, redirectUri, { idp: 'company' });
        const claims = (await redeem((await signInAtOidc(newBrowser(), url, login)).left)).claims();
        assert.deepEqual([claims.email, claims.email_verified], [email, true]);
      });

      it('calls the provider in its user\'s name, with the token that the tenant keeps', async () => {
        const keep = ['--key', 'company', '--kind', 'oidc', '--issuer', company.issuer, '--tokens', 'keep'];
        const set = await doorward.setProvider('acme', CLIENT.client_secret, ...keep, '--client-id', CLIENT.client_id, '--client-secret-stdin');
        assert.equal(set.code, 0, set.stderr);
        const reader = await doorward.createApp('acme', 'web', '--upstream-tokens', '--redirect-uri', redirectUri);
        await doorward.honoursChanges();
        const config = await discover(issuer, reader.client_id, client.ClientSecretBasic(reader.client_secret));
        const { login, email } = somebody();
        const scope = 'openid upstream_tokens';
        const { url, redeem } = await authorizationRequest(config, redirectUri, { idp: 'company', scope });
        const { access_token } = await redeem((await signInAtOidc(newBrowser(), url, login)).left);
        const asked = await fetch(`${at('company')}/token`, { headers: { authorization: `Bearer ${access_token}` } });
        assert.equal(asked.status, 200, await asked.clone().text());
        const token = await asked.json();
        assert.equal(token.token_type, 'Bearer');
        const me = await fetch(`${company.issuer}/me`, { headers: { authorization: `Bearer ${token.access_token}` } });
        assert.deepEqual([me.status, (await me.json()).email], [200, email]);
      });
    });

    describe('an ID token that lies', () => {
      const now = () => Math.floor(Date.now() / 1000);
      for (const [lie, fault] of Object.entries({
        'names another issuer': () => company.claims(claims => (claims.iss = google.issuer)),
        'is for another client': () => company.claims(claims => (claims.aud = 'somebody-else')),
        'is for another client as well': () => company.claims(claims => (claims.aud = [claims.aud, 'somebody-else'])),
        'has another nonce': () => company.claims(claims => (claims.nonce = 'another')),
        'has no nonce': () => company.claims(claims => delete claims.nonce),
        'has expired': () => company.claims(claims => Object.assign(claims, { iat: now() - 900, exp: now() - 300 })),
        'is unsigned': () => company.token((_, payload) => unsigned(payload)),
        'is signed with the secret': () => company.token((_, payload) => hs256(payload, CLIENT.client_secret)),
        'is signed by a stranger': async () => {
          const { privateKey, kid } = await company.strangersKey();
          return company.token((_, payload) => new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey));
        },
        'has another payload than was signed': () =>
          company.token((_, payload, token) => {
            const [head, , signature] = token.split('.');
            return [head, Buffer.from(JSON.stringify({ ...payload, sub: 'admin' })).toString('base64url'), signature].join('.');
          }),
      })) {
        it(`and ${lie} signs nobody in`, async () => {
          const { login, email } = somebody();
          const browser = newBrowser();
          company.fault = await fault();
          const page = await signInAtOidc(browser, at('company'), login);
          await assertRefused(browser, page, /could not trust the answer/, email, /^company: (wrong_[a-z]+|nonsense)$/);
        });
      }

      it('and says that the user signed in long before they were asked to begins no session', async () => {
        // They were signed in here already: whoever comes again shows that it is they.
        const { login } = somebody();
        const browser = newBrowser();
        await signInAtOidc(browser, at('company'), login);
        company.fault = company.claims(claims => (claims.auth_time = now() - 3600));
        const { url } = await authorizationRequest(web, redirectUri, { idp: 'company', prompt: 'login' });
        const page = await signInAtOidc(browser, url, login);
        assert.match(page.text, /could not trust the answer/);
        assert.deepEqual(await failuresSince(), ['company: wrong_auth_time']);
        company.fault = company.claims(claims => (claims.auth_time = now() - 60));
        assert.ok((await signInAtOidc(browser, url, login)).left, 'a clock that is a minute behind');
      });

      it('may lack and nothing happens', async () => {
        const { login, email } = somebody();
        const browser = newBrowser();
        company.fault = (path, reply) => {
          if (path === '/token') reply.body = JSON.stringify({ ...JSON.parse(reply.body), id_token: undefined });
        };
        await assertRefused(browser, await signInAtOidc(browser, at('company'), login), /could not trust/, email);
      });
    });

    describe('a provider', () => {
      const refusals = {
        'whose userinfo is of somebody else': [/could not trust/, (path, reply) => {
          if (path === '/me') reply.body = JSON.stringify({ ...JSON.parse(reply.body), sub: 'admin' });
        }],
        'that names another issuer in its answer (RFC 9207)': [/could not trust/, (_, { headers }) => {
          if (headers.location) headers.location = headers.location.replace(/iss=[^&]*/, `iss=${encodeURIComponent('https://evil.example')}`);
        }],
        'that names no issuer although it says that it does': [/could not trust/, (_, { headers }) => {
          if (headers.location) headers.location = headers.location.replace(/&iss=[^&]*/, '');
        }],
        'that talks nonsense': [/could not trust/, (path, reply) => {
          if (path === '/token') Object.assign(reply, { body: '<html>', headers: { 'content-type': 'text/html' } });
        }],
        'that talks without end': [/could not trust/, (path, reply) => {
          if (path === '/token') reply.body = JSON.stringify({ id_token: 'x'.repeat(2_000_000) });
        }],
        'that takes no code': [/did not confirm/, (path, reply) => {
          if (path === '/token') Object.assign(reply, { status: 400, body: '{"error":"invalid_grant"}' });
        }],
        'that is down': [/does not answer/, (path, reply) => {
          if (path === '/token') Object.assign(reply, { status: 503, body: '' });
        }],
        'that never answers': [/does not answer/, (path, reply) => {
          if (path === '/token') reply.hangs = true;
        }],
        'that redirects us to where nobody should go': [/could not trust|did not confirm/, (path, reply) => {
          if (path === '/token') Object.assign(reply, { status: 302, headers: { location: `http://127.0.0.1:${trap.address().port}/` }, body: '' });
        }],
      };
      for (const [what, [words, fault]] of Object.entries(refusals)) {
        it(`${what} signs nobody in`, async () => {
          const { login, email } = somebody();
          const browser = newBrowser();
          company.fault = fault;
          await assertRefused(browser, await signInAtOidc(browser, at('company'), login), words, email);
          assert.equal(hits, 0, 'something was called that must not be');
        });
      }

      it('whose user cancels leads back to the login page, and the request goes on', async () => {
        const browser = newBrowser();
        const { url, redeem } = await authorizationRequest(web, redirectUri, { idp: 'company' });
        const page = await browser.open(url);
        const abort = /href="([^"]*\/abort)"/.exec(page.text)[1];
        const refused = await browser.open(new URL(abort, page.url));
        assert.match(refused.text, /You cancelled/);
        const login = /href="([^"]*\/login[^"]*)"/.exec(refused.text)[1];
        const { left } = await browser.signIn(new URL(login, refused.url), doorward.user);
        assert.equal((await redeem(left)).claims().email, doorward.user.email);
      });

      it('that changes its keys is believed, after one look at the new ones', async () => {
        await signInAtOidc(newBrowser(), at('google'), somebody().login);
        await google.rotate();
        const before = google.asked.filter(path => path === '/jwks').length;
        for (let i = 0; i < 2; i += 1) {
          const browser = newBrowser();
          await signInAtOidc(browser, at('google'), somebody().login);
          assert.ok(await isSignedIn(browser));
        }
        assert.equal(google.asked.filter(path => path === '/jwks').length, before + 1);
      });

      it('that puts another key under the old name is believed, too', async () => {
        await signInAtOidc(newBrowser(), at('google'), somebody().login);
        await google.rotate('first');
        const browser = newBrowser();
        await signInAtOidc(browser, at('google'), somebody().login);
        assert.ok(await isSignedIn(browser));
      });
    });

    describe('an address', () => {
      const allow = async (key, ...flags) => {
        const upstream = { google, company }[key];
        const kind = key === 'google' ? ['--kind', 'google'] : ['--kind', 'oidc', '--issuer', upstream.issuer];
        const args = ['--key', key, ...kind, '--client-id', CLIENT.client_id, '--client-secret-stdin', ...flags];
        assert.equal((await doorward.setProvider('acme', CLIENT.client_secret, ...args)).code, 0);
        await doorward.honoursChanges();
      };
      const domains = ['--allowed-domain', 'works.example', '--allowed-domain', 'gmail.com'];
      const arrives = async (key, claims) => {
        const { login, email } = somebody(claims);
        const browser = newBrowser();
        return { browser, email, page: await signInAtOidc(browser, at(key), login) };
      };

      it('that is missing makes no account', async () => {
        const { browser, page } = await arrives('company', { email: undefined, email_verified: undefined });
        await assertRefused(browser, page, /address/, undefined, /^company: no_email$/);
      });

      it('of an allowed domain that nobody verified, and none at all, do not get in', async () => {
        await allow('company', ...domains);
        for (const claims of [{ email: 'chris@works.example', email_verified: false }, { email: undefined }]) {
          const { browser, page } = await arrives('company', claims);
          await assertRefused(browser, page, /address/, undefined, /^company: domain_not_allowed$/);
        }
        await allow('company');
      });

      it('of an allowed domain that Google verified once gets in only while the organisation has the account', async () => {
        await allow('google', ...domains);
        const left = await arrives('google', { email: 'left@works.example' });
        await assertRefused(left.browser, left.page, /address/, left.email, /^google: domain_not_allowed$/);
        google.fault = google.claims(claims => (claims.hd = 'works.example'));
        assert.ok(await isSignedIn((await arrives('google', { email: 'still@works.example' })).browser));
        google.fault = undefined;
        assert.ok(await isSignedIn((await arrives('google', { email: 'own@gmail.com' })).browser));
        await allow('google');
      });
    });

    it('of many answers with one state, one signs in', async () => {
      const { login } = somebody();
      const browser = newBrowser();
      const callback = await stopAtCallback(browser, login);
      const cookie = browser.cookies(callback);
      const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(callback, { redirect: 'manual', headers: { cookie } })));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [303, ...Array(7).fill(400)]);
      assert.deepEqual(await failuresSince(), Array(7).fill('company: expired_state'));
    });

    describe('a discovery document', () => {
      const discovery = change => (path, reply) => {
        if (path.startsWith('/.well-known')) change(reply, JSON.parse(reply.body));
      };
      const saying = changed => discovery((reply, body) => (reply.body = JSON.stringify({ ...body, ...changed })));
      const inward = path => `http://127.0.0.1:${trap.address().port}${path}`;
      for (const [what, fault] of Object.entries({
        'of another issuer': () => saying({ issuer: 'https://accounts.google.com' }),
        'that redirects inwards': () => discovery(reply => Object.assign(reply, { status: 302, headers: { location: inward('/') }, body: '' })),
        'with its keys inside our network': () => saying({ jwks_uri: inward('/jwks') }),
        'with its keys at the metadata service': () => saying({ jwks_uri: 'https://169.254.169.254/latest/meta-data/' }),
        'with its keys behind a name for this machine': () => saying({ jwks_uri: `https://localhost:${trap.address().port}/` }),
        'with a page that is a script': () => saying({ authorization_endpoint: 'javascript:alert(1)' }),
        'that is none': () => discovery(reply => (reply.body = '[]')),
      })) {
        it(`${what} leads nowhere`, async () => {
          broken.fault = fault();
          const browser = newBrowser();
          const page = await browser.open(at('broken'));
          await assertRefused(browser, page, /could not trust|cannot be used|does not answer/);
          assert.equal(hits, 0, 'something was called that must not be');
        });
      }

      it('with a token endpoint inside our network gets no code', async () => {
        const inner = { token_endpoint: inward('/token'), userinfo_endpoint: inward('/me') };
        broken.fault = saying(inner);
        const { login, email } = somebody();
        const browser = newBrowser();
        await assertRefused(browser, await signInAtOidc(browser, at('broken'), login), /cannot be used/, email);
        assert.equal(hits, 0, 'something was called that must not be');
      });
    });

    describe('GitHub', () => {
      const nobody = { id: 0, name: 'X', avatar_url: 'https://img.example/x.png', email: 'public@gh.example' };
      let id = 0;
      const somebodyAtGitHub = (...emails) => {
        id += 1;
        githubPeople[`hubber${id}`] = { ...nobody, id, emails };
        return `hubber${id}`;
      };

      it('with no verified primary address tells what to do, and the public one does not count', async () => {
        for (const emails of [[], [address('public@gh.example', true, false)], [address('public@gh.example', false, true)]]) {
          const browser = newBrowser();
          const page = await signInAtGitHub(browser, at('github'), somebodyAtGitHub(...emails));
          await assertRefused(browser, page, /Settings, then Emails/);
        }
        await assertNoAccount('public@gh.example');
      });

      it('knows its users by a number, whatever they call themselves', async () => {
        const login = somebodyAtGitHub(address('number@gh.example', true, true));
        await signInAtGitHub(newBrowser(), at('github'), login);
        githubPeople.renamed = { ...githubPeople[login], emails: [address('moved@gh.example', true, true)] };
        const browser = newBrowser();
        await signInAtGitHub(browser, at('github'), 'renamed');
        assert.match((await browser.open(`${issuer}/account`)).text, /number@gh\.example/);
      });

      for (const [what, words, path, answer] of [
        ['a code that it does not know, with the status 200', /did not confirm/, '/login/oauth/access_token', [200, { 'content-type': 'application/json' }, '{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}']],
        ['a token that is none', /could not trust/, '/login/oauth/access_token', [200, { 'content-type': 'application/json' }, '{}']],
        ['its rate limit', /does not answer/, '/user', [403, { 'x-ratelimit-remaining': '0' }, '{"message":"API rate limit exceeded"}']],
        ['too many requests', /does not answer/, '/user', [429, { 'retry-after': '60' }, '{}']],
        ['an outage of the API', /does not answer/, '/user/emails', [502, {}, 'Unicorn!']],
        ['an outage of the token endpoint', /does not answer/, '/login/oauth/access_token', [500, {}, '']],
        ['no user', /could not trust/, '/user', [200, { 'content-type': 'application/json' }, '{"login":"x"}']],
        ['a user for a token it does not take', /did not confirm/, '/user', [401, {}, '{"message":"Bad credentials"}']],
      ]) {
        it(`answers ${what}, and nobody is signed in`, async () => {
          const login = somebodyAtGitHub(address(`fault${id}@gh.example`, true, true));
          const browser = newBrowser();
          const page = await browser.open(at('github'));
          github.fault = asked => (asked === path ? answer : undefined);
          await assertRefused(browser, await browser.submit(page, { login }), words, githubPeople[login].emails[0].email);
        });
      }

      it('whose user cancels leads on', async () => {
        const browser = newBrowser();
        const page = await browser.open(at('github'));
        const back = await browser.submit(page, { choice: 'cancel' });
        await assertRefused(browser, back, /You cancelled/);
      });
    });

    describe('another tenant', () => {
      it('takes no state, no code and no provider of the first', async () => {
        const other = await doorward.createTenant(`other-${count}`);
        const flags = ['--kind', 'oidc', '--key', 'company', '--issuer', company.issuer, '--client-id', CLIENT.client_id, '--client-secret-stdin'];
        assert.equal((await doorward.setProvider(other.slug, CLIENT.client_secret, ...flags)).code, 0);
        await doorward.honoursChanges();
        const { login, email } = somebody();
        const browser = newBrowser();
        let taken;
        company.fault = (_, { headers }) => {
          // The code and state of the first tenant, brought to the second.
          const { location } = headers;
          if (!location?.startsWith(`${at('company')}/callback`)) return;
          taken = location;
          headers.location = location.replace('/t/acme/', `/t/${other.slug}/`);
        };
        const page = await signInAtOidc(browser, at('company'), login);
        assert.match(page.text, /has expired/);
        assert.ok(taken);
        const account = await browser.open(`${other.issuer}/account`);
        assert.match(account.url.pathname, /\/login$/);
        assert.equal((await browser.open(`${other.issuer}/federation/google`)).status, 404);
        await assertNoAccount(email);
      });

      it('whose own issuer says that it is an operator, or a user of the first, opens nothing of theirs', async () => {
        const other = await doorward.createTenant(`liar-${count}`);
        const flags = ['--kind', 'oidc', '--key', 'company', '--issuer', company.issuer, '--client-id', CLIENT.client_id, '--client-secret-stdin'];
        assert.equal((await doorward.setProvider(other.slug, CLIENT.client_secret, ...flags)).code, 0);
        company.register(`${other.issuer}/federation/company/callback`);
        await doorward.honoursChanges();
        for (const email of ['operator@house.example', doorward.user.email]) {
          const { login } = somebody({ email });
          const browser = newBrowser();
          await signInAtOidc(browser, `${other.issuer}/federation/company`, login);
          assert.match((await browser.open(`${other.issuer}/account`)).text, /Grace Hopper/, 'a user of the liar, and of nobody else');
          assert.match((await browser.open(`${doorward.public_url}/console`)).url.pathname, /\/login$/);
          assert.equal(await isSignedIn(browser), false);
          assert.equal((await browser.open(`${doorward.public_url}/t/console/federation/company`)).status, 404);
        }
      });

      it('has users of its own, although the same person comes from the same provider', async () => {
        const other = await doorward.createTenant(`own-${count}`);
        const flags = ['--kind', 'oidc', '--key', 'company', '--issuer', company.issuer, '--client-id', CLIENT.client_id, '--client-secret-stdin'];
        assert.equal((await doorward.setProvider(other.slug, CLIENT.client_secret, ...flags)).code, 0);
        company.register(`${other.issuer}/federation/company/callback`);
        await doorward.honoursChanges();
        const { login } = somebody({ email: doorward.user.email });
        const browser = newBrowser();
        await signInAtOidc(browser, `${other.issuer}/federation/company`, login);
        assert.match((await browser.open(`${other.issuer}/account`)).text, /Grace Hopper/);
        assert.equal(await isSignedIn(browser), false);
      });
    });

    it('a provider inside our network is refused by the command', async () => {
      const flags = ['--kind', 'oidc', '--key', 'inner', '--client-id', 'x', '--client-secret-stdin', '--issuer'];
      for (const inner of ['https://127.0.0.1', 'https://[::1]/', 'https://10.1.2.3', 'https://169.254.169.254', 'http://example.com']) {
        const { code, stderr } = await doorward.setProvider('acme', 'secret', ...flags, inner);
        assert.equal(code, 1, inner);
        assert.match(stderr, /DOORWARD_UPSTREAM_ALLOW/);
      }
    });

    it('providers are listed without their secrets, and removed', async () => {
      const { stdout } = await doorward.command(['provider', 'list', '--tenant', 'acme', '--json']);
      assert.ok(!stdout.includes(CLIENT.client_secret));
      const keys = JSON.parse(stdout).map(({ key }) => key);
      assert.deepEqual(keys.sort(), ['broken', 'company', 'github', 'google']);
      assert.equal((await doorward.command(['provider', 'remove', '--tenant', 'acme', '--key', 'broken'])).code, 0);
      await doorward.honoursChanges();
      assert.equal((await newBrowser().open(at('broken'))).status, 404);
      assert.equal((await doorward.command(['provider', 'remove', '--tenant', 'acme', '--key', 'broken'])).code, 1);
    });
  });
}
