-- Where a tenant's users may come from. The secret is sealed for its row.
CREATE TABLE providers (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    issuer TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    sealed_secret TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    allowed_domains TEXT COLLATE "C" NOT NULL,
    sign_up TEXT COLLATE "C" NOT NULL,
    unverified_email TEXT COLLATE "C" NOT NULL,
    profile TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key)
);

-- Who a user is at a provider.
CREATE TABLE identities (
    tenant_id TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    name TEXT COLLATE "C",
    picture TEXT COLLATE "C",
    linked_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, provider_id, subject),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX identities_user ON identities (tenant_id, user_id);

-- Identities that wait until their user has proved the account, each bound to one browser.
CREATE TABLE link_offers (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    browser TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C",
    name TEXT COLLATE "C",
    picture TEXT COLLATE "C",
    request_id TEXT COLLATE "C",
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
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    browser TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    nonce TEXT COLLATE "C" NOT NULL,
    sealed_code_verifier TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C",
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES providers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX upstream_sign_ins_provider ON upstream_sign_ins (tenant_id, provider_id);
CREATE INDEX upstream_sign_ins_expiry ON upstream_sign_ins (expires_at);
