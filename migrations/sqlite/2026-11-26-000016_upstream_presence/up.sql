-- Whoever is to show up at a provider is held against the time of that.
ALTER TABLE upstream_sign_ins ADD COLUMN signed_in_since BIGINT;
