-- Staged clicks become clicks; those that are here already are left as they are. The number of rows is that of
-- the new ones.
-- Index: clicks' UNIQUE (tenant_id, external_id), which makes repeating it change nothing. Rows are staged in its
-- order and read in that of the table, so that two processes that load the same clicks lock them in one order.
INSERT INTO trackai.clicks (
    tenant_id, external_id, funnel_id, fbclid, fbc, fbp,
    utm_source, utm_medium, utm_campaign, utm_content, utm_term, ip, user_agent, created_at
)
SELECT
    tenant_id, external_id, funnel_id, fbclid, fbc, fbp,
    utm_source, utm_medium, utm_campaign, utm_content, utm_term, ip, user_agent, coalesce(created_at, now())
FROM pg_temp.staged_clicks
ON CONFLICT DO NOTHING
