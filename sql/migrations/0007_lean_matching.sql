-- Matching for less: keys without needless trimming, and no foreign keys where a micro-batch writes.

-- Keys ---------------------------------------------------------------------------------------------------------
-- The same answers as before. Trimming costs more than the pattern, and nearly no value needs it: one that matches as it
-- stands has nothing to trim but, perhaps, the end of an ignored fifth segment.

CREATE OR REPLACE FUNCTION trackai.fbclid_of_fbc(fbc text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN fbc ~ U&'^fb[.][012][.][0-9]+[.][^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+([.][^.]*)?$'
         AND length(split_part(fbc, '.', 4)) <= 512
    THEN split_part(fbc, '.', 4)
    WHEN trackai.trimmed(fbc) ~ U&'^fb[.][012][.][0-9]+[.][^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+([.][^.]*)?$'
         AND length(split_part(trackai.trimmed(fbc), '.', 4)) <= 512
    THEN split_part(trackai.trimmed(fbc), '.', 4)
END;

CREATE OR REPLACE FUNCTION trackai.well_formed_fbclid(fbclid text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN fbclid ~ U&'^[^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+$'
         AND length(fbclid) <= 512
    THEN fbclid
    WHEN trackai.trimmed(fbclid) ~ U&'^[^.\0009\000A\000B\000C\000D\001C\001D\001E\001F\0020\0085\00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\2028\2029\202F\205F\3000]+$'
         AND length(trackai.trimmed(fbclid)) <= 512
    THEN trackai.trimmed(fbclid)
END;

-- Its first four segments are what the pattern matches. Of immutable parts only: array_to_string() is not one, and kept
-- the function from being inlined.
CREATE OR REPLACE FUNCTION trackai.browser_key(fbp text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN fbp ~ '^fb[.][012][.][0-9]+[.][0-9]+$' THEN fbp
    WHEN trackai.trimmed(fbp) ~ '^fb[.][012][.][0-9]+[.][0-9]+([.][^.]*)?$'
    THEN substring(trackai.trimmed(fbp), '^fb[.][012][.][0-9]+[.][0-9]+')
END;

-- The indexes hold what the functions answer, which has not changed. Sessions that are open keep an index's expression
-- as it was inlined, and would no longer recognise it: a change to the index makes them read it anew.
ALTER INDEX trackai.clicks_by_click_key SET (fillfactor = 90);
ALTER INDEX trackai.clicks_by_browser_key SET (fillfactor = 90);

-- Deletions ----------------------------------------------------------------------------------------------------
-- A foreign key locks the row that is pointed at, which writes to its page: at 10 million clicks, most of the cost of
-- matching. What the two of matched_attributions guaranteed is kept by those who delete, which is seldom.

ALTER TABLE trackai.matched_attributions
    DROP CONSTRAINT matched_attributions_tenant_id_conversion_id_fkey,
    DROP CONSTRAINT matched_attributions_tenant_id_click_id_fkey;

-- Deleted clicks that a micro-batch under way may still attribute. A drain looks once more (matching/unlink_deleted).
CREATE TABLE trackai.deleted_clicks (
    tenant_id text COLLATE "C" NOT NULL,
    click_id bigint NOT NULL,
    PRIMARY KEY (tenant_id, click_id)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Index: matched_attributions_by_click; the settings keep to it, however many clicks the plan was first made for.
CREATE FUNCTION trackai.unlink_clicks() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    UPDATE trackai.matched_attributions a SET click_id = NULL
    FROM gone g
    WHERE a.tenant_id = g.tenant_id AND a.click_id = g.id;
    INSERT INTO trackai.deleted_clicks (tenant_id, click_id) SELECT tenant_id, id FROM gone ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER clicks_are_unlinked AFTER DELETE ON trackai.clicks
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION trackai.unlink_clicks();
ALTER TABLE trackai.clicks ENABLE ALWAYS TRIGGER clicks_are_unlinked;

-- A conversion leaves only before it is attributed. It can be matched only off the queue: a batch that holds its row is
-- waited for, and none can take it any more.
CREATE FUNCTION trackai.keep_attributed_conversions() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM trackai.match_queue q USING gone g WHERE q.tenant_id = g.tenant_id AND q.conversion_id = g.id;
    IF EXISTS (
        SELECT FROM gone g
        JOIN trackai.matched_attributions a ON a.tenant_id = g.tenant_id AND a.conversion_id = g.id
    ) THEN
        RAISE EXCEPTION 'a conversion that has an attribution is not deleted'
            USING ERRCODE = 'foreign_key_violation', HINT = 'Delete its row of trackai.matched_attributions first.';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER attributed_conversions_are_kept AFTER DELETE ON trackai.conversions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION trackai.keep_attributed_conversions();
ALTER TABLE trackai.conversions ENABLE ALWAYS TRIGGER attributed_conversions_are_kept;

-- TRUNCATE ... CASCADE of either takes the attributions with it, as it does along a foreign key. DELETE, because the
-- same command may name them too, and then they are in use.
CREATE FUNCTION trackai.empty_attributions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM trackai.matched_attributions;
    RETURN NULL;
END $$;
CREATE TRIGGER clicks_take_attributions_along AFTER TRUNCATE ON trackai.clicks
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.empty_attributions();
ALTER TABLE trackai.clicks ENABLE ALWAYS TRIGGER clicks_take_attributions_along;
CREATE TRIGGER conversions_take_attributions_along AFTER TRUNCATE ON trackai.conversions
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.empty_attributions();
ALTER TABLE trackai.conversions ENABLE ALWAYS TRIGGER conversions_take_attributions_along;

COMMENT ON TABLE trackai.deleted_clicks IS 'Deleted clicks that a micro-batch under way may still attribute.';
