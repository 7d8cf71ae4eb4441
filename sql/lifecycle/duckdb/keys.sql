-- Computes the keys of a click, for DuckDB: the same as trackai.click_key and trackai.browser_key of the migrations,
-- which archived clicks do not carry. White space is Unicode's, as there.
CREATE OR REPLACE MACRO trimmed(value) AS nullif(regexp_replace(
    value,
    '^[\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+|[\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+$',
    '', 'g'
), '');
CREATE OR REPLACE MACRO fbclid_of_fbc(fbc) AS CASE
    WHEN regexp_matches(
        trimmed(fbc),
        '^fb[.][012][.][0-9]+[.][^.\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+([.][^.]*)?$'
    ) AND length(split_part(trimmed(fbc), '.', 4)) <= 512
    THEN split_part(trimmed(fbc), '.', 4)
END;
CREATE OR REPLACE MACRO well_formed_fbclid(fbclid) AS CASE
    WHEN regexp_matches(
        trimmed(fbclid),
        '^[^.\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+$'
    ) AND length(trimmed(fbclid)) <= 512
    THEN trimmed(fbclid)
END;
CREATE OR REPLACE MACRO click_key(fbc, fbclid) AS coalesce(fbclid_of_fbc(fbc), well_formed_fbclid(fbclid));
CREATE OR REPLACE MACRO browser_key(fbp) AS CASE
    WHEN regexp_matches(trimmed(fbp), '^fb[.][012][.][0-9]+[.][0-9]+([.][^.]*)?$')
    THEN regexp_extract(trimmed(fbp), '^fb[.][012][.][0-9]+[.][0-9]+')
END;
