-- What a tenant decides about the accounts of its users.
ALTER TABLE tenants ADD COLUMN email_verification TEXT COLLATE "C" NOT NULL DEFAULT 'optional';
ALTER TABLE tenants ADD COLUMN email_code TEXT COLLATE "C" NOT NULL DEFAULT 'off';
ALTER TABLE tenants ADD COLUMN deletion_grace_days INTEGER NOT NULL DEFAULT 14;
ALTER TABLE tenants ADD COLUMN accent TEXT COLLATE "C";
ALTER TABLE tenants ADD COLUMN reply_to TEXT COLLATE "C";

-- Set while an account waits to be deleted.
ALTER TABLE users ADD COLUMN deletes_at BIGINT;
CREATE INDEX users_deletion ON users (deletes_at);

ALTER TABLE applications ADD COLUMN party TEXT COLLATE "C" NOT NULL DEFAULT 'first';

-- What a user allowed a third party's application.
CREATE TABLE consents (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    application_id TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, application_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, application_id) REFERENCES applications (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX consents_application ON consents (tenant_id, application_id);

-- What a mailed link is good for, once. The id is the digest of the token; one of a purpose for each user.
CREATE TABLE one_time_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_id, purpose),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

-- Sign-ins by e-mailed code that wait for it, each bound to one browser. Without `code_mac` no code was sent.
CREATE TABLE email_codes (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    browser TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    code_mac TEXT COLLATE "C",
    tries INTEGER NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX email_codes_expiry ON email_codes (expires_at);

-- How much of an allowance is used up: the time at which it is whole again.
CREATE TABLE allowances (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    whole_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX allowances_whole ON allowances (whole_at);

-- Mail that is to be sent. What is secret in it is made when it is sent, and is not here.
CREATE TABLE mail_orders (
    tenant_id TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL,
    letter TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    subject_id TEXT COLLATE "C",
    status TEXT COLLATE "C" NOT NULL,
    tries INTEGER NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_error TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX mail_orders_due ON mail_orders (status, due_at);
CREATE INDEX mail_orders_created ON mail_orders (created_at);
