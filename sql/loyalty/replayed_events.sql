-- How many events a course has between two days.
SELECT count(*) FROM {events} p WHERE p.checkpoint_date BETWEEN %(from_day)s AND %(to_day)s
