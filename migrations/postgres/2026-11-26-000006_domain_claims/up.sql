-- The host that a tenant claims and has not proved yet. Several tenants may claim one host; who proves it gets it.
CREATE TABLE domain_claims (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    domain TEXT COLLATE "C" NOT NULL,
    challenge TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id)
);
CREATE INDEX domain_claims_expiry ON domain_claims (expires_at);
