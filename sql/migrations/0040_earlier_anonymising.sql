-- Anonymising some tenants' rows earlier than the others'.
ALTER TABLE trackai.retention_steps ADD COLUMN tenant_ids text[];
COMMENT ON COLUMN trackai.retention_steps.tenant_ids IS 'tenants whose rows it is about; NULL: those of all';
