-- A conversion's tenant is looked up once a statement instead of once a row, which was a sixth of an insert: files bring
-- many rows of few tenants. As with the foreign key, a tenant that is named stays until the insert is committed, and one
-- that has conversions is not deleted. tenant_id of a conversion never changes (conversions_are_immutable).
CREATE FUNCTION trackai.refuse_unknown_tenants() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    named text[] := ARRAY(SELECT DISTINCT tenant_id FROM arrived);
    unknown text;
BEGIN
    PERFORM FROM trackai.tenants WHERE id = ANY (named) ORDER BY id FOR KEY SHARE;
    unknown := (SELECT n.id FROM unnest(named) AS n (id) WHERE NOT EXISTS (SELECT FROM trackai.tenants t WHERE t.id = n.id) LIMIT 1);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION 'there is no tenant %', unknown
            USING ERRCODE = 'foreign_key_violation', HINT = 'Add it to trackai.tenants first.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER conversions_have_tenants AFTER INSERT ON trackai.conversions
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_unknown_tenants();

CREATE FUNCTION trackai.keep_tenants_of_conversions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM trackai.conversions c WHERE TG_OP = 'TRUNCATE' OR c.tenant_id = old.id) THEN
        RAISE EXCEPTION 'a tenant that has conversions is not deleted, and keeps its id'
            USING ERRCODE = 'foreign_key_violation', HINT = 'Delete its rows of trackai.conversions first.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tenants_of_conversions_are_kept AFTER DELETE ON trackai.tenants
    FOR EACH ROW EXECUTE FUNCTION trackai.keep_tenants_of_conversions();
CREATE TRIGGER tenants_of_conversions_keep_their_ids AFTER UPDATE OF id ON trackai.tenants
    FOR EACH ROW WHEN (old.id <> new.id) EXECUTE FUNCTION trackai.keep_tenants_of_conversions();
CREATE TRIGGER tenants_are_truncated_with_conversions AFTER TRUNCATE ON trackai.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.keep_tenants_of_conversions();

-- squawk-ignore ban-drop-constraint
ALTER TABLE trackai.conversions DROP CONSTRAINT conversions_tenant_id_fkey;
