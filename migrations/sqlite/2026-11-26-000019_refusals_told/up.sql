-- When the audit log was last told that tries are refused.
ALTER TABLE allowances ADD COLUMN told_at BIGINT;
