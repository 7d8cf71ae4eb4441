-- Changes the columns of a tenant whose parameter is not NULL; an empty text removes a value. Returns its id, or no
-- row.
-- Index: tenants_slug_key. Guarantees: the trigger tenants_are_followed (sql/schema.sql) queues sales that become due.
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
    take_test_payments = coalesce(%(take_test_payments)s, take_test_payments),
    reporting_currency = nullif(coalesce(%(reporting_currency)s, reporting_currency), ''),
    time_zone = coalesce(%(time_zone)s, time_zone),
    journey_days = nullif(coalesce(%(journey_days)s, journey_days::text), '')::integer,
    half_life_hours = coalesce(%(half_life_hours)s, half_life_hours),
    credit_unit = coalesce(%(credit_unit)s, credit_unit),
    buyer_memory_days = coalesce(%(buyer_memory_days)s, buyer_memory_days),
    updated_at = now()
WHERE slug = %(slug)s
RETURNING id
