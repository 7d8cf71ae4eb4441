-- Adds the rules of the sample's program.
INSERT INTO trackai.loyalty_programs (tenant_id, valid_from, currency, report_sources, sales_from, status, created_by)
VALUES (%(tenant_id)s, %(first)s, 'BRL', ARRAY['cruva'], %(first)s, 'active', 'marina')
