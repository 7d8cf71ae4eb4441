-- Drops the table of sales that arrived, so that one transaction can compute several times.
DROP TABLE pg_temp.arrived_sales
