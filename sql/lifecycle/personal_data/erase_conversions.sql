-- Takes a person out of conversions, and the keys that their attributions wait for. The sale itself stays. Messages of
-- delivery's attempts are left alone: none repeats a buyer's data. Indexes: primary keys.
-- The caller holds the micro-batches' lock and the tenant's delivery, so that nobody works with what goes.
WITH waiting AS (
    UPDATE trackai.matched_attributions a
    SET open_click_key = NULL, open_browser_key = NULL, open_email_key = NULL
    WHERE a.tenant_id = %(tenant_id)s
      AND a.conversion_id = ANY (%(conversion_ids)s)
      AND num_nonnulls(a.open_click_key, a.open_browser_key, a.open_email_key) > 0
)
UPDATE trackai.conversions c
SET customer_email_hash = NULL,
    customer_phone_hash = NULL,
    customer_information = NULL,
    client_ip = NULL,
    client_user_agent = NULL,
    fbclid = NULL,
    fbc = NULL,
    fbp = NULL,
    event_source_url = NULL,
    anonymised_at = %(now)s
WHERE c.tenant_id = %(tenant_id)s AND c.id = ANY (%(conversion_ids)s)
