-- Times are milliseconds since 1970-01-01T00:00:00Z. Everything of a tenant has a key that begins with
-- the tenant, and refers to other rows by such keys alone: no row can point into another tenant.
-- Texts compare as bytes: ids sort by the time they were made.

CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    domain TEXT UNIQUE,
    status TEXT NOT NULL,
    sign_up TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    retires_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX signing_keys_activation ON signing_keys (activates_at);
CREATE INDEX signing_keys_retirement ON signing_keys (retires_at);

CREATE TABLE applications (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    direct_login BOOLEAN NOT NULL,
    is_default BOOLEAN NOT NULL,
    audience TEXT,
    access_token_algorithm TEXT NOT NULL,
    id_token_algorithm TEXT NOT NULL,
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
    tenant_id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    uri TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, application_id, purpose, uri),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE client_secrets (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX client_secrets_application ON client_secrets (tenant_id, application_id);

CREATE TABLE users (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    email_verified BOOLEAN NOT NULL,
    name TEXT,
    picture TEXT,
    status TEXT NOT NULL,
    password_hash TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email_key)
);

CREATE TABLE roles (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    description TEXT NOT NULL,
    rank INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, key)
);

CREATE TABLE user_roles (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id);

-- The console accounts that see every tenant: users of the built-in tenant.
CREATE TABLE operators (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    methods TEXT NOT NULL,
    user_agent TEXT,
    address TEXT,
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
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX browser_states_expiry ON browser_states (expires_at);

CREATE TABLE authorization_requests (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    browser TEXT NOT NULL,
    query TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX authorization_requests_expiry ON authorization_requests (expires_at);

CREATE TABLE refresh_families (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT,
    authenticated_at BIGINT NOT NULL,
    generation INTEGER NOT NULL,
    rotated_at BIGINT NOT NULL,
    client_authenticated BOOLEAN NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoke_reason TEXT,
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
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    application_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT,
    nonce TEXT,
    code_challenge TEXT,
    authenticated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    family_id TEXT,
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
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX revoked_access_tokens_expiry ON revoked_access_tokens (expires_at);

-- Append-only. Ids sort by time.
CREATE TABLE audit_events (
    tenant_id TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    target TEXT NOT NULL,
    address TEXT,
    PRIMARY KEY (tenant_id, id)
);
