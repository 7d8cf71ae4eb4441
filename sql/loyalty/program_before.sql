-- The rules of a tenant's program that hold on a day. Index: loyalty_programs' primary key.
SELECT vip_metric, currency, time_zone, checkpoint_months, grace_days, demote_to, corrections, settle_days, refund_dating,
       credit_field, excluded_gateways, report_sources, auto_enrol, sales_from, status
FROM trackai.loyalty_programs
WHERE tenant_id = %(tenant_id)s AND valid_from <= %(valid_from)s
ORDER BY valid_from DESC
LIMIT 1
