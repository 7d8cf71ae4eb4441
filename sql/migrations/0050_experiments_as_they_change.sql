-- Tests are computed from what arrived since they were computed last.

-- What arrived since a moment, without reading the whole table.
CREATE INDEX users_by_change ON trackai.users
    USING brin (changed_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX user_conversions_by_arrival ON trackai.user_conversions
    USING brin (linked_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX ab_test_assignments_by_arrival ON trackai.ab_test_assignments
    USING brin (created_at timestamptz_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);

-- One rule for all users of a tenant's tests, and for those whose first row says that they were assigned in some time: of
-- these alone a part of the table is read. A user may have been assigned earlier than the first row says.
CREATE FUNCTION trackai.ab_test_users_as_known(
    the_tenant text, known_at timestamptz, first_from timestamptz, first_until timestamptz
)
RETURNS TABLE (test_id bigint, user_id text, variant_name text, assigned_at timestamptz, exclusion text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.test_id, a.user_id, a.variant_assigned, least(a.assigned_at, r.assigned_at),
           CASE
               WHEN r.first_variant <> a.variant_assigned OR r.last_variant <> a.variant_assigned
                   THEN 'conflicting_variants'
               WHEN least(a.assigned_at, r.assigned_at) < b.opened OR least(a.assigned_at, r.assigned_at) >= b.closed
                   OR (b.has_pauses AND NOT b.period @> least(a.assigned_at, r.assigned_at))
                   THEN 'outside_test_period'
               WHEN x.user_id IS NOT NULL THEN 'excluded_user'
           END
    FROM trackai.ab_test_assignments a
    JOIN trackai.ab_test_bounds(the_tenant) b ON b.test_id = a.test_id
    -- Most users are neither: they are looked up once.
    LEFT JOIN (
        SELECT m.user_id FROM trackai.ab_test_reassignments m WHERE m.tenant_id = the_tenant
        UNION
        SELECT e.user_id FROM trackai.excluded_users e WHERE e.tenant_id = the_tenant
    ) s ON s.user_id = a.user_id
    LEFT JOIN (
        SELECT r.test_id, r.user_id, min(r.assigned_at) AS assigned_at, min(r.variant_assigned) AS first_variant,
               max(r.variant_assigned) AS last_variant
        FROM trackai.ab_test_reassignments r
        WHERE r.tenant_id = the_tenant AND r.created_at <= known_at
        GROUP BY r.test_id, r.user_id
    ) r ON r.test_id = a.test_id AND r.user_id = s.user_id
    LEFT JOIN trackai.excluded_users x
        ON x.tenant_id = the_tenant AND x.user_id = s.user_id AND x.created_at <= known_at
    WHERE a.tenant_id = the_tenant AND a.created_at <= known_at
      AND (first_from IS NULL OR a.assigned_at >= first_from)
      AND (first_until IS NULL OR a.assigned_at < first_until);
END;
COMMENT ON FUNCTION trackai.ab_test_users_as_known (text, timestamptz, timestamptz, timestamptz) IS 'The users of a tenant''s tests with the variant and time that count, and why a user is not analysed (NULL: is), from the rows that had arrived by a moment; those whose first row is of some time (NULL: of any).';

CREATE OR REPLACE FUNCTION trackai.ab_test_users_as_known(the_tenant text, known_at timestamptz)
RETURNS TABLE (test_id bigint, user_id text, variant_name text, assigned_at timestamptz, exclusion text)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT u.test_id, u.user_id, u.variant_name, u.assigned_at, u.exclusion
    FROM trackai.ab_test_users_as_known(the_tenant, known_at, NULL::timestamptz, NULL::timestamptz) u;
END;
