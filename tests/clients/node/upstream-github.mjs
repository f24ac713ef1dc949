// A server that speaks what GitHub documents of OAuth apps and of its API:
// docs.github.com, "Authorizing OAuth apps", "Get the authenticated user", "List email addresses".

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

export const CLIENT = { id: 'Iv1.doorward', secret: 'the-secret-of-doorward' };
const PAGE = 2; // addresses on a page, whatever is asked for

/** `users` maps logins to `{ id, name, avatar_url, email, emails }`. */
export async function startGitHub(users) {
  const server = createServer((request, response) => route(request, response).catch(error => {
    console.error(error);
    response.writeHead(500).end();
  }));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${server.address().port}`;
  const codes = new Map();
  const tokens = new Map();
  const github = {
    url,
    target: new URL(url).host,
    /** Answers instead of the server: `(path, request) => [status, headers, body]`. */
    fault: undefined,
    asked: [],
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };

  async function route(request, response) {
    const { pathname, searchParams } = new URL(request.url, url);
    const fields = new URLSearchParams(await text(request));
    github.asked.push({ path: pathname, headers: request.headers, fields });
    const planted = github.fault?.(pathname);
    if (planted) return response.writeHead(planted[0], planted[1]).end(planted[2]);
    switch (`${request.method} ${pathname}`) {
      case 'GET /login/oauth/authorize':
        return html(response, signInPage(searchParams));
      case 'POST /login/oauth/authorize':
        return authorized(response, fields);
      case 'POST /login/oauth/access_token':
        return token(request, response, fields);
      case 'GET /user':
        return api(request, response, ({ emails: _, ...user }, login) => [{ login, ...user }, {}]);
      case 'GET /user/emails':
        return api(request, response, user => emailPage(user, Number(searchParams.get('page') ?? 1)));
      default:
        return response.writeHead(404).end();
    }
  }

  function authorized(response, fields) {
    const back = new URL(fields.get('redirect_uri'));
    if (fields.get('choice') === 'cancel') {
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set('error_description', 'The user has denied your application access.');
    } else {
      const code = randomBytes(10).toString('hex');
      codes.set(code, Object.fromEntries(fields));
      back.searchParams.set('code', code);
    }
    back.searchParams.set('state', fields.get('state'));
    response.writeHead(302, { location: back.href }).end();
  }

  /** Form-encoded unless JSON is asked for; errors come with the status 200. */
  function token(request, response, fields) {
    const asked = codes.get(fields.get('code'));
    codes.delete(fields.get('code'));
    const challenge = createHash('sha256').update(fields.get('code_verifier') ?? '').digest('base64url');
    let body;
    if (fields.get('client_id') !== CLIENT.id || fields.get('client_secret') !== CLIENT.secret) {
      body = { error: 'incorrect_client_credentials', error_description: 'The client_id and/or client_secret passed are incorrect.' };
    } else if (!asked || asked.code_challenge !== challenge || asked.redirect_uri !== fields.get('redirect_uri')) {
      body = { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' };
    } else {
      const access_token = `gho_${randomBytes(18).toString('hex')}`;
      tokens.set(access_token, asked);
      body = { access_token, scope: asked.scope.replaceAll(' ', ','), token_type: 'bearer' };
    }
    const json = request.headers.accept?.includes('application/json');
    const type = json ? 'application/json; charset=utf-8' : 'application/x-www-form-urlencoded; charset=utf-8';
    response.writeHead(200, { 'content-type': type }).end(json ? JSON.stringify(body) : String(new URLSearchParams(body)));
  }

  function api(request, response, read) {
    const granted = tokens.get(request.headers.authorization?.replace(/^Bearer /, ''));
    const json = { 'content-type': 'application/json; charset=utf-8', 'x-ratelimit-remaining': '4999' };
    if (!request.headers['user-agent']) return response.writeHead(403, json).end('{"message":"User agent required"}');
    if (!granted) return response.writeHead(401, json).end('{"message":"Bad credentials"}');
    const [body, headers] = read(users[granted.login], granted.login);
    response.writeHead(200, { ...json, ...headers }).end(JSON.stringify(body));
  }

  function emailPage({ emails }, page) {
    const end = page * PAGE;
    const link = `<${url}/user/emails?per_page=100&page=${page + 1}>; rel="next", <${url}/user/emails?page=9>; rel="last"`;
    return [emails.slice(end - PAGE, end), end < emails.length ? { link } : {}];
  }

  return github;
}

function signInPage(parameters) {
  const hidden = [...parameters].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
  return `<!doctype html><html lang="en"><title>Sign in to GitHub</title><h1>Sign in to GitHub</h1>
    <form method="post" action="/login/oauth/authorize">${hidden.join('')}
    <label>Username <input name="login" value=""></label>
    <button name="choice" value="authorize">Authorize</button><button name="choice" value="cancel">Cancel</button></form>`;
}

async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const html = (response, body) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(body);
