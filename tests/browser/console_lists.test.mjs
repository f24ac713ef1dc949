// The console's lists in headless Chromium with nothing in them, with one row, and with ten thousand of long names.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startDoorward } from '../clients/node/doorward.mjs';
import { assertAccessible, assertNoSidewaysScroll, keep, onScreen, SCREENS, startChrome } from './screens.mjs';
import { signInToConsole } from './sign-in-to-console.mjs';

const ROWS = 10_000;
/** More rows than a page of a list may have. */
const PAGE = 100;

let chrome, dev;

/** `tenant` gets so many of everything that the console lists. */
async function fill(tenant, rows) {
  const id = (kind, number = 'n') => `'${kind}' || lpad(${number}::text, 6, '0') || '${tenant.padEnd(16, '0')}'`;
  const long = text => `'${text} ' || n || ' of ' || repeat('quite ', 20) || 'a long name'`;
  const address = `'somebody.with.quite.a.long.address.' || n || '@' || repeat('sub.', 20) || '${tenant}.example'`;
  const of = `FROM generate_series(1, ${rows}) AS series(n)`;
  const here = `(SELECT id FROM tenants WHERE slug = '${tenant}')`;
  const console = `(SELECT id FROM tenants WHERE slug = 'console')`;
  // In milliseconds: near enough to now, and so far ahead that nothing is swept out.
  const [now, later] = [Date.now(), 4_000_000_000_000];
  const users = place => `
    INSERT INTO users (tenant_id, id, email, email_key, email_verified, name, name_key, status, created_at)
    SELECT ${place}, ${id('usr')}, ${address}, ${address}, n % 2 = 0, ${long('User')}, lower(${long('User')}), 'active', ${now} ${of}`;
  await dev.execute(`
    ${users(here)};
    ${users(console)};
    INSERT INTO members (tenant_id, user_id, role, created_at)
    SELECT ${here}, ${id('usr')}, 'viewer', ${now} ${of};
    INSERT INTO roles (tenant_id, id, key, description, rank)
    SELECT ${here}, ${id('rol')}, 'A_ROLE_OF_QUITE_A_LONG_KEY_' || n, ${long('Role')}, n % 100 ${of};
    INSERT INTO user_roles (tenant_id, user_id, role_id)
    SELECT ${here}, ${id('usr')}, ${id('rol', 1)} ${of};
    INSERT INTO applications (tenant_id, id, name, name_key, kind, status, direct_login, is_default,
      access_token_algorithm, id_token_algorithm, access_token_seconds, refresh_idle_seconds,
      refresh_absolute_seconds, created_at)
    SELECT ${here}, ${id('app')}, ${long('App')}, lower(${long('App')}), 'web', 'active', FALSE, FALSE, 'ES256', 'RS256',
      900, 604800, 2592000, ${now} ${of};
    INSERT INTO sessions (tenant_id, id, user_id, kind, authenticated_at, methods, user_agent, address, created_at,
      last_seen_at)
    SELECT ${here}, ${id('ses')}, ${id('usr', 1)}, 'browser', ${now}, 'pwd', repeat('A/1.0 (long) ', 20), '192.0.2.1',
      ${now}, ${later} ${of};
    INSERT INTO refresh_families (tenant_id, id, application_id, user_id, session_id, scope, authenticated_at,
      generation, rotated_at, client_authenticated, idle_expires_at, expires_at)
    SELECT ${here}, ${id('fam')}, ${id('app')}, ${id('usr', 1)}, ${id('ses')}, 'openid', ${now}, 1, ${now}, TRUE,
      ${later}, ${later} ${of};
    INSERT INTO audit_events (tenant_id, id, at, action, actor, target, address)
    SELECT ${here}, ${id('evt')}, ${now} - n, 'user.signed_in', ${id('usr')}, ${id('ses')}, '192.0.2.1' ${of};
    INSERT INTO mail_orders (tenant_id, id, letter, email, status, tries, due_at, created_at, last_error)
    SELECT ${here}, ${id('mal')}, 'verify_email', ${address}, 'dead', 10, ${later}, ${now}, repeat('refused ', 50) ${of};
    ANALYZE`);
  return { first: { user: `usr000001${tenant.padEnd(16, '0')}`, role: `rol000001${tenant.padEnd(16, '0')}` } };
}

const LISTS = ['apps', 'users', 'roles', 'members', 'audit', 'mail', 'keys', 'sign-in'];

before(async () => {
  dev = await startDoorward('postgres');
  chrome = await startChrome();
  for (const tenant of ['none', 'one', 'many']) await dev.createTenant(tenant);
});

after(async () => {
  await chrome?.close();
  await dev?.stop();
});

test('lists are fit to be shown with no row, with one and with ten thousand', async () => {
  const one = await fill('one', 1);
  const many = await fill('many', ROWS);
  const pages = [
    ...['none', 'one', 'many'].flatMap(tenant => LISTS.map(list => [`${tenant}-${list}`, `t/${tenant}/${list}`])),
    ...[['one', one], ['many', many]].flatMap(([tenant, { first }]) => [
      [`${tenant}-user`, `t/${tenant}/users/${first.user}`],
      [`${tenant}-holders`, `t/${tenant}/users?role=${first.role}`],
    ]),
    ['many-accounts', 'accounts'],
    ['many-found', 't/many/users?search=somebody'],
    ['many-not-found', 't/many/users?search=nobody'],
    ['many-deployment', 'deployment'],
  ];
  await dev.execute(`
    INSERT INTO tenants (id, slug, name, name_key, status, sign_up, created_at)
    SELECT 'ten' || lpad(n::text, 22, '0'), 'one-of-many-tenants-' || n, 'Tenant ' || n || repeat(' of many', 20),
      lower('Tenant ' || n || repeat(' of many', 20)), 'active', 'open', 1
    FROM generate_series(1, ${ROWS}) AS series(n)`);
  pages.push(['many-tenants', '']);
  for (const { name, ...options } of SCREENS.filter(({ name }) => ['desktop-dark', 'phone-light'].includes(name))) {
    await onScreen(chrome, options, async page => {
      await signInToConsole(page, dev);
      for (const [what, path] of pages) {
        const answer = await page.goto(`${dev.public_url}/console${path && `/${path}`}`);
        assert.equal(answer.status(), 200, path);
        await keep(page, `lists-${what}-${name}`);
        await assertAccessible(page);
        await assertNoSidewaysScroll(page);
        const rows = await page.locator('main ul.list > li, main tbody > tr').count();
        assert.ok(rows <= 2 * PAGE + 50, `${path} has ${rows} rows`);
      }
    });
  }
});
