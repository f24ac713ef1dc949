// A browser without a screen: it keeps cookies, follows redirects and submits forms.
//
// It loads pages of Doorward and of the apps it is given, and stops where a redirect or a
// form leads anywhere else: the request it would have made there is `page.left`.

const MAX_REDIRECTS = 20;

export class Browser {
  #home;
  #apps;
  #cookies = new Map();

  /** `apps` maps an origin to the function that answers a Request there. */
  constructor(doorwardUrl, apps = {}) {
    this.#home = new URL(doorwardUrl).origin;
    this.#apps = apps;
  }

  open(url) {
    return this.#navigate(new URL(url), {});
  }

  /** Posts a form as a script of the page at `url`'s origin would. */
  post(url, fields) {
    const { origin } = new URL(url);
    return this.#navigate(new URL(url), formPost(fields, { origin, 'sec-fetch-site': 'same-origin' }));
  }

  /** Fills `values` into the first form of the page that asks for them, and submits it. */
  submit(page, values = {}) {
    const form = forms(page.text).find(({ fields }) => Object.keys(values).every(name => name in fields));
    if (!form) throw new Error(`no form asks for [${Object.keys(values)}] on ${describe(page)}`);
    const target = new URL(form.action ?? page.url, page.url);
    return this.#navigate(target, formPost({ ...form.fields, ...values }, provenance(page, target)));
  }

  /** Opens `url`, which shows the hosted login, and signs in there. */
  async signIn(url, { email, password }) {
    return this.submit(await this.open(url), { email, password });
  }

  /** Opens a logout URL, and says yes if the page asks. */
  async signOut(url) {
    const page = await this.open(url);
    return page.left || forms(page.text).length === 0 ? page : this.submit(page);
  }

  /** What it would send to `url`, as a header. */
  cookies(url) {
    return this.#cookiesFor(new URL(url));
  }

  async #navigate(url, init) {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const request = new Request(url, { ...init, redirect: 'manual' });
      const answer = url.origin === this.#home ? fetch : this.#apps[url.origin];
      if (!answer) return new Page(url, { left: request });

      const cookies = this.#cookiesFor(url);
      if (cookies) request.headers.set('cookie', cookies);
      const response = await answer(request);
      this.#keepCookies(url, response.headers.getSetCookie());
      const location = response.headers.get('location');
      if (!location) return new Page(url, { response, text: await response.text() });

      url = new URL(location, url);
      if (![307, 308].includes(response.status)) init = {};
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects, the last to ${url}`);
  }

  /** RFC 6265 §5.4: the longest path first. */
  #cookiesFor({ origin, pathname }) {
    return [...(this.#cookies.get(origin)?.values() ?? [])]
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  #keepCookies({ origin, pathname }, headers) {
    const jar = this.#cookies.get(origin) ?? new Map();
    this.#cookies.set(origin, jar);
    for (const header of headers) {
      const cookie = parseSetCookie(header);
      cookie.path ??= pathname.slice(0, pathname.lastIndexOf('/')) || '/';
      const key = `${cookie.name};${cookie.path}`;
      if (cookie.expired) jar.delete(key);
      else jar.set(key, cookie);
    }
  }
}

/** Where the browser ended up: at a page, or on its way (`left`) out of what it may load. */
class Page {
  constructor(url, { response, text, left }) {
    Object.assign(this, { url, response, text, left });
  }

  get status() {
    return this.response?.status;
  }

  json() {
    return JSON.parse(this.text);
  }
}

export function parseSetCookie(header) {
  const [pair, ...rest] = header.split(';').map(part => part.trim());
  const equals = pair.indexOf('=');
  const attributes = Object.fromEntries(
    rest.map(part => [part.split('=')[0].toLowerCase(), part.slice(part.indexOf('=') + 1)]),
  );
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    path: attributes.path,
    attributes,
    expired: Number(attributes['max-age'] ?? 1) <= 0 || new Date(attributes.expires ?? Infinity) < new Date(),
  };
}

function formPost(fields, headers) {
  return { method: 'POST', headers, body: new URLSearchParams(fields) };
}

/** What a browser says about where a form comes from. Fetch §3.2.1: a page with the policy
 *  `no-referrer` posts `Origin: null`, even to itself. */
function provenance(page, target) {
  const hidden = page.response.headers.get('referrer-policy') === 'no-referrer';
  return {
    origin: hidden ? 'null' : page.url.origin,
    'sec-fetch-site': page.url.origin === target.origin ? 'same-origin' : 'same-site',
  };
}

/** The forms of a page that are posted: where to, and the fields as they would be sent untouched. */
function forms(html) {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)]
    .map(([, head, body]) => ({ ...attributesOf(head), fields: fieldsOf(body) }))
    .filter(({ method }) => method?.toLowerCase() === 'post');
}

/** The inputs by name, and the button that Enter would press. */
function fieldsOf(html) {
  const controls = [...html.matchAll(/<(input|button)\b([^>]*)>/gi)].map(([, tag, head]) => ({
    type: tag.toLowerCase() === 'button' ? 'submit' : 'text',
    value: '',
    ...attributesOf(head),
  }));
  const pressed = controls.find(({ type }) => type === 'submit');
  return Object.fromEntries(
    controls
      .filter(({ type }) => !['submit', 'button', 'reset', 'image'].includes(type))
      .filter(control => !['checkbox', 'radio'].includes(control.type) || 'checked' in control)
      .concat(pressed ?? [])
      .filter(({ name }) => name)
      .map(({ name, value }) => [name, value]),
  );
}

function attributesOf(head) {
  const found = head.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  const attributes = {};
  for (const [, name, double, single, bare] of found) {
    attributes[name.toLowerCase()] = decodeEntities(double ?? single ?? bare ?? '');
  }
  return attributes;
}

const NAMED_ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos));/gi, (_, hex, decimal, name) =>
    name ? NAMED_ENTITIES[name.toLowerCase()] : String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal)),
  );
}

function describe(page) {
  return page.left ? page.left.url : `${page.url} (${page.status}):\n${page.text}`;
}
