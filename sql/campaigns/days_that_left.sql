-- Whether clicks or touches of one of the UTC days %(from_day)s to %(to_day)s have begun to leave for the archive.
-- Reads the archives of both tables, a row a day.
SELECT EXISTS (
    SELECT FROM trackai.archives a
    WHERE a.table_name IN ('clicks', 'conversion_touchpoints')
      AND a.day BETWEEN %(from_day)s AND %(to_day)s
      AND a.dropped_at IS NOT NULL
      AND a.state <> 'restored'
)
