-- Drops the tables of a course, so that one transaction can play several.
DROP TABLE {creators}, {events}, {entries}
