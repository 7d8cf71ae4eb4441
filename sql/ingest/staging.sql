-- Temporary tables that COPY fills and the insert_* statements empty into the facts, one set per connection.
-- Columns stand in the order in which rows are written (ingest/rows.py, STAGED) and have the types of the facts, so
-- that a value that the database cannot take fails here. Emptied by every commit and rollback. No index: read once.
SET temp_buffers = '64MB';
CREATE TEMPORARY TABLE IF NOT EXISTS staged_clicks (
    tenant_id text COLLATE "C",
    external_id text COLLATE "C",
    funnel_id text COLLATE "C",
    fbclid text COLLATE "C",
    fbc text COLLATE "C",
    fbp text COLLATE "C",
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_content text,
    utm_term text,
    ip inet,
    user_agent text,
    created_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_identities (
    tenant_id text COLLATE "C",
    external_id text COLLATE "C",
    email_hash text COLLATE "C",
    phone_hash text COLLATE "C",
    click_id bigint,
    click_external_id text COLLATE "C",
    created_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_conversions (
    tenant_id text COLLATE "C",
    gateway text COLLATE "C",
    sale_key text COLLATE "C",
    occurred_at timestamptz,
    gateway_event_id text COLLATE "C",
    order_id text COLLATE "C",
    event_name text,
    value numeric(18, 4),
    currency character(3),
    fbclid text COLLATE "C",
    fbc text COLLATE "C",
    fbp text COLLATE "C",
    customer_email_hash text COLLATE "C",
    customer_phone_hash text COLLATE "C",
    client_ip inet,
    client_user_agent text,
    event_source_url text,
    customer_information jsonb
) ON COMMIT DELETE ROWS;
