-- Drops the table of users who arrived, so that one transaction can compute several times.
DROP TABLE pg_temp.arrived_users
