-- The events of a course from a day on, by status.
SELECT p.status, count(*) FROM {events} p WHERE p.checkpoint_date >= %(from_day)s GROUP BY p.status
