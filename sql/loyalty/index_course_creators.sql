-- The sums of one creator after the other.
CREATE INDEX ON {entries} (tenant_id, user_id, sale_day)
