// What the app must be told. `doorward dev` prints values for its demo tenant.

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name}; README.md says to what.`);
  return value;
}

export const settings = {
  get issuer() {
    return required('AUTH_DOORWARD_ISSUER');
  },
  /** The app's id and secret, as the JSON API takes them (RFC 7617). */
  get authorization() {
    const pair = `${required('AUTH_DOORWARD_ID')}:${required('AUTH_DOORWARD_SECRET')}`;
    return `Basic ${Buffer.from(pair).toString('base64')}`;
  },
  get secret() {
    return required('NEXTAUTH_SECRET');
  },
  /** Where the app itself is, such as `https://app.example.com`. */
  get url() {
    return required('NEXTAUTH_URL');
  },
  /** How long before its end an access token is replaced, in seconds. */
  get refreshEarly() {
    return Number(process.env.REFRESH_EARLY_SECONDS ?? 60);
  },
};
