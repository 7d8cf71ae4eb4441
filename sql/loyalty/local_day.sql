-- The day that it is somewhere at a moment.
SELECT (%(now)s::timestamptz AT TIME ZONE %(time_zone)s)::date
