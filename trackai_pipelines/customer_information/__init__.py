"""Customer information: what identifies a buyer, normalised and hashed as Meta requires.

The rules are Meta's ("Customer information parameters" of the Conversions API): each value in its normal form, then
SHA-256 in lower-case hex; a value that is a hash already is passed on.

Here: one value in, one value or None out. Not here: which field of a file or payload holds the value (`facts`), and
what is sent (`delivery`). Nothing here stores, logs or raises a raw value.
"""
