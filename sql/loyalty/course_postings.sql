-- The postings that brought entries of a course's creators.
SELECT DISTINCT e.posting_no FROM {entries} e
