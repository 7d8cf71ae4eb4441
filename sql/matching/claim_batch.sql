-- Takes up to %(batch_size)s conversions of eligible tenants off the queue, tenant by tenant from the one after
-- %(after)s on, each tenant's oldest first. The caller matches them in the same transaction; if it dies, they are
-- back on the queue.
-- The queue is filled by the trigger conversions_are_queued on conversions (sql/schema.sql), in the inserting
-- transaction, and by enqueue_late, enqueue_rematch and the second look of match_batch.
-- Index: match_queue's primary key, walked by skipping from tenant to tenant: the backlog of a suspended tenant costs
-- one probe. The recursion is lazy: it stops as soon as the batch is full.
-- Guarantees: no two workers get the same row (SKIP LOCKED); a row that commits late is found, whatever its id.
-- The rows are deleted here, in a statement before the one that matches: a transaction that puts a conversion back on
-- the queue meanwhile either waits for this one or is seen by the matching statement's later snapshot.
WITH RECURSIVE waiting (tenant_id) AS (
    (SELECT q.tenant_id FROM trackai.match_queue q WHERE q.tenant_id > %(after)s ORDER BY q.tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant_id FROM trackai.match_queue q
            WHERE q.tenant_id > w.tenant_id ORDER BY q.tenant_id LIMIT 1)
    FROM waiting w
    WHERE w.tenant_id IS NOT NULL
),
picked AS MATERIALIZED (
    SELECT oldest.place
    FROM waiting w
    CROSS JOIN LATERAL (
        SELECT q.ctid AS place
        FROM trackai.match_queue q
        WHERE q.tenant_id = w.tenant_id
          AND EXISTS (
              SELECT 1 FROM trackai.tenants t WHERE t.id = w.tenant_id AND t.status IN ('provisioning', 'active')
          )
        ORDER BY q.conversion_id
        LIMIT %(batch_size)s
        FOR UPDATE OF q SKIP LOCKED
    ) oldest
    LIMIT %(batch_size)s
)
DELETE FROM trackai.match_queue q
WHERE q.ctid = ANY (ARRAY(SELECT place FROM picked))
RETURNING q.tenant_id, q.conversion_id, q.cause
