-- The audit log is append-only, whoever asks: an event goes with its whole tenant, and not before. By the time that
-- the deletion of a tenant reaches its events, the tenant itself is gone.
CREATE TRIGGER audit_events_are_not_changed BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: an event is never changed');
END;
CREATE TRIGGER audit_events_are_not_deleted BEFORE DELETE ON audit_events
WHEN EXISTS (SELECT 1 FROM tenants WHERE id = OLD.tenant_id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: an event is deleted with its whole tenant alone');
END;
-- INSERT OR REPLACE deletes without a word to the trigger above.
CREATE TRIGGER audit_events_are_not_replaced BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE tenant_id = NEW.tenant_id AND id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only: an event is never replaced');
END;
