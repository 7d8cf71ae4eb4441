-- Staged accounts of ad platforms replace what is known of them, as far as they say something; returns how many are new
-- or changed. Another time zone moves the hours of an account to other UTC days, which are due by its time.
-- Index: ad_accounts' primary key, in whose order rows are written.
WITH stated AS (
    SELECT DISTINCT ON (s.tenant_id, s.source, s.account_id)
           s.tenant_id, s.source, s.account_id,
           coalesce(s.name, a.name) AS name,
           coalesce(s.currency, a.currency) AS currency,
           coalesce(s.time_zone, a.time_zone, 'UTC') AS time_zone
    FROM pg_temp.staged_ad_accounts s
    LEFT JOIN trackai.ad_accounts a
        ON a.tenant_id = s.tenant_id AND a.source = s.source AND a.account_id = s.account_id
    ORDER BY s.tenant_id, s.source, s.account_id, s.name, s.currency, s.time_zone
), moved AS (
    INSERT INTO trackai.ad_accounts AS a
        (tenant_id, source, account_id, name, currency, time_zone, time_zone_changed_at, created_at)
    SELECT tenant_id, source, account_id, name, currency, time_zone, %(now)s, %(now)s
    FROM stated
    -- PostgreSQL refuses a time zone that it does not know.
    WHERE %(now)s::timestamptz AT TIME ZONE time_zone IS NOT NULL
    ORDER BY tenant_id, source, account_id
    ON CONFLICT (tenant_id, source, account_id) DO UPDATE
    SET name = excluded.name,
        currency = excluded.currency,
        time_zone = excluded.time_zone,
        time_zone_changed_at = CASE
            WHEN excluded.time_zone = a.time_zone THEN a.time_zone_changed_at ELSE excluded.time_zone_changed_at
        END
    WHERE (a.name, a.currency, a.time_zone) IS DISTINCT FROM (excluded.name, excluded.currency, excluded.time_zone)
    RETURNING 1
)
SELECT count(*) FROM moved
