-- What was there before a change and after it, as JSON.
ALTER TABLE audit_events ADD COLUMN details TEXT COLLATE "C";
CREATE INDEX audit_events_action ON audit_events (tenant_id, action, id);
CREATE INDEX audit_events_actor ON audit_events (tenant_id, actor, id);
CREATE INDEX audit_events_target ON audit_events (tenant_id, target, id);

-- Who of the console's accounts may see or change the tenant. The account is a user of the built-in tenant.
CREATE TABLE members (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX members_user ON members (user_id);

-- How often something happened on a day, which is counted from 1970-01-01.
CREATE TABLE activity (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kind TEXT COLLATE "C" NOT NULL,
    day INTEGER NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind, day)
);

-- Set while a tenant waits to be deleted.
ALTER TABLE tenants ADD COLUMN deletes_at BIGINT;
CREATE INDEX tenants_deletion ON tenants (deletes_at);

-- The name in lower case, to be found by its beginning.
ALTER TABLE users ADD COLUMN name_key TEXT COLLATE "C";
UPDATE users SET name_key = lower(name);
CREATE INDEX users_name ON users (tenant_id, name_key);
