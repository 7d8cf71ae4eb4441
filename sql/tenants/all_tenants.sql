-- Returns every tenant, in order of slug. Index: none, a small table read whole.
SELECT id, slug, name, status, pixel_id, lookback_days, email_matching, default_country, dispatch_policy, sent_event_id,
       limited_data_use, ldu_country, ldu_state, opt_out, test_event_code, take_test_payments,
       reporting_currency, time_zone, journey_days, half_life_hours, credit_unit, buyer_memory_days
FROM trackai.tenants
ORDER BY slug
