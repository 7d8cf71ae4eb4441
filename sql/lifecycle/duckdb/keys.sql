-- Computes the keys of a click, for DuckDB: the same as trackai.click_key and trackai.browser_key of the migrations,
-- which archived clicks do not carry. White space is Unicode's, as there. The patterns of placeholders are variables,
-- set from customer_information/placeholders.py.
CREATE OR REPLACE MACRO trimmed(value) AS nullif(regexp_replace(
    value,
    '^[\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+|[\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+$',
    '', 'g'
), '');
CREATE OR REPLACE MACRO encoded_of(key) AS regexp_replace(
    translate(key, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'),
    getvariable('encoded_percent'), '%', 'g'
);
CREATE OR REPLACE MACRO decoded(encoded) AS regexp_replace(
    replace(replace(array_to_string(list_transform(
        regexp_extract_all(encoded, '(?s)%[0-9a-f][0-9a-f]|.'),
        lambda sign: CASE
            WHEN length(sign) = 1 THEN sign
            WHEN sign BETWEEN '%20' AND '%7e' THEN lower(chr(CAST('0x' || sign[2:] AS INTEGER)))
            ELSE ' '
        END
    ), ''), '&lt;', '<'), '&gt;', '>'),
    getvariable('entity'), ' ', 'g'
);
CREATE OR REPLACE MACRO is_placeholder(key) AS CASE
    WHEN length(key) >= 32 AND regexp_matches(key, '^[0-9A-Za-z-][0-9A-Za-z_-]*$') THEN false
    ELSE regexp_matches(encoded_of(key), getvariable('in_per_cent'), 's')
        OR regexp_matches(decoded(encoded_of(key)), getvariable('placeholder'), 's')
END;
CREATE OR REPLACE MACRO unless_placeholder(key) AS CASE WHEN NOT is_placeholder(key) THEN key END;
CREATE OR REPLACE MACRO fbclid_of_fbc(fbc) AS CASE
    WHEN regexp_matches(
        trimmed(fbc),
        '^fb[.][0-9]+[.][0-9]+[.][^.\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+([.][^.]*)?$'
    ) AND length(split_part(trimmed(fbc), '.', 4)) <= 512
    THEN unless_placeholder(split_part(trimmed(fbc), '.', 4))
END;
CREATE OR REPLACE MACRO well_formed_fbclid(fbclid) AS CASE
    WHEN regexp_matches(
        trimmed(fbclid),
        '^[^.\x{0009}-\x{000D}\x{001C}-\x{0020}\x{0085}\x{00A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]+$'
    ) AND length(trimmed(fbclid)) <= 512
    THEN unless_placeholder(trimmed(fbclid))
END;
CREATE OR REPLACE MACRO click_key(fbc, fbclid) AS coalesce(fbclid_of_fbc(fbc), well_formed_fbclid(fbclid));
CREATE OR REPLACE MACRO browser_key(fbp) AS CASE
    WHEN regexp_matches(trimmed(fbp), '^fb[.][0-9]+[.][0-9]+[.]0*[1-9][0-9]*([.][^.]*)?$')
    THEN regexp_extract(trimmed(fbp), '^fb[.][0-9]+[.][0-9]+[.][0-9]+')
END;
