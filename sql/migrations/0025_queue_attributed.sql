-- Queues the sales of a large batch for delivery by a plain INSERT, as queue_conversions does: a row is there already only
-- where an attribution was removed and made again while its sale was still queued. Small batches keep the slower form, and
-- so does a batch that meets such a row.
CREATE OR REPLACE FUNCTION trackai.queue_attributed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    queueing text := '
        INSERT INTO trackai.dispatch_queue (tenant_id, occurred_at, conversion_id)
        SELECT c.tenant_id, c.occurred_at, c.id
        FROM attributed a
        JOIN trackai.tenants t ON t.id = a.tenant_id
        JOIN trackai.conversions c ON c.tenant_id = a.tenant_id AND c.id = a.conversion_id
        WHERE t.status = ''active''
          AND (t.dispatch_policy = ''all'' OR a.strategy <> ''unmatched'')
          AND c.occurred_at > now() - trackai.longest_age(c.action_source)';
BEGIN
    IF EXISTS (SELECT FROM attributed OFFSET 999) THEN
        BEGIN
            EXECUTE queueing;
            RETURN NULL;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
    EXECUTE queueing || ' ON CONFLICT DO NOTHING';
    RETURN NULL;
END $$;
