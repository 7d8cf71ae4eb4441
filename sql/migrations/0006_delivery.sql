-- Delivery at work: what each tenant wants sent, what waits to be sent, and who is sending it.

-- What is sent, and how ----------------------------------------------------------------------------------------

ALTER TABLE trackai.tenants
    ADD COLUMN dispatch_policy text NOT NULL DEFAULT 'all' CHECK (dispatch_policy IN ('all', 'matched')),
    ADD COLUMN sent_event_id text NOT NULL DEFAULT 'registry' CHECK (sent_event_id IN ('registry', 'order')),
    ADD COLUMN limited_data_use boolean NOT NULL DEFAULT false,
    ADD COLUMN ldu_country smallint NOT NULL DEFAULT 0 CHECK (ldu_country IN (0, 1)),
    ADD COLUMN ldu_state smallint NOT NULL DEFAULT 0 CHECK (ldu_state IN (0, 1000)),
    ADD COLUMN opt_out boolean NOT NULL DEFAULT false,
    ADD COLUMN test_event_code text CHECK (test_event_code <> '');

-- Hashes and nothing else: the check refuses raw values, whoever writes.
ALTER TABLE trackai.conversions
    ADD COLUMN customer_information jsonb CONSTRAINT customer_information_is_hashed CHECK (
        jsonb_typeof(customer_information) = 'object'
        AND NOT jsonb_path_exists(
            customer_information,
            'strict $.* ? (@.type() != "string" || !(@ like_regex "^[0-9a-f]{64}$"))', silent => true
        )
    );

-- A view's columns are those of its making.
DROP VIEW trackai.v_conversions;
CREATE VIEW trackai.v_conversions AS
SELECT c.*,
       a.click_id,
       a.strategy AS match_strategy,
       a.matched_at,
       EXISTS (
           SELECT 1 FROM trackai.dispatch_attempts d
           WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id AND d.status = 'success'
       ) AS sent_to_capi
FROM trackai.conversions c
LEFT JOIN trackai.matched_attributions a ON a.tenant_id = c.tenant_id AND a.conversion_id = c.id;

-- The queue ----------------------------------------------------------------------------------------------------

-- What still has to be delivered. A row lives until its event is accepted, failed for good, or no longer due.
CREATE TABLE trackai.dispatch_queue (
    tenant_id text COLLATE "C" NOT NULL,
    -- The sale's own time: within a tenant, the first row has the least time left.
    occurred_at timestamptz NOT NULL,
    conversion_id bigint NOT NULL,
    -- The registry id and the event's exact bytes, from its first attempt on: a retry sends the same.
    event_id text COLLATE "C",
    event text COLLATE "C",
    keys smallint,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- Attempts whose answer nobody can explain; they are bounded.
    unknowns smallint NOT NULL DEFAULT 0 CHECK (unknowns >= 0),
    -- The largest request that it may be part of: halved whenever a request is refused, until the bad event is alone.
    at_most smallint NOT NULL DEFAULT 1000 CHECK (at_most BETWEEN 1 AND 1000),
    -- Asked for although it was accepted before.
    resend boolean NOT NULL DEFAULT false,
    queued_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, occurred_at, conversion_id),
    CHECK ((event_id IS NULL) = (event IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

ALTER TABLE trackai.dispatch_attempts
    ADD COLUMN failure text COLLATE "C" CHECK (failure <> ''),
    ADD COLUMN message text CHECK (message <> ''),
    -- Which keys the event carries, one bit each: the event itself is not kept.
    ADD COLUMN keys smallint,
    ADD CONSTRAINT a_failure_has_its_reason CHECK (status <> 'failed' OR failure IS NOT NULL) NOT VALID;
-- delivery/next_events, delivery/story_attempts, v_conversions: the attempts of a conversion. Unique, so that two workers
-- can never make the same attempt. Takes the place of an index that an answer would have had to change.
CREATE UNIQUE INDEX dispatch_attempts_by_conversion
    ON trackai.dispatch_attempts (tenant_id, conversion_id, attempt);
DROP INDEX trackai.dispatch_attempts_sent;
-- Room for the answer beside the attempt, so that no index has to be touched for it.
ALTER TABLE trackai.dispatch_attempts SET (fillfactor = 60);

ALTER TABLE trackai.dispatch_circuits
    ADD COLUMN cooldown_seconds double precision CHECK (cooldown_seconds > 0),
    ADD COLUMN wait_until timestamptz,
    ADD COLUMN held_by text COLLATE "C",
    ADD COLUMN held_until timestamptz,
    ADD CHECK ((held_by IS NULL) = (held_until IS NULL));
ALTER TABLE trackai.dispatch_circuits SET (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000
);

-- The queue's writers. ALWAYS, so that rows restored or replicated by a session that mutes triggers queue too.
-- EXECUTE plans anew each time: a plan made while the tables were small would be kept while they grow by millions.
CREATE FUNCTION trackai.queue_attributed() RETURNS trigger
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
          AND c.occurred_at > now() - interval ''7 days''
        ON CONFLICT DO NOTHING';
    RETURN NULL;
END $$;
CREATE TRIGGER attributed_are_queued AFTER INSERT ON trackai.matched_attributions
    REFERENCING NEW TABLE AS attributed FOR EACH STATEMENT EXECUTE FUNCTION trackai.queue_attributed();
ALTER TABLE trackai.matched_attributions ENABLE ALWAYS TRIGGER attributed_are_queued;

-- A sale that finds its click late becomes due where only matched ones are; one that has been tried keeps its end.
CREATE FUNCTION trackai.queue_matched_late() RETURNS trigger
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
          AND c.occurred_at > now() - interval ''7 days''
          AND NOT EXISTS (
              SELECT 1 FROM trackai.dispatch_attempts d
              WHERE d.tenant_id = a.tenant_id AND d.conversion_id = a.conversion_id
          )
        ON CONFLICT DO NOTHING';
    RETURN NULL;
END $$;
CREATE TRIGGER matched_late_are_queued AFTER UPDATE ON trackai.matched_attributions
    REFERENCING OLD TABLE AS before NEW TABLE AS attributed
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.queue_matched_late();
ALTER TABLE trackai.matched_attributions ENABLE ALWAYS TRIGGER matched_late_are_queued;

-- Puts a tenant's sales that are due and have never been tried on the queue.
-- Index: matched_attributions_by_strategy. A sale is at most a day ahead of its arrival, so eight days find all.
CREATE FUNCTION trackai.queue_due_sales(tenant text) RETURNS void
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
      AND c.occurred_at > now() - interval '7 days'
      AND NOT EXISTS (
          SELECT 1 FROM trackai.dispatch_attempts d WHERE d.tenant_id = c.tenant_id AND d.conversion_id = c.id
      )
    ON CONFLICT DO NOTHING;
$$;

-- lock_timeout: who writes attributions queues behind the lock below; rather than hold them up behind somebody's long
-- transaction, the change of the tenant is refused and can be tried again.
CREATE FUNCTION trackai.follow_tenant() RETURNS trigger
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
BEGIN
    IF NEW.pixel_id IS DISTINCT FROM OLD.pixel_id THEN
        -- Perhaps that was what had to be mended.
        UPDATE trackai.dispatch_circuits SET retry_at = greatest(opened_at, now())
        WHERE tenant_id = NEW.id AND state = 'open';
    END IF;
    IF NEW.status IS DISTINCT FROM OLD.status OR NEW.dispatch_policy IS DISTINCT FROM OLD.dispatch_policy THEN
        -- Waits for attributions that are being written, and lets none pass before this has committed: each is seen
        -- here, or sees the tenant as it is now.
        LOCK TABLE trackai.matched_attributions IN SHARE ROW EXCLUSIVE MODE;
        DELETE FROM trackai.dispatch_queue q
        USING trackai.matched_attributions a
        WHERE NEW.dispatch_policy = 'matched'
          AND q.tenant_id = NEW.id AND q.attempts = 0
          AND a.tenant_id = q.tenant_id AND a.conversion_id = q.conversion_id AND a.strategy = 'unmatched';
        PERFORM trackai.queue_due_sales(NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tenants_are_followed AFTER UPDATE ON trackai.tenants
    FOR EACH ROW EXECUTE FUNCTION trackai.follow_tenant();
ALTER TABLE trackai.tenants ENABLE ALWAYS TRIGGER tenants_are_followed;

-- What was attributed before there was a queue.
SELECT trackai.queue_due_sales(id) FROM trackai.tenants;

COMMENT ON COLUMN trackai.tenants.dispatch_policy IS 'which attributed sales are delivered: all, or matched ones only';
COMMENT ON COLUMN trackai.tenants.sent_event_id IS 'what is sent as event_id: registry (a hash) or order (<order_id>.<event_name>)';
COMMENT ON COLUMN trackai.tenants.limited_data_use IS 'send data_processing_options LDU with ldu_country and ldu_state';
COMMENT ON COLUMN trackai.tenants.opt_out IS 'events are for attribution only';
COMMENT ON COLUMN trackai.tenants.test_event_code IS 'sent with every request; such events still count';
COMMENT ON COLUMN trackai.conversions.customer_information IS 'further SHA-256 hashes by Meta''s names: fn, ln, ct, st, zp, country, db, ge, external_id';
COMMENT ON TABLE trackai.dispatch_queue IS 'Events that still have to be delivered.';
COMMENT ON COLUMN trackai.dispatch_queue.event IS 'its exact JSON, from the first attempt on';
COMMENT ON COLUMN trackai.dispatch_queue.attempts IS 'attempts so far';
COMMENT ON COLUMN trackai.dispatch_queue.at_most IS 'the largest request it may be part of';
COMMENT ON COLUMN trackai.dispatch_queue.resend IS 'asked for although it was accepted before';
COMMENT ON COLUMN trackai.dispatch_attempts.failure IS 'a code of ours, e.g. too_old, bad_fbc, timeout, throttled';
COMMENT ON COLUMN trackai.dispatch_attempts.message IS 'what was wrong and what to do, in a sentence';
COMMENT ON COLUMN trackai.dispatch_attempts.keys IS 'keys the event carries, by bit: em 1, ph 2, fbc 4, fbp 8, ip 16, user agent 32, external_id 64';
COMMENT ON COLUMN trackai.dispatch_circuits.cooldown_seconds IS 'of the present opening; doubles with each probe that fails';
COMMENT ON COLUMN trackai.dispatch_circuits.wait_until IS 'closed, but backing off or told to wait until then';
COMMENT ON COLUMN trackai.dispatch_circuits.held_by IS 'the worker that serves the tenant now';
COMMENT ON COLUMN trackai.dispatch_circuits.held_until IS 'when that worker counts as dead';
