-- The audit log is append-only, whoever asks: an event goes with its whole tenant, and not before. By the time that
-- the deletion of a tenant reaches its events, the tenant itself is gone.
CREATE FUNCTION audit_events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'the audit log is append-only: an event is never changed';
    ELSIF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'the audit log is append-only: it is never emptied';
    ELSIF EXISTS (SELECT 1 FROM tenants WHERE id = OLD.tenant_id) THEN
        RAISE EXCEPTION 'the audit log is append-only: an event is deleted with its whole tenant alone';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_events_stay();
CREATE TRIGGER audit_events_are_not_truncated BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_events_stay();
