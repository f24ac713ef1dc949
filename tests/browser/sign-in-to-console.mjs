/** Signs the console account of a `dev` server in, as its admin does. */
export async function signInToConsole(page, { console: { url, email, password }, public_url }) {
  await page.goto(url);
  await page.fill('[name=email]', email);
  await page.fill('[name=password]', password);
  await page.click('main button[type=submit]:not([data-reveal])');
  await page.waitForURL(`${public_url}/console`);
}
