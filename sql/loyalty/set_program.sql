-- Sets all rules of a tenant's program from a day on. Index: loyalty_programs' primary key; said again, the later word counts.
INSERT INTO trackai.loyalty_programs
    (tenant_id, valid_from, vip_metric, currency, time_zone, checkpoint_months, grace_days, demote_to, corrections, settle_days,
     refund_dating, credit_field, excluded_gateways, report_sources, auto_enrol, sales_from, status, created_by, created_at,
     updated_at)
VALUES (%(tenant_id)s, %(valid_from)s, %(vip_metric)s, %(currency)s, %(time_zone)s, %(checkpoint_months)s, %(grace_days)s,
        %(demote_to)s, %(corrections)s, %(settle_days)s, %(refund_dating)s, %(credit_field)s, %(excluded_gateways)s,
        %(report_sources)s, %(auto_enrol)s, %(sales_from)s, %(status)s, %(by)s, %(now)s, %(now)s)
ON CONFLICT (tenant_id, valid_from) DO UPDATE
SET vip_metric = excluded.vip_metric, currency = excluded.currency, time_zone = excluded.time_zone,
    checkpoint_months = excluded.checkpoint_months, grace_days = excluded.grace_days, demote_to = excluded.demote_to,
    corrections = excluded.corrections, settle_days = excluded.settle_days, refund_dating = excluded.refund_dating,
    credit_field = excluded.credit_field, excluded_gateways = excluded.excluded_gateways,
    report_sources = excluded.report_sources, auto_enrol = excluded.auto_enrol, sales_from = excluded.sales_from,
    status = excluded.status, created_by = excluded.created_by, updated_at = excluded.updated_at
