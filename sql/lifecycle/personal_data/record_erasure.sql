-- Records that a person's data was erased and how many rows that were, but not whose. Index: none.
INSERT INTO trackai.erasures (tenant_id, erased_at, changed) VALUES (%(tenant_id)s, %(now)s, %(changed)s)
