-- A user's variant, for the app.

-- Plans are kept by the session. An index serves each statement, however few rows there were when it was planned.
CREATE FUNCTION trackai.ab_test_variant(the_tenant text, the_test_key text, the_user text) RETURNS text
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    test record;
    chosen text COLLATE "C";
    names text[];
    weight double precision;
    beginning double precision := 0;
    place double precision;
BEGIN
    SELECT t.* INTO test FROM trackai.ab_tests t WHERE t.tenant_id = the_tenant AND t.test_key = the_test_key;
    -- What is stored is true, whatever the hash says.
    SELECT a.variant_assigned INTO chosen
    FROM trackai.ab_test_assignments a
    WHERE a.tenant_id = the_tenant AND a.test_id = test.id AND a.user_id = the_user;
    IF FOUND THEN
        RETURN chosen;
    END IF;
    IF (test.status = 'running' AND test.assigned_by = 'trackai' AND now() >= test.start_date AND now() >= test.started_at
        AND now() < coalesce(test.end_date, 'infinity') AND length(the_user) BETWEEN 1 AND 512) IS NOT TRUE
    THEN
        RETURN NULL;
    END IF;
    names := array_remove(ARRAY[test.control_variant, test.variant_a, test.variant_b, test.variant_c], NULL);
    place := trackai.flag_bucket(coalesce(test.hash_seed, test.test_key), the_user) / 10000::double precision;
    -- Shares are added in this order, so that each boundary is the same number everywhere.
    FOR position IN 1 .. cardinality(names) LOOP
        weight := coalesce(test.weights[position], 1 / cardinality(names)::double precision);
        IF place >= beginning AND place < beginning + test.traffic_percent / 100 * weight THEN
            chosen := names[position];
        END IF;
        beginning := beginning + weight;
    END LOOP;
    IF chosen IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO trackai.ab_test_assignments (tenant_id, test_id, user_id, variant_assigned)
    VALUES (the_tenant, test.id, the_user, chosen)
    ON CONFLICT (tenant_id, test_id, user_id) DO NOTHING;
    IF NOT FOUND THEN
        -- Another caller was quicker, and its answer counts.
        SELECT a.variant_assigned INTO chosen
        FROM trackai.ab_test_assignments a
        WHERE a.tenant_id = the_tenant AND a.test_id = test.id AND a.user_id = the_user;
    END IF;
    RETURN chosen;
END $$;
COMMENT ON FUNCTION trackai.ab_test_variant IS 'A user''s variant in a test: the stored one, else, while the test takes users, the one of the user''s bucket, which is stored. NULL: show the control, and count nobody.';
