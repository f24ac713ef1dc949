-- Times are milliseconds since 1970-01-01T00:00:00Z. Everything of a tenant has a key that begins with
-- the tenant, and refers to other rows by such keys alone: no row can point into another tenant.
-- Texts compare as bytes, as in SQLite and whatever the database's locale: ids sort by the time they were made.

CREATE TABLE tenants (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    slug TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" UNIQUE,
    status TEXT COLLATE "C" NOT NULL,
    sign_up TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    algorithm TEXT COLLATE "C" NOT NULL,
    public_jwk TEXT COLLATE "C" NOT NULL,
    sealed_private_key TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    retires_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX signing_keys_activation ON signing_keys (activates_at);
CREATE INDEX signing_keys_retirement ON signing_keys (retires_at);

CREATE TABLE applications (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    direct_login BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    audience TEXT COLLATE "C",
    access_token_algorithm TEXT COLLATE "C" NOT NULL,
    id_token_algorithm TEXT COLLATE "C" NOT NULL,
    access_token_seconds INTEGER NOT NULL,
    refresh_idle_seconds INTEGER NOT NULL,
    refresh_absolute_seconds INTEGER NOT NULL,
    reuse_window_seconds INTEGER,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX applications_one_default ON applications (tenant_id) WHERE is_default;

-- Redirect URIs, post-logout redirect URIs, origins and resources of an application, in their order.
CREATE TABLE application_uris (
    tenant_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    uri TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, application_id, purpose, uri),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE client_secrets (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX client_secrets_application ON client_secrets (tenant_id, application_id);

CREATE TABLE users (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    email_key TEXT COLLATE "C" NOT NULL,
    email_verified BOOLEAN NOT NULL,
    name TEXT COLLATE "C",
    picture TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    password_hash TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email_key)
);

CREATE TABLE roles (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key)
);

CREATE TABLE user_roles (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    role_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id);

-- The console accounts that see every tenant: users of the built-in tenant.
CREATE TABLE operators (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    authenticated_at BIGINT NOT NULL,
    methods TEXT COLLATE "C" NOT NULL,
    user_agent TEXT COLLATE "C",
    address TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_created ON sessions (created_at);

-- What actix-session keeps for a browser; it grants nothing and points at a session.
CREATE TABLE browser_states (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX browser_states_expiry ON browser_states (expires_at);

CREATE TABLE authorization_requests (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    browser TEXT COLLATE "C" NOT NULL,
    query TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);

CREATE TABLE refresh_families (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C",
    authenticated_at BIGINT NOT NULL,
    generation INTEGER NOT NULL,
    rotated_at BIGINT NOT NULL,
    client_authenticated BOOLEAN NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoke_reason TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_families_application ON refresh_families (tenant_id, application_id);
CREATE INDEX refresh_families_user ON refresh_families (tenant_id, user_id);
CREATE INDEX refresh_families_session ON refresh_families (tenant_id, session_id);
CREATE INDEX refresh_families_expiry ON refresh_families (expires_at);

-- The id is the digest of the code.
CREATE TABLE authorization_codes (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    session_id TEXT COLLATE "C" NOT NULL,
    redirect_uri TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    audience TEXT COLLATE "C",
    nonce TEXT COLLATE "C",
    code_challenge TEXT COLLATE "C",
    authenticated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    family_id TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, family_id) REFERENCES refresh_families (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX authorization_codes_application ON authorization_codes (tenant_id, application_id);
CREATE INDEX authorization_codes_user ON authorization_codes (tenant_id, user_id);
CREATE INDEX authorization_codes_session ON authorization_codes (tenant_id, session_id);
CREATE INDEX authorization_codes_family ON authorization_codes (tenant_id, family_id);
CREATE INDEX authorization_codes_expiry ON authorization_codes (expires_at);

-- Access tokens that were given back before their time; the id is their jti.
CREATE TABLE revoked_access_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX revoked_access_tokens_expiry ON revoked_access_tokens (expires_at);

-- Append-only. Ids sort by time.
CREATE TABLE audit_events (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    target TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
