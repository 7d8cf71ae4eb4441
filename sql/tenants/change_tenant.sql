-- Changes a tenant in what is not null; an empty text removes a value. Answers with its id, or with no row.
-- Index: tenants_slug_key. Guarantees: whatever becomes due by it is queued by the table's own trigger.
UPDATE trackai.tenants
SET name = coalesce(%(name)s, name),
    status = coalesce(%(status)s, status),
    pixel_id = nullif(coalesce(%(pixel_id)s, pixel_id), ''),
    lookback_days = coalesce(%(lookback_days)s, lookback_days),
    email_matching = coalesce(%(email_matching)s, email_matching),
    default_country = nullif(coalesce(%(default_country)s, default_country), ''),
    dispatch_policy = coalesce(%(dispatch_policy)s, dispatch_policy),
    sent_event_id = coalesce(%(sent_event_id)s, sent_event_id),
    limited_data_use = coalesce(%(limited_data_use)s, limited_data_use),
    ldu_country = coalesce(%(ldu_country)s, ldu_country),
    ldu_state = coalesce(%(ldu_state)s, ldu_state),
    opt_out = coalesce(%(opt_out)s, opt_out),
    test_event_code = nullif(coalesce(%(test_event_code)s, test_event_code), ''),
    updated_at = now()
WHERE slug = %(slug)s
RETURNING id
