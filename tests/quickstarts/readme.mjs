// Runs what the README of a quickstart tells its reader to run, word for word.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
/** The Rust projects share what they are built of. */
const BUILT = fileURLToPath(new URL('target/quickstarts', root));

/** The commands of a README, block by block. */
export async function commandsOf(quickstart) {
  const readme = await readFile(new URL(`docs/quickstarts/${quickstart}/README.md`, root), 'utf8');
  return [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands]) => commands);
}

/** Runs a block to its end; what it printed. */
export async function runBlock(quickstart, { block = 0, env = {} } = {}) {
  const { exited, output } = await launch(quickstart, block, env);
  const [code] = await exited;
  if (code !== 0) throw new Error(`the commands of ${quickstart} ended with ${code}:\n${output()}`);
  return output();
}

/** Runs a block whose last command is a server, until the server answers at `url`; only that command if it is built already. */
export async function startBlock(quickstart, url, { block = 0, env = {}, isBuilt = false } = {}) {
  const { child, exited, output } = await launch(quickstart, block, env, isBuilt);
  let ended = false;
  exited.then(() => (ended = true));
  while (!(await answers(url))) {
    if (ended) throw new Error(`${quickstart} stopped while starting:\n${output()}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  return {
    output,
    stop: async () => {
      if (!ended) process.kill(-child.pid, 'SIGTERM');
      await exited;
    },
  };
}

async function launch(quickstart, block, env, isBuilt = false) {
  let commands = (await commandsOf(quickstart))[block];
  if (isBuilt) commands = commands.trim().split('\n').filter((line, index, all) => line.startsWith('cd ') || index === all.length - 1).join('\n');
  // A group of its own, so that a server that npm started ends with it.
  const own = { ...process.env, CARGO_TARGET_DIR: BUILT, ...env };
  const child = spawn('bash', ['-ec', commands], { cwd: fileURLToPath(root), env: own, detached: true });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', part => (text += part));
  return { child, exited: once(child, 'exit'), output: () => text };
}

async function answers(url) {
  return (await fetch(url, { redirect: 'manual' }).catch(() => null)) !== null;
}

/** A port that nobody listens on. */
export async function freePort() {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
