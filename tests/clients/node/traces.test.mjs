// Traces by OTLP: a collector gets a span for each request, and no secret with it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';

import { startDoorward } from './doorward.mjs';
import { getJson, postJson } from './json-request.mjs';

describe('traces', () => {
  const received = [];
  let doorward, stopped;
  const collector = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ url: request.url, type: request.headers['content-type'], body: Buffer.concat(chunks) });
    response.setHeader('content-type', 'application/x-protobuf').end();
  });

  before(async () => {
    await once(collector.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `http://127.0.0.1:${collector.address().port}`;
    doorward = await startDoorward('sqlite', { DOORWARD_OTLP_ENDPOINT: endpoint, DOORWARD_LOG: 'error' });
  });
  after(async () => {
    if (!stopped) await doorward.stop();
    collector.closeAllConnections();
    collector.close();
  });

  it('tell route, tenant and status of each request, and nothing that is secret', async () => {
    const { issuer } = doorward.tenant;
    const { email, password } = doorward.user;
    const good = await postJson(`${issuer}/v1/auth/login`, { email, password });
    assert.equal(good.status, 200);
    assert.equal((await postJson(`${issuer}/v1/auth/login`, { email, password: 'a wrong one' })).status, 401);
    await getJson(`${issuer}/v1/auth/me?secret=in-the-query`, { authorization: `Bearer ${good.body.token}` });
    await doorward.stop(); // what is left is sent before it ends
    stopped = true;

    assert.ok(received.length > 0, 'something has come');
    for (const { url, type } of received) {
      assert.equal(url, '/v1/traces');
      assert.equal(type, 'application/x-protobuf');
    }
    const text = Buffer.concat(received.map(({ body }) => body)).toString('latin1');
    for (const wanted of ['doorward', '/t/{slug}/v1/auth/login', '/t/{slug}/v1/auth/me', 'acme', 'http.response.status_code']) {
      assert.ok(text.includes(wanted), wanted);
    }
    for (const secret of [password, 'a wrong one', email, good.body.token, good.body.refresh_token, 'in-the-query']) {
      assert.ok(!text.includes(secret), `a trace tells ${secret}`);
    }
  });
});
