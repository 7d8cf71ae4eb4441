-- Whether clicks or touches of one of the UTC days %(from_day)s to %(to_day)s are in archives only.
-- Reads the archives of both tables, a row a day.
SELECT EXISTS (
    SELECT FROM trackai.archives a
    WHERE a.table_name IN ('clicks', 'conversion_touchpoints')
      AND a.day BETWEEN %(from_day)s AND %(to_day)s
      AND a.state = 'dropped'
)
