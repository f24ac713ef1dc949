-- Which logo the tenant has: `{width}x{height}-{fingerprint}`.
ALTER TABLE tenants ADD COLUMN logo TEXT;

-- The picture itself, apart: tenants are read far more often.
CREATE TABLE logos (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    png BLOB NOT NULL,
    PRIMARY KEY (tenant_id)
);
