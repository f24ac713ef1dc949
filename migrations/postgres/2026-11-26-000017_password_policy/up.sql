-- The fewest characters that a new password of the tenant has.
ALTER TABLE tenants ADD COLUMN password_min_length INTEGER NOT NULL DEFAULT 8;
