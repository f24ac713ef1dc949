// Headless Chromium, and what every page must hold on every screen. Screenshots are kept in target/screenshots.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

const SCREENSHOTS = fileURLToPath(new URL('../../target/screenshots/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const SCREENS = [
  { name: 'desktop-light', viewport: { width: 1280, height: 800 }, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark' },
  { name: 'phone-light', viewport: { width: 390, height: 844 }, colorScheme: 'light' },
  { name: 'phone-dark', viewport: { width: 320, height: 640 }, colorScheme: 'dark' },
];

export const startChrome = () =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

/** A page in a browser of its own. */
export async function onScreen(chrome, options, visit) {
  const context = await chrome.newContext(options);
  try {
    await visit(await context.newPage());
  } finally {
    await context.close();
  }
}

export const keep = (page, name) => page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });

/** axe-core, put in past the page's own policy, which would rightly refuse it. */
export async function assertAccessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ target }) => target) })), []);
}

export async function assertNoSidewaysScroll(page) {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(content <= screen, `the page is ${content} px wide on a screen of ${screen} px`);
}

/** No button is so narrow that it cuts a word up. Names that somebody gave may be too long for any button. */
export async function assertButtonsKeepTheirWords(page) {
  const cut = await page.evaluate(() => {
    const found = [];
    for (const button of document.querySelectorAll('button, .button')) {
      const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        for (const { 0: word, index } of texts.currentNode.data.matchAll(/(?<![^\s-])[^\s-]{1,20}(?![^\s-])/g)) {
          const range = document.createRange();
          range.setStart(texts.currentNode, index);
          range.setEnd(texts.currentNode, index + word.length);
          const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
          if (lines.size > 1) found.push(button.textContent.trim());
        }
      }
    }
    return found;
  });
  assert.deepEqual(cut, []);
}
