-- One sale, as an app inserts it.
INSERT INTO trackai.conversions
    (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at, fbc, fbp, customer_email_hash,
     customer_phone_hash, client_ip, client_user_agent, event_source_url)
VALUES
    (%(tenant_id)s, %(gateway)s, %(gateway_event_id)s, %(order_id)s, %(value)s, %(currency)s, %(occurred_at)s, %(fbc)s,
     %(fbp)s, %(customer_email_hash)s, %(customer_phone_hash)s, %(client_ip)s, %(client_user_agent)s,
     %(event_source_url)s)
RETURNING id
