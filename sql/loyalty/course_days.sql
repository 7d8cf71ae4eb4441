-- Days on which something can become of the creators of a course, besides the ends of their windows, days on which rules
-- begin and days that know more postings: they enrol, the day after a sale, and the days on which a negative entry may
-- leave the climb, which is a day later than the months say after a short month. Index: none, all rows are read.
SELECT d.day
FROM (
    SELECT c.enrolled_on AS day FROM {creators} c
    UNION
    SELECT e.sale_day + 1 FROM {entries} e
    UNION
    SELECT (e.sale_day + 1 + make_interval(months => m.months))::date + n.later
    FROM {entries} e
    CROSS JOIN unnest(%(months)s::int[]) AS m (months)
    CROSS JOIN generate_series(0, 1) AS n (later)
    WHERE e.amount < 0 OR e.units < 0
) AS d
WHERE d.day >= (SELECT min(c.enrolled_on) FROM {creators} c)
