-- Staged conversions become conversions; those that are here already (the same event, or another event of the
-- same sale) are left as they are. The number of rows is that of the new ones.
-- Indexes: conversions' UNIQUE (tenant_id, gateway, gateway_event_id) and conversions_one_per_sale, which make
-- repeating it change nothing. Rows are staged in the order of tenant, gateway, sale, time and event and read in
-- that of the table (a temporary one is never read from its middle), so that two processes that load the same lock
-- it in one order, and the earliest event of a sale wins.
INSERT INTO trackai.conversions (
    tenant_id, gateway, sale_key, occurred_at, gateway_event_id, order_id, event_name, value, currency,
    fbclid, fbc, fbp, customer_email_hash, customer_phone_hash, client_ip, client_user_agent, event_source_url,
    customer_information
)
SELECT
    tenant_id, gateway, sale_key, occurred_at, gateway_event_id, order_id, event_name, value, currency,
    fbclid, fbc, fbp, customer_email_hash, customer_phone_hash, client_ip, client_user_agent, event_source_url,
    customer_information
FROM pg_temp.staged_conversions
ON CONFLICT DO NOTHING
