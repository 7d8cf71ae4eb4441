-- Drops the table of touched users, so that one transaction can compute several times.
DROP TABLE pg_temp.touched_users
