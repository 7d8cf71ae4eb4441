-- Meta takes a sale that was made in a store for 62 days, and every other event for seven.

-- delivery.validate has the same ages.
CREATE FUNCTION trackai.longest_age(action_source text) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN action_source = 'physical_store' THEN interval '62 days' ELSE interval '7 days' END;

CREATE OR REPLACE FUNCTION trackai.queue_attributed() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE '
        INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)
        SELECT c.tenant_id, c.occurred_at, c.id
        FROM attributed a
        JOIN trackai.tenants t ON t.id = a.tenant_id
        JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
        WHERE t.status = ''active''
          AND (t.dispatch_policy = ''all'' OR a.strategy <> ''unmatched'')
          AND c.occurred_at > now() - trackai.longest_age(c.action_source)
        ON CONFLICT DO NOTHING';
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION trackai.queue_matched_late() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    -- Nearly always so: a batch without a late match, or a deleted click's attributions, one statement for each click.
    IF NOT EXISTS (SELECT FROM before WHERE strategy = 'unmatched') THEN
        RETURN NULL;
    END IF;
    EXECUTE '
        INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)
        SELECT c.tenant_id, c.occurred_at, c.id
        FROM attributed a
        JOIN trackai.tenants t ON t.id = a.tenant_id
        JOIN before b ON b.tenant_id = a.tenant_id AND b.conversion_id = a.conversion_id
        JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
        WHERE t.status = ''active''
          AND b.strategy = ''unmatched'' AND a.strategy <> ''unmatched''
          AND c.occurred_at > now() - trackai.longest_age(c.action_source)
          AND NOT EXISTS (
              SELECT 1 FROM trackai.dispatch_attempts d
              WHERE d.tenant_id = a.tenant_id AND d.conversion_id = a.conversion_id
          )
        ON CONFLICT DO NOTHING';
    RETURN NULL;
END $$;

-- Puts a tenant's sales that are due and have never been tried on the queue.
-- Index: matched_attributions_by_strategy. A sale is at most a day ahead of its arrival, so eight days find all but older
-- sales of stores, which a replay queues.
CREATE OR REPLACE FUNCTION trackai.queue_due_sales(tenant text) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)
    SELECT c.tenant_id, c.occurred_at, c.id
    FROM trackai.tenants t
    JOIN trackai.matched_attributions a
        ON a.tenant_id = t.id AND a.strategy IN ('fbc', 'fbp', 'email', 'unmatched')
       AND a.matched_at > now() - interval '8 days'
       AND (t.dispatch_policy = 'all' OR a.strategy <> 'unmatched')
    JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
    WHERE t.id = tenant
      AND t.status = 'active'
      AND c.occurred_at > now() - trackai.longest_age(c.action_source)
      AND NOT EXISTS (
          SELECT 1 FROM trackai.dispatch_attempts d WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id
      )
    ON CONFLICT DO NOTHING;
$$;
