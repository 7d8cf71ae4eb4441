-- Who sold on a day.
CREATE INDEX ON {entries} (tenant_id, sale_day)
