-- Resident workers: which long runs are at work, and what they have not reported yet.

-- A row is a resident worker, or the promise of one that is being started. It counts as alive until expires_at, which
-- its heartbeat moves on: a run's status outlives its process, this row does not.
CREATE TABLE trackai.leases (
    -- What the worker does, e.g. match_conversions.
    name text COLLATE "C" NOT NULL,
    holder text COLLATE "C" NOT NULL,
    -- NULL while it is being started.
    taken_at timestamptz,
    expires_at timestamptz NOT NULL,
    -- When it means to end; its successor is started some time before.
    leaves_at timestamptz NOT NULL,
    PRIMARY KEY (name, holder)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, fillfactor = 50);

-- Figures of residents, added up by whoever reports the next window.
CREATE TABLE trackai.window_figures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    -- The part of the window's work, e.g. the UTC day of the sale.
    part text COLLATE "C" NOT NULL,
    figures jsonb NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE trackai.leases IS 'Resident workers that are alive or being started.';
COMMENT ON COLUMN trackai.leases.expires_at IS 'alive until then; moved on by its heartbeat';
COMMENT ON COLUMN trackai.leases.leaves_at IS 'when it means to end';
COMMENT ON TABLE trackai.window_figures IS 'Figures of the current window, not yet shown in Dagster.';

-- Wakes a resident drain up. Transactions that notify commit one after the other, so only those do that find nothing of
-- theirs waiting: where something waits a drain is at work already, and looks again before it rests.
-- enable_seqscan: the queue is small to the planner and full of dead rows to a scan; the index knows what lives.
CREATE OR REPLACE FUNCTION trackai.queue_conversions() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    some_tenant text := (SELECT tenant_id FROM arrived LIMIT 1);
    waiting boolean := EXISTS (SELECT 1 FROM trackai.match_queue q WHERE q.tenant_id = some_tenant);
BEGIN
    IF some_tenant IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO trackai.match_queue (tenant_id, conversion_id)
    SELECT tenant_id, id FROM arrived
    ON CONFLICT DO NOTHING;
    IF NOT waiting THEN
        PERFORM pg_notify('trackai_match', '');
    END IF;
    RETURN NULL;
END $$;
