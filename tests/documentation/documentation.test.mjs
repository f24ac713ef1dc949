// The documentation says what is: every link leads somewhere, every command, variable and error exists.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { required } from '../clients/node/doorward.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const SKIPPED = ['node_modules', 'target', '.next'];

function files(folder, extension) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.includes(entry.name) ? [] : files(path, extension);
    return entry.name.endsWith(extension) ? [path] : [];
  });
}

const read = path => readFileSync(path, 'utf8');
const pages = [join(root, 'README.md'), ...files(join(root, 'docs'), '.md')];
const name = path => relative(root, path);

/** As GitHub makes them of headings. */
const anchors = text =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[`*]/g, '').replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-'),
  );
const withoutCode = text => text.replace(/^ *```[^]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, '');
const blocks = (text, language) => [...text.matchAll(new RegExp(`^ *\`\`\`${language}\n([^]*?)^ *\`\`\`$`, 'gm'))].map(([, code]) => code);

it('has links that lead somewhere', () => {
  let links = 0;
  const broken = pages.flatMap(page =>
    [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
      if (/^(https?|mailto):/.test(target)) return [];
      links += 1;
      const [path, anchor] = decodeURIComponent(target).split('#');
      const file = path ? join(dirname(page), path) : page;
      if (!existsSync(file)) return [`${name(page)}: ${target}`];
      if (!anchor || statSync(file).isDirectory()) return [];
      return anchors(read(file)).includes(anchor) ? [] : [`${name(page)}: ${target}`];
    }),
  );
  assert.deepEqual(broken, []);
  assert.ok(links > 50, 'links were looked at');
});

it('can be reached from its first page', () => {
  const reached = new Set();
  const visit = page => {
    if (reached.has(page)) return;
    reached.add(page);
    for (const [, target] of withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      const file = /^(https?|mailto):/.test(target) ? '' : join(dirname(page), target.split('#')[0]);
      if (pages.includes(file)) visit(file);
    }
  };
  visit(join(root, 'README.md'));
  const decisions = join(root, 'docs/decisions');
  assert.deepEqual(pages.filter(page => !reached.has(page) && !page.startsWith(decisions)).map(name), []);
});

it('names commands and flags that exist', () => {
  const binary = required('DOORWARD_BIN', 'the path of the doorward binary to test');
  const help = new Map();
  const helpOf = words => {
    const key = words.join(' ');
    if (!help.has(key)) help.set(key, execFileSync(binary, [...words, '--help'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
    return help.get(key);
  };
  let commands = 0;
  for (const page of pages) {
    const code = [...blocks(read(page), 'sh'), ...blocks(read(page), '')].join('\n').replace(/\\\n/g, ' ');
    for (const [, line] of code.matchAll(/(?:^|[|;/$] ?)doorward ((?!dev=)[a-z][^|;#\n]*)/gm)) {
      commands += 1;
      const words = line.trim().split(/\s+/);
      const first = helpOf([words[0]]);
      const isGroup = /^Commands:$/m.test(first);
      const text = isGroup ? helpOf(words.slice(0, 2)) : first;
      for (const flag of words.filter(word => word.startsWith('--')).map(word => word.split('=')[0])) {
        assert.ok(text.includes(flag), `${name(page)}: doorward ${line}: ${flag}`);
      }
    }
  }
  assert.ok(commands > 10, `${commands} commands were looked at`);
});

it('tells of every variable that is read, and of no other', () => {
  const sources = files(join(root, 'src'), '.rs').map(read).join('\n');
  const readOnes = new Set([...sources.matchAll(/"(DOORWARD_[A-Z_]+|DATABASE_URL)"/g)].map(([, variable]) => variable));
  const told = new Set([...read(join(root, 'docs/reference/configuration.md')).matchAll(/`(DOORWARD_[A-Z_]+|DATABASE_URL)`/g)].map(([, variable]) => variable));
  assert.deepEqual([...told].sort(), [...readOnes].sort());
});

it('explains every error of OAuth that is answered', () => {
  const source = read(join(root, 'src/flows/oauth/error.rs'));
  const codes = [...source.matchAll(/=> "([a-z_]+)"/g)].map(([, code]) => code);
  assert.ok(codes.length > 8);
  const told = read(join(root, 'docs/reference/errors.md'));
  assert.deepEqual(codes.filter(code => !told.includes(`\`${code}\``)), []);
});

it('lists the endpoints that discovery does', () => {
  const told = read(join(root, 'docs/reference/endpoints.md'));
  const source = read(join(root, 'src/web/routes.rs'));
  const paths = [...source.matchAll(/"(\/(?:oauth2|v1\/auth|\.well-known)\/[a-z.-]+)"/g)].map(([, path]) => path);
  assert.ok(paths.length > 8);
  assert.deepEqual([...new Set(paths)].filter(path => !told.includes(path)), []);
});
