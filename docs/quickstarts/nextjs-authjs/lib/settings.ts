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
  get clientId() {
    return required('AUTH_DOORWARD_ID');
  },
  get clientSecret() {
    return required('AUTH_DOORWARD_SECRET');
  },
  get secret() {
    return required('AUTH_SECRET');
  },
  /** Where the app itself is, such as `https://app.example.com`. */
  get url() {
    return required('AUTH_URL');
  },
  /** How long before its end an access token is replaced, in seconds. */
  get refreshEarly() {
    return Number(process.env.REFRESH_EARLY_SECONDS ?? 60);
  },
};
