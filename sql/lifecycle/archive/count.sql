-- How many rows a day's own table has, and the first and the last of their times. No index: the table is read whole.
SELECT count(*), min(t.{time}), max(t.{time}) FROM {relation} t
