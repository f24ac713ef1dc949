-- What the tenant's new applications begin with.
ALTER TABLE tenants ADD COLUMN access_token_seconds INTEGER NOT NULL DEFAULT 900;
ALTER TABLE tenants ADD COLUMN refresh_idle_seconds INTEGER NOT NULL DEFAULT 604800;
ALTER TABLE tenants ADD COLUMN refresh_absolute_seconds INTEGER NOT NULL DEFAULT 2592000;
