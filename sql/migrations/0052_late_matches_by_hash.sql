-- Batches of matching turn hash joins off, and this trigger's two transition tables have no index: each late match was
-- compared with every other of the batch. What else it reads is looked up by keys, one sale at a time: OFFSET 0, BETWEEN and
-- ORDER BY keep conversions to their primary key, as in matching/find_late.
CREATE OR REPLACE FUNCTION trackai.queue_matched_late() RETURNS trigger
LANGUAGE plpgsql SET enable_hashjoin = on AS $$
BEGIN
    -- Nearly always so: a batch without a late match, or a deleted click's attributions, one statement for each click.
    IF NOT EXISTS (SELECT FROM before WHERE strategy = 'unmatched') THEN
        RETURN NULL;
    END IF;
    EXECUTE '
        INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)
        SELECT c.tenant_id, c.occurred_at, c.id
        FROM attributed a
        JOIN before b ON b.tenant_id = a.tenant_id AND b.conversion_id = a.conversion_id
        CROSS JOIN LATERAL (
            SELECT x.tenant_id, x.occurred_at, x.id, x.action_source
            FROM trackai.conversions x
            WHERE x.tenant_id = a.tenant_id AND x.id BETWEEN a.conversion_id AND a.conversion_id
            ORDER BY x.id
            OFFSET 0
        ) c
        JOIN trackai.tenants t ON t.id = c.tenant_id
        WHERE t.status = ''active''
          AND b.strategy = ''unmatched'' AND a.strategy <> ''unmatched''
          AND c.occurred_at > now() - trackai.longest_age(c.action_source)
          AND NOT EXISTS (
              SELECT 1 FROM trackai.dispatch_attempts d
              WHERE d.tenant_id = a.tenant_id AND d.conversion_id = a.conversion_id
              OFFSET 0
          )
        ON CONFLICT DO NOTHING';
    RETURN NULL;
END $$;
