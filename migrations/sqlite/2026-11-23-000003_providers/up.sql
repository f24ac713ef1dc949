-- Where a tenant's users may come from. The secret is sealed for its row.
CREATE TABLE providers (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    issuer TEXT,
    name TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed_secret TEXT NOT NULL,
    scope TEXT NOT NULL,
    allowed_domains TEXT NOT NULL,
    sign_up TEXT NOT NULL,
    unverified_email TEXT NOT NULL,
    profile TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key)
);

-- Who a user is at a provider.
CREATE TABLE identities (
    tenant_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT,
    name TEXT,
    picture TEXT,
    linked_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, provider_id, subject),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX identities_user ON identities (tenant_id, user_id);

-- Identities that wait until their user has proved the account, each bound to one browser.
CREATE TABLE link_offers (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    browser TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    email TEXT,
    name TEXT,
    picture TEXT,
    request_id TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX link_offers_provider ON link_offers (tenant_id, provider_id);
CREATE INDEX link_offers_user ON link_offers (tenant_id, user_id);
CREATE INDEX link_offers_expiry ON link_offers (expires_at);

-- Sign-ins under way at a provider. The id is the digest of the state; the answer spends the row.
CREATE TABLE upstream_sign_ins (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    browser TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    sealed_code_verifier TEXT NOT NULL,
    purpose TEXT NOT NULL,
    subject_id TEXT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX upstream_sign_ins_provider ON upstream_sign_ins (tenant_id, provider_id);
CREATE INDEX upstream_sign_ins_expiry ON upstream_sign_ins (expires_at);
