-- Whether the tokens that the provider gives are kept, for apps to call it with: `discard` or `keep`.
ALTER TABLE providers ADD COLUMN tokens TEXT COLLATE "C" NOT NULL DEFAULT 'discard';

-- Whether the application may read them.
ALTER TABLE applications ADD COLUMN upstream_tokens BOOLEAN NOT NULL DEFAULT FALSE;

-- The tokens of an identity, each sealed for it. Whoever renews them holds the lease, so that a refresh token
-- is used once.
CREATE TABLE upstream_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    sealed_access_token TEXT COLLATE "C" NOT NULL,
    sealed_refresh_token TEXT COLLATE "C",
    lease_ends_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, provider_id, subject),
    FOREIGN KEY (tenant_id, provider_id, subject) REFERENCES identities (tenant_id, provider_id, subject) ON DELETE CASCADE
);

-- They wait with the identity until its user has proved the account.
ALTER TABLE link_offers ADD COLUMN sealed_access_token TEXT COLLATE "C";
ALTER TABLE link_offers ADD COLUMN sealed_refresh_token TEXT COLLATE "C";
