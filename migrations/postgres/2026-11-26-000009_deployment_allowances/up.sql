-- Allowances that all tenants share: a mailbox is one, however many tenants write to it.
CREATE TABLE deployment_allowances (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    whole_at BIGINT NOT NULL
);
CREATE INDEX deployment_allowances_whole ON deployment_allowances (whole_at);
