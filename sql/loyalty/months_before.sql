-- The day that lies some months before another one.
SELECT (%(day)s::date - make_interval(months => %(months)s::int))::date
