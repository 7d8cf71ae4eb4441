-- Drops the tables of what arrived, so that one transaction can compute several times.
DROP TABLE pg_temp.arrived_sales, pg_temp.arrived_users, pg_temp.touched_users
