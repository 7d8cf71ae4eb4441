-- Feature flags: every change is a version and a row of the audit log, whoever makes it.

-- Bucket --------------------------------------------------------------------------------------------------------------

-- FNV-1a of 32 bits over the text's UTF-16 code units, as GrowthBook's SDKs compute it.
CREATE FUNCTION trackai.fnv1a32(hashed text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    hash bigint := 2166136261;
    letter text;
    point integer;
BEGIN
    FOREACH letter IN ARRAY string_to_array(hashed, NULL) LOOP
        point := ascii(letter);
        IF point > 65535 THEN
            -- Two code units.
            hash := ((hash # (55296 + (point - 65536) / 1024)) * 16777619) & 4294967295;
            point := 56320 + (point - 65536) % 1024;
        END IF;
        hash := ((hash # point) * 16777619) & 4294967295;
    END LOOP;
    RETURN hash;
END $$;
COMMENT ON FUNCTION trackai.fnv1a32 IS 'FNV-1a of 32 bits over UTF-16 code units.';

CREATE FUNCTION trackai.flag_bucket(salt text, unit text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (trackai.fnv1a32(trackai.fnv1a32(salt || unit)::text) % 10000)::integer;
COMMENT ON FUNCTION trackai.flag_bucket IS 'The bucket of a unit, 0 to 9999: GrowthBook''s hash version 2.';

-- States --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION trackai.flag_rollouts(the_flag bigint, the_tenant text) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(
        jsonb_build_object(
            'user_segment', r.user_segment, 'variant_key', r.variant_key, 'variant_value', r.variant_value,
            'percentage', r.percentage, 'active', r.active, 'position', r.position
        )
        ORDER BY r.position, r.id
    ), '[]')
    FROM trackai.feature_flag_rollouts r
    WHERE r.flag_id = the_flag AND r.tenant_id IS NOT DISTINCT FROM the_tenant;
END;
COMMENT ON FUNCTION trackai.flag_rollouts IS 'A scope''s rollouts in their order, as they stand in a state.';

CREATE FUNCTION trackai.flag_segments(the_flag bigint, the_tenant text) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(s.name, jsonb_build_object('kind', s.kind, 'condition', s.condition)), '{}')
    FROM trackai.feature_flag_segments s
    WHERE EXISTS (
        SELECT FROM trackai.feature_flag_rollouts r
        WHERE r.flag_id = the_flag AND r.tenant_id IS NOT DISTINCT FROM the_tenant AND r.user_segment = s.name
    );
END;
COMMENT ON FUNCTION trackai.flag_segments IS 'The segments that a scope''s rollouts name, as they stand in a state.';

CREATE FUNCTION trackai.flag_state(the_flag bigint) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'value_type', f.value_type, 'off_value', f.off_value, 'on_value', f.on_value,
        'bucket_by', f.bucket_by, 'salt', coalesce(f.salt, f.key),
        'enabled', f.enabled, 'rollout_percentage', f.rollout_percentage, 'killed', f.killed,
        'client_visible', f.client_visible, 'archived', f.archived_at IS NOT NULL,
        'rollouts', trackai.flag_rollouts(f.id, NULL),
        'segments', trackai.flag_segments(f.id, NULL),
        'requires', (
            SELECT coalesce(jsonb_agg(r.key ORDER BY r.key), '[]')
            FROM trackai.feature_flag_prerequisites p
            JOIN trackai.feature_flags r ON r.id = p.requires_flag_id
            WHERE p.flag_id = f.id
        )
    )
    FROM trackai.feature_flags f
    WHERE f.id = the_flag;
END;
COMMENT ON FUNCTION trackai.flag_state IS 'All that evaluation reads of a flag; NULL if there is no such flag.';

CREATE FUNCTION trackai.override_state(the_flag bigint, the_tenant text) RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'enabled', o.enabled, 'rollout_percentage', o.rollout_percentage, 'value', o.value, 'killed', o.killed,
        'rollouts', r.rollouts, 'segments', trackai.flag_segments(the_flag, the_tenant)
    )
    FROM (SELECT trackai.flag_rollouts(the_flag, the_tenant) AS rollouts) r
    LEFT JOIN trackai.feature_flag_overrides o ON o.flag_id = the_flag AND o.tenant_id = the_tenant
    WHERE o.flag_id IS NOT NULL OR r.rollouts <> '[]';
END;
COMMENT ON FUNCTION trackai.override_state IS 'All that evaluation reads of a tenant''s override and rollouts; NULL: it inherits everything.';

CREATE VIEW trackai.feature_flag_periods AS
SELECT v.flag_id, v.flag_key, v.tenant_id, v.id AS version, v.effective_from,
       coalesce(v.next_from, 'infinity') AS effective_to, v.recorded_at, v.state, v.audit_id
FROM (
    SELECT s.*,
           min(s.effective_from) OVER (
               PARTITION BY s.flag_id, s.tenant_id ORDER BY s.id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
           ) AS next_from
    FROM trackai.feature_flag_versions s
) v
WHERE v.next_from IS NULL OR v.effective_from < v.next_from;
COMMENT ON VIEW trackai.feature_flag_periods IS 'When each version is in force, as known now: from effective_from until before effective_to. The periods of a scope are disjoint.';

-- Gates -----------------------------------------------------------------------------------------------------------------

CREATE FUNCTION trackai.built_in_gates()
RETURNS TABLE (key text, name text, description text, value_type text, off_value text, on_value text, bucket_by text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    VALUES
        ('email_matching', 'E-mail matching', 'Whether sales are also matched by e-mail; by the sale''s moment',
         'boolean', 'false', 'true', 'tenant'),
        ('lookback_days', 'Lookback window', 'Days before a sale within which its click lies; by the sale''s moment',
         'integer', '90', '90', 'tenant'),
        ('dispatch_policy', 'Dispatch policy', 'Which sales are delivered: all, or matched',
         'string', 'all', 'all', 'tenant'),
        ('dispatch_target', 'Dispatch target', 'Where events are sent: meta, sandbox, or hold to send nothing',
         'string', 'meta', 'meta', 'tenant'),
        ('anonymise_after_days', 'Anonymise after days',
         'Age in days at which personal fields go, where the policy has a greater one; 0: the policy''s',
         'integer', '0', '0', 'tenant'),
        ('drain_batch_size', 'Drain batch size', 'Sales in a micro-batch of matching',
         'integer', '5000', '5000', 'run');
END;
COMMENT ON FUNCTION trackai.built_in_gates IS 'The flags that the pipeline reads, with the values that hold until somebody changes them.';

CREATE FUNCTION trackai.gate_value(flag_state jsonb, tenant_state jsonb, slug text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    served integer;
BEGIN
    IF flag_state IS NULL THEN
        RETURN NULL;
    END IF;
    IF (flag_state ->> 'killed')::boolean OR coalesce((tenant_state ->> 'killed')::boolean, false)
        OR NOT coalesce((tenant_state ->> 'enabled')::boolean, (flag_state ->> 'enabled')::boolean)
    THEN
        RETURN flag_state ->> 'off_value';
    END IF;
    IF tenant_state ->> 'value' IS NOT NULL THEN
        RETURN tenant_state ->> 'value';
    END IF;
    served := coalesce((tenant_state ->> 'rollout_percentage')::integer, (flag_state ->> 'rollout_percentage')::integer);
    IF served = 100 OR served > 0 AND trackai.flag_bucket(flag_state ->> 'salt', slug) < 100 * served THEN
        RETURN flag_state ->> 'on_value';
    END IF;
    RETURN flag_state ->> 'off_value';
END $$;
COMMENT ON FUNCTION trackai.gate_value IS 'The value of a flag by tenant that has neither rollouts nor prerequisites; NULL where the flag has no state.';

CREATE FUNCTION trackai.settle_matching(tenant_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    WITH periods AS MATERIALIZED (
        SELECT p.flag_key, p.tenant_id, p.effective_from, p.effective_to, p.version, p.state
        FROM trackai.feature_flag_periods p
        WHERE p.flag_key IN ('email_matching', 'lookback_days')
    ),
    bounds AS (
        SELECT t.id, t.slug, '-infinity'::timestamptz AS at
        FROM trackai.tenants t
        WHERE tenant_ids IS NULL OR t.id = ANY (tenant_ids)
        UNION
        SELECT t.id, t.slug, p.effective_from
        FROM trackai.tenants t
        JOIN periods p ON p.tenant_id IS NULL OR p.tenant_id = t.id
        WHERE tenant_ids IS NULL OR t.id = ANY (tenant_ids)
    ),
    valued AS (
        SELECT b.id, b.at,
               coalesce(trackai.gate_value(l.state, lt.state, b.slug), '90')::integer AS lookback_days,
               coalesce(trackai.gate_value(e.state, et.state, b.slug), 'false')::boolean AS email_matching,
               coalesce(CASE WHEN lt.state IS NULL THEN l.version ELSE lt.version END, 0) AS lookback_version,
               coalesce(CASE WHEN et.state IS NULL THEN e.version ELSE et.version END, 0) AS email_version
        FROM bounds b
        LEFT JOIN periods e
            ON e.flag_key = 'email_matching' AND e.tenant_id IS NULL
            AND e.effective_from <= b.at AND b.at < e.effective_to
        LEFT JOIN periods et
            ON et.flag_key = 'email_matching' AND et.tenant_id = b.id
            AND et.effective_from <= b.at AND b.at < et.effective_to
        LEFT JOIN periods l
            ON l.flag_key = 'lookback_days' AND l.tenant_id IS NULL
            AND l.effective_from <= b.at AND b.at < l.effective_to
        LEFT JOIN periods lt
            ON lt.flag_key = 'lookback_days' AND lt.tenant_id = b.id
            AND lt.effective_from <= b.at AND b.at < lt.effective_to
    ),
    -- Neighbours that are equal are one period.
    changed AS (
        SELECT v.*,
               lag(v.lookback_days) OVER earlier IS NOT DISTINCT FROM v.lookback_days
               AND lag(v.email_matching) OVER earlier IS NOT DISTINCT FROM v.email_matching
               AND lag(v.lookback_version) OVER earlier IS NOT DISTINCT FROM v.lookback_version
               AND lag(v.email_version) OVER earlier IS NOT DISTINCT FROM v.email_version AS as_before
        FROM valued v
        WINDOW earlier AS (PARTITION BY v.id ORDER BY v.at)
    ),
    settled AS MATERIALIZED (
        SELECT c.id AS tenant_id, c.at AS effective_from,
               lead(c.at, 1, 'infinity') OVER (PARTITION BY c.id ORDER BY c.at) AS effective_to,
               c.lookback_days, c.email_matching, c.lookback_version, c.email_version
        FROM changed c
        WHERE NOT c.as_before
    ),
    gone AS (
        DELETE FROM trackai.matching_settings m
        WHERE (tenant_ids IS NULL OR m.tenant_id = ANY (tenant_ids))
          AND NOT EXISTS (
              SELECT FROM settled s WHERE s.tenant_id = m.tenant_id AND s.effective_from = m.effective_from
          )
    )
    INSERT INTO trackai.matching_settings AS m
        (tenant_id, effective_from, effective_to, lookback_days, email_matching, lookback_version, email_version)
    SELECT s.tenant_id, s.effective_from, s.effective_to, s.lookback_days, s.email_matching, s.lookback_version,
           s.email_version
    FROM settled s
    ON CONFLICT (tenant_id, effective_from) DO UPDATE
    SET effective_to = excluded.effective_to, lookback_days = excluded.lookback_days,
        email_matching = excluded.email_matching, lookback_version = excluded.lookback_version,
        email_version = excluded.email_version
    WHERE (m.effective_to, m.lookback_days, m.email_matching, m.lookback_version, m.email_version)
          IS DISTINCT FROM (excluded.effective_to, excluded.lookback_days, excluded.email_matching,
                            excluded.lookback_version, excluded.email_version);
END $$;
COMMENT ON FUNCTION trackai.settle_matching IS 'Rewrites the matching settings of tenants, NULL meaning all, from the versions. The caller holds the lock of flags.';

-- Recording -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION trackai.lock_flags() RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    -- FLAGS in database/locks.py. Held to the commit: numbers of versions appear in their order.
    SELECT pg_advisory_xact_lock(7221009);
END;
COMMENT ON FUNCTION trackai.lock_flags IS 'Makes changes of flags one at a time, until the transaction ends.';

CREATE FUNCTION trackai.record_flag_version(
    the_flag bigint, the_key text, the_tenant text, from_moment timestamptz, the_state jsonb, the_action text,
    the_actor text, the_reason text, address inet, was jsonb, becomes jsonb, at timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    new_version bigint;
    new_audit bigint := nextval(pg_get_serial_sequence('trackai.feature_flag_audit_log', 'id'));
    recorded timestamptz;
BEGIN
    PERFORM trackai.lock_flags();
    recorded := coalesce(at, clock_timestamp());
    IF the_tenant IS NULL
        AND NOT EXISTS (
            SELECT FROM trackai.feature_flag_versions v WHERE v.flag_id = the_flag AND v.tenant_id IS NULL
        )
    THEN
        from_moment := '-infinity';
    END IF;
    INSERT INTO trackai.feature_flag_versions
        (flag_id, flag_key, tenant_id, effective_from, recorded_at, state, audit_id)
    VALUES (the_flag, the_key, the_tenant, coalesce(from_moment, recorded), recorded, the_state, new_audit)
    RETURNING id INTO new_version;
    INSERT INTO trackai.feature_flag_audit_log
        (id, flag_id, flag_key, tenant_id, version, action, old_value, new_value, changed_by, change_reason, created_at,
         ip_address)
    VALUES (new_audit, the_flag, the_key, the_tenant, new_version, the_action, was, becomes, the_actor, the_reason,
            recorded, address);
    IF the_key IN ('email_matching', 'lookback_days') THEN
        PERFORM trackai.settle_matching(CASE WHEN the_tenant IS NOT NULL THEN ARRAY[the_tenant] END);
    END IF;
    PERFORM pg_notify('trackai_flags', new_version::text);
    RETURN new_version;
END $$;
COMMENT ON FUNCTION trackai.record_flag_version IS 'Records a state of a scope with its row of the audit log, tells every process, and returns the version. The first state of a flag is in force from -infinity.';

CREATE FUNCTION trackai.flag_actor(otherwise text) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('trackai.actor', true), ''), otherwise, session_user);
COMMENT ON FUNCTION trackai.flag_actor IS 'Who changes flags in this transaction: the setting trackai.actor, else who is given, else the database role.';

CREATE FUNCTION trackai.ensure_gate(the_key text) RETURNS bigint
LANGUAGE plpgsql SET trackai.flags_recorded = 'on' AS $$
DECLARE
    the_flag bigint;
BEGIN
    PERFORM trackai.lock_flags();
    SELECT f.id INTO the_flag FROM trackai.feature_flags f WHERE f.key = the_key;
    IF the_flag IS NULL THEN
        INSERT INTO trackai.feature_flags
            (key, name, description, category, value_type, off_value, on_value, bucket_by, client_visible, permanent,
             created_by)
        SELECT g.key, g.name, g.description, 'Rollout', g.value_type, g.off_value, g.on_value, g.bucket_by, false, true,
               'trackai'
        FROM trackai.built_in_gates() g
        WHERE g.key = the_key
        RETURNING id INTO the_flag;
        IF the_flag IS NULL THEN
            RAISE EXCEPTION 'there is no gate %', the_key;
        END IF;
        PERFORM trackai.record_flag_version(
            the_flag, the_key, NULL, '-infinity', trackai.flag_state(the_flag), 'CREATE', 'trackai',
            'the built-in value, before its first change', NULL, NULL, trackai.flag_state(the_flag)
        );
    END IF;
    RETURN the_flag;
END $$;
COMMENT ON FUNCTION trackai.ensure_gate IS 'Returns the flag of a gate, which gets its row with its first change.';

-- Plain SQL -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION trackai.update_feature_flags_timestamp() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := greatest(now(), OLD.updated_at);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trigger_feature_flags_timestamp BEFORE UPDATE ON trackai.feature_flags
    FOR EACH ROW EXECUTE FUNCTION trackai.update_feature_flags_timestamp();

CREATE FUNCTION trackai.update_rollouts_timestamp() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
        NEW.updated_at := greatest(now(), OLD.updated_at);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trigger_rollouts_timestamp BEFORE UPDATE ON trackai.feature_flag_rollouts
    FOR EACH ROW EXECUTE FUNCTION trackai.update_rollouts_timestamp();
CREATE TRIGGER trigger_overrides_timestamp BEFORE UPDATE ON trackai.feature_flag_overrides
    FOR EACH ROW EXECUTE FUNCTION trackai.update_rollouts_timestamp();

-- Commands record their own changes, with or without triggers, and set trackai.flags_recorded.
CREATE FUNCTION trackai.log_feature_flag_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    noise constant text[] := ARRAY['created_at', 'updated_at', 'created_by', 'updated_by'];
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    changed jsonb := coalesce(becomes, was);
    is_flag constant boolean := TG_TABLE_NAME = 'feature_flags';
    is_override constant boolean := TG_TABLE_NAME = 'feature_flag_overrides';
    the_flag constant bigint := (changed ->> CASE WHEN is_flag THEN 'id' ELSE 'flag_id' END)::bigint;
    the_tenant constant text := changed ->> 'tenant_id';
    the_key text;
    the_state jsonb;
    in_force jsonb;
    the_action text;
    the_actor text;
    the_reason text;
    address inet;
BEGIN
    IF current_setting('trackai.flags_recorded', true) = 'on' THEN
        RETURN NULL;
    END IF;
    PERFORM trackai.lock_flags();
    IF is_flag THEN
        the_key := changed ->> 'key';
        IF TG_OP = 'UPDATE' AND OLD.key <> NEW.key THEN
            RAISE EXCEPTION 'the key % of a feature flag is never changed', OLD.key
                USING ERRCODE = 'restrict_violation', HINT = 'Create another flag and archive this one.';
        END IF;
    ELSE
        -- What hangs on a flag goes with it, and is no change of its own.
        SELECT f.key INTO the_key FROM trackai.feature_flags f WHERE f.id = the_flag;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    IF the_key IN ('email_matching', 'lookback_days') AND TG_TABLE_NAME <> 'feature_flags' AND NOT is_override
        AND TG_OP <> 'DELETE'
    THEN
        RAISE EXCEPTION 'the gate % takes no rollouts and no prerequisites: sales of the past could not be decided again',
            the_key USING ERRCODE = 'restrict_violation', HINT = 'Set its percentage of tenants, or overrides.';
    END IF;
    IF the_key IN (SELECT g.key FROM trackai.built_in_gates() g) AND is_flag
        AND (TG_OP = 'DELETE' OR becomes ->> 'archived_at' IS NOT NULL)
    THEN
        RAISE EXCEPTION 'the gate % cannot be removed: the pipeline reads it', the_key
            USING ERRCODE = 'restrict_violation', HINT = 'Disable it: then its built-in value holds.';
    END IF;
    the_state := CASE WHEN the_tenant IS NULL THEN trackai.flag_state(the_flag)
                      ELSE trackai.override_state(the_flag, the_tenant) END;
    SELECT v.state INTO in_force
    FROM trackai.feature_flag_versions v
    WHERE v.flag_id = the_flag AND v.tenant_id IS NOT DISTINCT FROM the_tenant AND v.effective_from <= clock_timestamp()
    ORDER BY v.id DESC
    LIMIT 1;
    IF TG_OP = 'UPDATE' AND was - noise = becomes - noise THEN
        RETURN NULL;
    END IF;
    the_action := CASE
        WHEN is_flag AND TG_OP = 'INSERT' THEN 'CREATE'
        WHEN TG_OP = 'DELETE' AND (is_flag OR is_override) THEN 'DELETE'
        WHEN is_flag AND was ->> 'archived_at' IS NULL AND becomes ->> 'archived_at' IS NOT NULL THEN 'DELETE'
        WHEN TG_OP = 'UPDATE' AND was - noise - 'enabled' - 'killed' = becomes - noise - 'enabled' - 'killed' THEN 'TOGGLE'
        ELSE 'UPDATE'
    END;
    the_actor := trackai.flag_actor(CASE
        WHEN TG_OP = 'INSERT' THEN changed ->> 'created_by'
        WHEN TG_OP = 'UPDATE' THEN changed ->> 'updated_by'
    END);
    the_reason := coalesce(nullif(current_setting('trackai.reason', true), ''), becomes ->> 'reason');
    address := nullif(current_setting('trackai.ip', true), '')::inet;
    IF TG_OP = 'UPDATE' AND the_state IS NOT DISTINCT FROM in_force
        AND (NOT is_override OR was ->> 'expires_at' IS NOT DISTINCT FROM becomes ->> 'expires_at')
    THEN
        -- Evaluation reads nothing of what changed.
        INSERT INTO trackai.feature_flag_audit_log
            (flag_id, flag_key, tenant_id, action, old_value, new_value, changed_by, change_reason, created_at, ip_address)
        VALUES (the_flag, the_key, the_tenant, the_action, was, becomes, the_actor, the_reason, clock_timestamp(), address);
        RETURN NULL;
    END IF;
    PERFORM trackai.record_flag_version(
        the_flag, the_key, the_tenant, NULL, the_state, the_action, the_actor, the_reason, address, was, becomes
    );
    IF is_override AND (becomes ->> 'expires_at')::timestamptz > clock_timestamp() THEN
        PERFORM trackai.record_flag_version(
            the_flag, the_key, the_tenant, (becomes ->> 'expires_at')::timestamptz,
            CASE WHEN the_state -> 'rollouts' <> '[]' THEN
                the_state || '{"enabled": null, "rollout_percentage": null, "value": null, "killed": null}'
            END,
            'DELETE', the_actor, 'the override expires', address, becomes, NULL
        );
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER trigger_audit_feature_flags AFTER INSERT OR UPDATE OR DELETE ON trackai.feature_flags
    FOR EACH ROW EXECUTE FUNCTION trackai.log_feature_flag_change();
CREATE TRIGGER trigger_audit_feature_flags AFTER INSERT OR UPDATE OR DELETE ON trackai.feature_flag_rollouts
    FOR EACH ROW EXECUTE FUNCTION trackai.log_feature_flag_change();
CREATE TRIGGER trigger_audit_feature_flags AFTER INSERT OR UPDATE OR DELETE ON trackai.feature_flag_prerequisites
    FOR EACH ROW EXECUTE FUNCTION trackai.log_feature_flag_change();
CREATE TRIGGER trigger_audit_feature_flags AFTER INSERT OR UPDATE OR DELETE ON trackai.feature_flag_overrides
    FOR EACH ROW EXECUTE FUNCTION trackai.log_feature_flag_change();

-- A changed segment changes the flags that use it.
CREATE FUNCTION trackai.log_segment_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    scope record;
    the_state jsonb;
BEGIN
    IF current_setting('trackai.flags_recorded', true) = 'on'
        OR (OLD.kind, OLD.condition) IS NOT DISTINCT FROM (NEW.kind, NEW.condition)
    THEN
        RETURN NULL;
    END IF;
    PERFORM trackai.lock_flags();
    FOR scope IN
        SELECT DISTINCT r.flag_id, f.key, r.tenant_id
        FROM trackai.feature_flag_rollouts r
        JOIN trackai.feature_flags f ON f.id = r.flag_id
        WHERE r.user_segment = NEW.name
        ORDER BY r.flag_id, r.tenant_id
    LOOP
        the_state := CASE WHEN scope.tenant_id IS NULL THEN trackai.flag_state(scope.flag_id)
                          ELSE trackai.override_state(scope.flag_id, scope.tenant_id) END;
        PERFORM trackai.record_flag_version(
            scope.flag_id, scope.key, scope.tenant_id, NULL, the_state, 'UPDATE', trackai.flag_actor(NEW.updated_by),
            nullif(current_setting('trackai.reason', true), ''), nullif(current_setting('trackai.ip', true), '')::inet,
            to_jsonb(OLD), to_jsonb(NEW)
        );
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER trigger_audit_feature_flags AFTER UPDATE ON trackai.feature_flag_segments
    FOR EACH ROW EXECUTE FUNCTION trackai.log_segment_change();

-- History is not changed. Rows of the audit log may leave when they are old.
CREATE FUNCTION trackai.refuse_change_of_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'feature_flag_audit_log' THEN
        IF OLD.created_at < now() - interval '2 years' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '%.% is history: its rows are never changed, and a correction is a new row',
        TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER flag_versions_are_history BEFORE UPDATE OR DELETE ON trackai.feature_flag_versions
    FOR EACH ROW EXECUTE FUNCTION trackai.refuse_change_of_history();
CREATE TRIGGER flag_versions_are_not_emptied BEFORE TRUNCATE ON trackai.feature_flag_versions
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_change_of_history();
CREATE TRIGGER flag_audit_log_is_history BEFORE UPDATE OR DELETE ON trackai.feature_flag_audit_log
    FOR EACH ROW EXECUTE FUNCTION trackai.refuse_change_of_history();
CREATE TRIGGER flag_audit_log_is_not_emptied BEFORE TRUNCATE ON trackai.feature_flag_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION trackai.refuse_change_of_history();

-- Columns of tenants ------------------------------------------------------------------------------------------------

CREATE FUNCTION trackai.gate_now(the_key text, the_tenant text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    flag_state jsonb;
    tenant_state jsonb;
BEGIN
    SELECT p.state INTO flag_state FROM trackai.feature_flag_periods p
    WHERE p.flag_key = the_key AND p.tenant_id IS NULL
      AND p.effective_from <= clock_timestamp() AND clock_timestamp() < p.effective_to;
    SELECT p.state INTO tenant_state FROM trackai.feature_flag_periods p
    WHERE p.flag_key = the_key AND p.tenant_id = the_tenant
      AND p.effective_from <= clock_timestamp() AND clock_timestamp() < p.effective_to;
    RETURN coalesce(
        trackai.gate_value(flag_state, tenant_state, (SELECT t.slug FROM trackai.tenants t WHERE t.id = the_tenant)),
        (SELECT g.off_value FROM trackai.built_in_gates() g WHERE g.key = the_key)
    );
END $$;
COMMENT ON FUNCTION trackai.gate_now IS 'The present value of a gate by tenant that has neither rollouts nor prerequisites.';

-- A column of a tenant that differs from its gate becomes an override: of now, or from -infinity where the tenant is new.
CREATE FUNCTION trackai.follow_tenant_settings(the_tenant text, is_new boolean) RETURNS void
LANGUAGE plpgsql SET trackai.flags_recorded = 'on' AS $$
DECLARE
    setting record;
    the_flag bigint;
    was jsonb;
    actor constant text := trackai.flag_actor(NULL);
    why constant text := coalesce(nullif(current_setting('trackai.reason', true), ''), 'set as a column of the tenant');
BEGIN
    FOR setting IN
        SELECT s.key, s.value, s.value = trackai.gate_now(s.key, t.id) AS as_it_is,
               s.value = (SELECT g.off_value FROM trackai.built_in_gates() g WHERE g.key = s.key) AS built_in
        FROM trackai.tenants t
        CROSS JOIN LATERAL (VALUES
            ('dispatch_policy', t.dispatch_policy),
            ('email_matching', t.email_matching::text),
            ('lookback_days', t.lookback_days::text)
        ) AS s (key, value)
        WHERE t.id = the_tenant
    LOOP
        CONTINUE WHEN setting.as_it_is OR is_new AND setting.built_in;
        the_flag := trackai.ensure_gate(setting.key);
        was := trackai.override_state(the_flag, the_tenant);
        INSERT INTO trackai.feature_flag_overrides AS o
            (tenant_id, flag_id, enabled, rollout_percentage, value, killed, reason, created_by)
        VALUES (the_tenant, the_flag, setting.value <> 'false', 100,
                CASE WHEN setting.key <> 'email_matching' THEN setting.value END, false, why, actor)
        ON CONFLICT (tenant_id, flag_id) DO UPDATE
        SET enabled = excluded.enabled, rollout_percentage = excluded.rollout_percentage, value = excluded.value,
            killed = false, reason = excluded.reason, expires_at = NULL, updated_by = actor;
        PERFORM trackai.record_flag_version(
            the_flag, setting.key, the_tenant, CASE WHEN is_new THEN '-infinity'::timestamptz END,
            trackai.override_state(the_flag, the_tenant), 'UPDATE', actor, why,
            nullif(current_setting('trackai.ip', true), '')::inet, was, trackai.override_state(the_flag, the_tenant)
        );
    END LOOP;
    IF NOT EXISTS (SELECT FROM trackai.matching_settings m WHERE m.tenant_id = the_tenant) THEN
        PERFORM trackai.lock_flags();
        PERFORM trackai.settle_matching(ARRAY[the_tenant]);
    END IF;
    -- A tenant that leaves a column at its default inherits what the gate says.
    UPDATE trackai.tenants t
    SET email_matching = g.email_matching, lookback_days = g.lookback_days, dispatch_policy = g.dispatch_policy
    FROM (
        SELECT trackai.gate_now('email_matching', the_tenant)::boolean AS email_matching,
               trackai.gate_now('lookback_days', the_tenant)::integer AS lookback_days,
               trackai.gate_now('dispatch_policy', the_tenant) AS dispatch_policy
    ) g
    WHERE t.id = the_tenant
      AND (t.email_matching, t.lookback_days, t.dispatch_policy)
          IS DISTINCT FROM (g.email_matching, g.lookback_days, g.dispatch_policy);
END $$;
COMMENT ON FUNCTION trackai.follow_tenant_settings IS 'Makes overrides of the columns of a tenant that are gates and differ from them, and settles what matching reads; repeating it changes nothing.';

CREATE FUNCTION trackai.follow_settings_of_tenant() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackai.follow_tenant_settings(NEW.id, false);
    RETURN NULL;
END $$;
CREATE TRIGGER tenants_set_their_gates AFTER UPDATE ON trackai.tenants
    FOR EACH ROW
    WHEN ((OLD.email_matching, OLD.lookback_days, OLD.dispatch_policy)
          IS DISTINCT FROM (NEW.email_matching, NEW.lookback_days, NEW.dispatch_policy))
    EXECUTE FUNCTION trackai.follow_settings_of_tenant();

CREATE FUNCTION trackai.settle_new_tenants() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM trackai.lock_flags();
    PERFORM trackai.follow_tenant_settings(a.id, true)
    FROM added a
    WHERE a.email_matching OR a.lookback_days <> 90 OR a.dispatch_policy <> 'all'
       OR EXISTS (
           SELECT FROM trackai.feature_flags f WHERE f.key IN ('dispatch_policy', 'email_matching', 'lookback_days')
       );
    PERFORM trackai.settle_matching((SELECT coalesce(array_agg(a.id), '{}') FROM added a));
    RETURN NULL;
END $$;
CREATE TRIGGER tenants_have_settings AFTER INSERT ON trackai.tenants
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION trackai.settle_new_tenants();
