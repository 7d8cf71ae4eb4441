-- Returns what must be known of a server before it is used: its version as a number (150008 for 15.8) and the encoding
-- of the database that we are connected to. Index: none. Guarantees: works for every role and on every version.
SELECT current_setting('server_version_num')::integer AS version,
       current_setting('server_encoding') AS encoding,
       current_setting('transaction_read_only') AS read_only
