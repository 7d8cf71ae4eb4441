-- Returns the totals of a test, a row for each day, population (0 so far, 1 mature) and variant (0 the control), and the
-- sums that results are made of. Index: the key of ab_test_daily_totals.
SELECT t.day, (t.population = 'mature')::integer AS population,
       array_position(%(variants)s::text[], t.variant_name) - 1 AS variant,
       t.users_count, t.unlinked_users, t.converted_users, t.attributed_users, t.conversions, t.conversion_squares,
       t.capped_revenue, t.revenue_squares, t.revenue_conversions, t.revenue_conversion_squares,
       t.revenue_conversion_products, t.pre_converted_users, t.both_converted_users, t.pre_conversions,
       t.pre_conversion_squares, t.conversion_products, t.pre_revenue, t.pre_revenue_squares, t.revenue_products,
       t.early_conversions, t.early_conversion_squares, t.late_conversions, t.late_conversion_squares,
       t.early_late_products
FROM trackai.ab_test_daily_totals t
WHERE t.tenant_id = %(tenant_id)s AND t.test_id = %(test_id)s AND t.variant_name = ANY(%(variants)s::text[])
