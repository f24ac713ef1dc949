-- Lists of a tenant are read a page at a time, and found in, by an index in the order of the page.
CREATE INDEX roles_rank ON roles (tenant_id, rank, key);
DROP INDEX user_roles_role;
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id, user_id);

-- Names in lower case, to be found by their beginning.
ALTER TABLE applications ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE applications SET name_key = lower(name);
CREATE INDEX applications_name ON applications (tenant_id, name_key);
ALTER TABLE tenants ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE tenants SET name_key = lower(name);
CREATE INDEX tenants_name ON tenants (name_key);

-- The words of a user's name after the first, in lower case: who looks for somebody knows the surname.
CREATE TABLE user_name_words (
    tenant_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, user_id, word),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_name_words_word ON user_name_words (tenant_id, word);
INSERT INTO user_name_words (tenant_id, user_id, word)
SELECT DISTINCT tenant_id, id, word
  FROM users, unnest(regexp_split_to_array(name_key, '\s+')) WITH ORDINALITY AS words (word, position)
 WHERE position > 1 AND word <> '';
