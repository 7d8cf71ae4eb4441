-- Adds one tenant; returns its id, or no row if the slug or the id is taken.
-- Index: the keys of tenants find the conflict. Guarantees: an existing tenant stays as it is.
INSERT INTO trackai.tenants
    (id, slug, name, status, pixel_id, lookback_days, email_matching, default_country, dispatch_policy, sent_event_id,
     limited_data_use, ldu_country, ldu_state, opt_out, test_event_code, take_test_payments,
     reporting_currency, time_zone, journey_days, half_life_hours, credit_unit, buyer_memory_days)
VALUES
    (%(id)s, %(slug)s, %(name)s, %(status)s, %(pixel_id)s, %(lookback_days)s, %(email_matching)s, %(default_country)s,
     %(dispatch_policy)s, %(sent_event_id)s, %(limited_data_use)s, %(ldu_country)s, %(ldu_state)s, %(opt_out)s,
     %(test_event_code)s, %(take_test_payments)s, %(reporting_currency)s, %(time_zone)s, %(journey_days)s,
     %(half_life_hours)s, %(credit_unit)s, %(buyer_memory_days)s)
ON CONFLICT DO NOTHING
RETURNING id
