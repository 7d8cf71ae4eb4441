-- Matches the claimed conversions: fbc, then fbp, then (where the sale's settings say so) e-mail, else unmatched.
-- Writes one attribution for each conversion and one log row for each strategy tried, and returns what was decided.
-- The triggers attributed_are_queued and matched_late_are_queued (sql/schema.sql) then queue the sale for delivery.
-- The settings are those of the sale's moment, not of now: matching_settings has them, made from the versions of the
-- gates lookback_days and email_matching.
-- Indexes: clicks_by_click_key, clicks_by_browser_key (newest first: each look-up reads one entry),
-- identities_by_email, and the primary keys of conversions, clicks, matched_attributions and matching_settings (read
-- backwards: one entry, however many periods a tenant has).
-- A candidate's key is compared, not only its hash; a text that is its own key is compared directly, which saves a
-- pattern match.
-- Guarantees: a candidate is a click of the same tenant with the same key in (sale - lookback, sale + 5 minutes],
-- the newest wins, then the highest id; a conversion that is matched already keeps its click; the result depends on
-- the facts and the settings of the sales alone, not on batches or workers. A sale whose moment has no settings gets no
-- strategy, which matched_attributions refuses: the statement fails, and its batch is back on the queue. A placeholder
-- (undefined, the hash of nothing) is no key: malformed_key.
-- A conversion that stays unmatched goes on the queue once more, to be looked at after this transaction has
-- committed: a click that commits in between is seen by that look, or sees this conversion's open keys.
-- OFFSET 0 keeps a step's expressions from being copied into each place that names them: they are computed once for
-- each row, without the cost of storing the step. It also keeps identities_by_click from look-ups by e-mail: identities
-- get their click after they were loaded, and one that was analysed before seems empty to the planner.
WITH moment AS (
    SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS at
),
batch AS (
    SELECT c.tenant_id,
           c.id AS conversion_id,
           q.cause,
           c.occurred_at,
           c.created_at,
           c.occurred_at - s.lookback_days * interval '24 hours' AS after,
           c.occurred_at + interval '5 minutes' AS until,
           s.email_matching,
           c.fbc,
           c.fbclid,
           c.fbp,
           trackai.click_key(c.fbc, c.fbclid) AS click_key,
           c.customer_email_hash,
           trackai.contact_hash(c.customer_email_hash) AS email_hash,
           a.strategy IS NULL AS is_new,
           coalesce(a.attempts, 0) AS attempts
    FROM unnest(%(tenant_ids)s::text[], %(conversion_ids)s::bigint[], %(causes)s::text[])
             AS q (tenant_id, conversion_id, cause)
    JOIN trackai.conversions c ON c.tenant_id = q.tenant_id AND c.id = q.conversion_id
    LEFT JOIN LATERAL (
        SELECT CASE WHEN c.occurred_at < p.effective_to THEN p.lookback_days END AS lookback_days, p.email_matching
        FROM trackai.matching_settings p
        WHERE p.tenant_id = q.tenant_id AND p.effective_from <= c.occurred_at
        ORDER BY p.effective_from DESC
        LIMIT 1
    ) s ON true
    LEFT JOIN trackai.matched_attributions a ON a.tenant_id = q.tenant_id AND a.conversion_id = q.conversion_id
    WHERE a.strategy IS NULL OR a.strategy = 'unmatched'
    OFFSET 0
),
by_fbc AS (
    SELECT b.*,
           CASE WHEN k.created_at > b.after THEN k.id END AS fbc_click,
           CASE
               WHEN k.created_at > b.after THEN 'hit'
               WHEN b.click_key IS NULL THEN
                   CASE
                       WHEN coalesce(trackai.trimmed(b.fbc), trackai.trimmed(b.fbclid)) IS NULL THEN 'no_key'
                       ELSE 'malformed_key'
                   END
               WHEN k.id IS NOT NULL OR EXISTS (
                   SELECT 1 FROM trackai.clicks late
                   WHERE late.tenant_id = b.tenant_id
                     AND trackai.key_hash(trackai.click_key(late.fbc, late.fbclid)) = trackai.key_hash(b.click_key)
                     AND trackai.click_key(late.fbc, late.fbclid) = b.click_key
                     AND late.created_at > b.until
               ) THEN 'outside_window'
               ELSE 'no_candidate'
           END AS fbc_outcome,
           CASE WHEN k.created_at > b.after THEN NULL ELSE trackai.browser_key(b.fbp) END AS browser_key
    FROM batch b
    LEFT JOIN LATERAL (
        SELECT c.id, c.created_at
        FROM trackai.clicks c
        WHERE c.tenant_id = b.tenant_id
          AND trackai.key_hash(trackai.click_key(c.fbc, c.fbclid)) = trackai.key_hash(b.click_key)
          AND (c.fbc IS NULL AND c.fbclid = b.click_key OR trackai.click_key(c.fbc, c.fbclid) = b.click_key)
          AND c.created_at <= b.until
        ORDER BY c.created_at DESC, c.id DESC
        LIMIT 1
    ) k ON true
    OFFSET 0
),
by_fbp AS (
    SELECT b.*,
           CASE WHEN k.created_at > b.after THEN k.id END AS fbp_click,
           CASE
               WHEN b.fbc_click IS NOT NULL THEN NULL
               WHEN k.created_at > b.after THEN 'hit'
               WHEN b.browser_key IS NULL THEN
                   CASE WHEN trackai.trimmed(b.fbp) IS NULL THEN 'no_key' ELSE 'malformed_key' END
               WHEN k.id IS NOT NULL OR EXISTS (
                   SELECT 1 FROM trackai.clicks late
                   WHERE late.tenant_id = b.tenant_id
                     AND trackai.key_hash(trackai.browser_key(late.fbp)) = trackai.key_hash(b.browser_key)
                     AND trackai.browser_key(late.fbp) = b.browser_key
                     AND late.created_at > b.until
               ) THEN 'outside_window'
               ELSE 'no_candidate'
           END AS fbp_outcome
    FROM by_fbc b
    LEFT JOIN LATERAL (
        SELECT c.id, c.created_at
        FROM trackai.clicks c
        WHERE b.browser_key IS NOT NULL
          AND c.tenant_id = b.tenant_id
          AND trackai.key_hash(trackai.browser_key(c.fbp)) = trackai.key_hash(b.browser_key)
          AND (c.fbp = b.browser_key OR trackai.browser_key(c.fbp) = b.browser_key)
          AND c.created_at <= b.until
        ORDER BY c.created_at DESC, c.id DESC
        LIMIT 1
    ) k ON true
    OFFSET 0
),
by_email AS (
    SELECT b.*,
           k.id AS email_click,
           CASE
               WHEN NOT b.email_matching OR b.fbc_click IS NOT NULL OR b.fbp_click IS NOT NULL THEN NULL
               WHEN b.email_hash IS NULL THEN
                   CASE WHEN b.customer_email_hash IS NULL THEN 'no_key' ELSE 'malformed_key' END
               WHEN k.id IS NOT NULL THEN 'hit'
               WHEN EXISTS (
                   SELECT 1
                   FROM (
                       SELECT i.click_id
                       FROM trackai.identities i
                       WHERE i.tenant_id = b.tenant_id AND i.email_hash = b.email_hash
                       OFFSET 0
                   ) i
                   WHERE i.click_id IS NOT NULL
               ) THEN 'outside_window'
               ELSE 'no_candidate'
           END AS email_outcome
    FROM by_fbp b
    LEFT JOIN LATERAL (
        SELECT c.id
        FROM (
            SELECT i.tenant_id, i.click_id
            FROM trackai.identities i
            WHERE b.email_matching AND b.fbc_click IS NULL AND b.fbp_click IS NULL
              AND i.tenant_id = b.tenant_id
              AND i.email_hash = b.email_hash
            OFFSET 0
        ) i
        JOIN trackai.clicks c ON c.tenant_id = i.tenant_id AND c.id = i.click_id
        WHERE c.created_at > b.after
          AND c.created_at <= b.until
        ORDER BY c.created_at DESC, c.id DESC
        LIMIT 1
    ) k ON true
    OFFSET 0
),
decided AS MATERIALIZED (
    SELECT b.tenant_id, b.conversion_id, b.cause, b.occurred_at, b.created_at, b.is_new, b.attempts,
           b.fbc_outcome, b.fbc_click, b.fbp_outcome, b.fbp_click, b.email_outcome, b.email_click,
           coalesce(b.fbc_click, b.fbp_click, b.email_click) AS click_id,
           CASE
               WHEN b.after IS NULL THEN NULL
               WHEN b.fbc_click IS NOT NULL THEN 'fbc'
               WHEN b.fbp_click IS NOT NULL THEN 'fbp'
               WHEN b.email_click IS NOT NULL THEN 'email'
               ELSE 'unmatched'
           END AS strategy,
           1 + (b.fbp_outcome IS NOT NULL)::int + (b.email_outcome IS NOT NULL)::int AS tried,
           CASE WHEN coalesce(b.fbc_click, b.fbp_click, b.email_click) IS NULL THEN trackai.key_hash(b.click_key) END
               AS open_click_key,
           CASE WHEN coalesce(b.fbc_click, b.fbp_click, b.email_click) IS NULL THEN trackai.key_hash(b.browser_key) END
               AS open_browser_key,
           CASE WHEN coalesce(b.fbc_click, b.fbp_click, b.email_click) IS NULL THEN trackai.key_hash(b.email_hash) END
               AS open_email_key
    FROM by_email b
),
recorded AS (
    SELECT d.*, m.at
    FROM decided d
    CROSS JOIN moment m
    WHERE d.is_new OR d.click_id IS NOT NULL OR d.cause = 'rematch' OR d.strategy IS NULL
),
attributed AS (
    INSERT INTO trackai.matched_attributions AS a
        (tenant_id, conversion_id, click_id, strategy, matched_at, attempts,
         open_click_key, open_browser_key, open_email_key)
    SELECT r.tenant_id, r.conversion_id, r.click_id, r.strategy, r.at, r.attempts + r.tried,
           r.open_click_key, r.open_browser_key, r.open_email_key
    FROM recorded r
    ORDER BY r.tenant_id, r.conversion_id
    ON CONFLICT (tenant_id, conversion_id) DO UPDATE
    SET click_id = excluded.click_id,
        strategy = excluded.strategy,
        matched_at = CASE WHEN excluded.click_id IS NULL THEN a.matched_at ELSE excluded.matched_at END,
        attempts = excluded.attempts,
        open_click_key = excluded.open_click_key,
        open_browser_key = excluded.open_browser_key,
        open_email_key = excluded.open_email_key
    WHERE a.strategy = 'unmatched'
),
logged AS (
    INSERT INTO trackai.match_log
        (tenant_id, conversion_id, attempt, strategy, outcome, click_id, processing_ms, run_id, created_at)
    SELECT r.tenant_id, r.conversion_id, r.attempts + tried.place, tried.strategy, tried.outcome, tried.click_id,
           greatest(0, 1000 * date_part('epoch', clock_timestamp() - transaction_timestamp())),
           %(run_id)s, r.at
    FROM recorded r
    CROSS JOIN LATERAL (VALUES
        (1, 'fbc', r.fbc_outcome, r.fbc_click),
        (2, 'fbp', r.fbp_outcome, r.fbp_click),
        (3, 'email', r.email_outcome, r.email_click)
    ) AS tried (place, strategy, outcome, click_id)
    WHERE tried.outcome IS NOT NULL
),
second_look AS (
    INSERT INTO trackai.match_queue (tenant_id, conversion_id, cause)
    SELECT d.tenant_id, d.conversion_id, 'recheck'
    FROM decided d
    WHERE d.is_new AND coalesce(d.open_click_key, d.open_browser_key, d.open_email_key) IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT (r.occurred_at AT TIME ZONE 'UTC')::date AS day,
       r.strategy,
       -- Milliseconds from arrival to decision, eight buckets to a doubling (matching/latency.py).
       CASE
           WHEN r.is_new AND r.cause = 'new'
           THEN floor(8 * ln(greatest(1, 1000 * date_part('epoch', r.at - r.created_at))) / ln(2::float))::integer
       END AS latency,
       count(*) AS conversions,
       count(*) FILTER (WHERE r.is_new) AS new,
       sum(r.tried) AS attempts
FROM recorded r
GROUP BY 1, 2, 3
