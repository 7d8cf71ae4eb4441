-- Returns the UTC days of the first sales in pg_temp.buyer_sales, as one array.
SELECT array_agg(DISTINCT s.day) AS first_days
FROM buyer_sales s
WHERE s.sale_number = 1
