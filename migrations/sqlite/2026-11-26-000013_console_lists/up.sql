-- Lists of a tenant are read a page at a time, and found in, by an index in the order of the page.
CREATE INDEX roles_rank ON roles (tenant_id, rank, key);
DROP INDEX user_roles_role;
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id, user_id);

-- Names in lower case, to be found by their beginning.
ALTER TABLE applications ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE applications SET name_key = lower(name);
CREATE INDEX applications_name ON applications (tenant_id, name_key);
ALTER TABLE tenants ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE tenants SET name_key = lower(name);
CREATE INDEX tenants_name ON tenants (name_key);

-- The words of a user's name after the first, in lower case: who looks for somebody knows the surname.
CREATE TABLE user_name_words (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, word),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_name_words_word ON user_name_words (tenant_id, word);
INSERT INTO user_name_words (tenant_id, user_id, word)
WITH RECURSIVE split (tenant_id, user_id, word, rest) AS (
    SELECT tenant_id, id, '', substr(name_key, instr(name_key, ' ') + 1) || ' '
      FROM users WHERE instr(name_key, ' ') > 0
    UNION ALL
    SELECT tenant_id, user_id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1)
      FROM split WHERE rest <> ''
)
SELECT DISTINCT tenant_id, user_id, word FROM split WHERE word <> '';
