-- The state in which each of these files was loaded last. Index: ingest_files' primary key.
SELECT source, fingerprint FROM trackai.ingest_files WHERE source = ANY (%(sources)s)
