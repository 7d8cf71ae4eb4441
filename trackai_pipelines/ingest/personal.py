"""What is personal or secret: by the name of a field, and by the look of a text.

What belongs here: the lists and the patterns, and texts with their personal parts replaced. What does not: walking a
payload, bounds (`masking`). The patterns have bounded repetitions, so no text makes them slow; callers pass texts of a
few thousand characters.
"""

import re
from base64 import b64decode
from hashlib import sha256

# Field names are compared in lower case without anything but letters and digits: checkout_phone is checkoutphone.
_NOISE = re.compile(r"[^a-z0-9]")

_SECRET_PARTS: tuple[str, ...] = ("secret", "password", "passwd", "signature", "authorization", "authentication")
_SECRET_PARTS += ("apikey", "hottok", "credential")
_SECRET_NAMES = {"chaveunica", "accessurl", "orderstatusurl", "receipturl", "cvv", "cvc", "pwd", "hmac"}
_EMAIL_NAMES = {"mail", "em", "correo"}
_PHONE_PARTS = ("phone", "telefon", "celular", "whatsapp", "mobile", "msisdn", "contactnumber")
_PHONE_NAMES = {"ph", "tel", "cel", "cell", "fone", "dddcell", "areacode", "ddd", "tel2"}
_DOCUMENT_PARTS: tuple[str, ...] = ("cpf", "cnpj", "docnumber", "documentnumber", "identificationnumber", "documment")
_DOCUMENT_PARTS += ("taxid", "taxnumber", "passport", "birthdate", "dateofbirth")
_DOCUMENT_NAMES = {"document", "documento", "identification", "rg", "dni", "curp", "ssn", "dob", "db", "birthday"}
_DOCUMENT_NAMES |= {"doc", "cardnumber", "creditcardnumber", "datanascimento", "datadenascimento", "fechanacimiento"}
_NAME_NAMES = {"firstname", "lastname", "fullname", "middlename", "surname", "givenname", "familyname", "fn", "ln"}
_NAME_NAMES |= {"holdername", "cardholdername", "customername", "buyername", "payername", "sobrenome", "instagram"}
# These are a product's, a plan's or a shop's as often; only inside a person's record are they the person's.
_NAME_NAMES_OF_A_PERSON = {"name", "nome", "nickname", "username", "displayname", "businessname", "individualname"}
_NAME_NAMES_OF_A_PERSON |= {"companyname", "holder"}
_ADDRESS_NAMES = {"address", "address1", "address2", "addressline1", "addressline2", "street", "streetname"}
_ADDRESS_NAMES |= {"streetnumber", "line1", "line2", "endereco", "logradouro", "complement", "complemento"}
_ADDRESS_NAMES |= {"neighborhood", "bairro", "zip", "zipcode", "postalcode", "cep", "latitude", "longitude", "zp"}
_ADDRESS_NAMES |= {"billingaddress", "shippingaddress", "defaultaddress"}
_ADDRESS_NAMES |= {"postcode", "district", "adminarea1", "adminarea2"}
_ADDRESS_NAMES |= {"city", "cidade", "ciudad", "ct", "state", "estado", "province", "provincecode", "uf", "st"}
_ADDRESS_NAMES |= {"country", "countrycode", "countryiso", "countryname", "pais"}
# What buyers write themselves, and a gateway's copy of the whole payload as a text.
_NOTE_NAMES = {"customernote", "json"}
_GENDER_NAMES = {"gender", "ge", "sex", "sexo", "genero"}
_CUSTOMER_ID_NAMES = {"customerid", "buyerid"}
# Gateways that do not nest begin the names of a person's fields with one of these: cus_name, client_address_city.
_OF_A_PERSON = re.compile("(?:customer|cus|client|student|aff|buyer|payer|billing|shipping)(?=[a-z])")
_PERSON_PARTS: tuple[str, ...] = ("customer", "buyer", "payer", "subscriber", "cardholder", "comprador", "student")
_PERSON_PARTS += ("billing", "shipping", "recipient")
_PERSON_NAMES = {"user", "owner", "holder", "card", "contact", "lead", "client", "person", "receiver", "userdata"}
_PERSON_NAMES |= {"cards", "address", "defaultaddress", "phone", "identification"}

# A hash, or what was meant to be one: as an operator must see it to know why it was refused. It changes between letters
# and digits all the time; a number with anything glued to it does not.
_HASH = r"(?=[a-z]{0,128}(?:[0-9]{1,128}[a-z]{1,128}){4})[0-9a-z]{32,128}"
_HASHED = re.compile(rf"\s{{0,8}}{_HASH}\s{{0,8}}", re.IGNORECASE)

# The part before the @ may hold =&?|/ too; they are taken only right before it, as they delimit far more often.
# NUL is no delimiter: it stands between the letters of a file in UTF-16.
_DELIMITER = r"\s<>()\[\],;:\"=&?|/"
_EMAIL = re.compile(
    rf"(?:[^{_DELIMITER}@]{{1,128}}[=&?|/]{{0,64}}|[=&?|/]{{1,64}})(?:@|\uff20|\ufe6b|%40|%2540|&#64;|&#x40;|\\u0040)[^{_DELIMITER}'\\]{{0,255}}",
    re.IGNORECASE,
)
# An address that somebody could be written to. Above, in what is refused anyway, any trace of one is enough.
_ADDRESS = re.compile(r"[\w.%+'\-]{1,64}(?:@|%40)(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}", re.IGNORECASE)
_EMAIL_SIGNS = ("@", "\uff20", "\ufe6b", "%40", "%2540", "&#64;", "&#x40;", "&#X40;", "\\u0040")

# Where an id, an amount or a network address goes on. Letters beyond ASCII are in none of them: bytes of UTF-16 that
# are read one byte off look like such letters.
_ID = r"0-9a-z_"
_DIGIT_OR_SIGN = r"0-9_.\-"
# The digits of a character that is written as an escape are not the next text's: %20, \xc3, \u00e9.
_ESCAPED = r"(?<=%[0-9a-f]{2})|(?<=\\x[0-9a-f]{2})|(?<=\\u[0-9a-f]{4})"

# Beyond doubt a phone number: a plus with 8 to 15 digits; an area code in brackets; groups that end in four
# digits; a Brazilian mobile with its country code. Letters may touch them, but for groups that hyphens or dots join.
# Anything less may be an order id.
_PHONE = re.compile(
    r"(?:\+|%2B)[\s(]{0,2}[0-9](?:[\s().\-\0]{0,3}[0-9]){7,14}(?![0-9])"
    r"|\([0-9]{2,4}\)\s{0,2}[0-9]{3,5}[\s.\-]?[0-9]{4}(?![0-9])"
    rf"|(?:(?<![{_ID}.\-])|{_ESCAPED})[0-9]{{2,3}}[ .\-][0-9]{{3,5}}[ .\-][0-9]{{4}}(?![{_ID}\-])"
    rf"|(?:(?<![{_DIGIT_OR_SIGN}])|{_ESCAPED})[0-9]{{2,3}} [0-9]{{3,5}}[ .\-][0-9]{{4}}(?![{_DIGIT_OR_SIGN}])"
    rf"|(?:(?<![0-9])|{_ESCAPED})55[1-9][1-9]9[0-9]{{8}}(?![0-9])",
    re.IGNORECASE,
)

# In a text that has no fields, any run of 8 to 15 digits with the usual separators, and one of 10 to 13 digits even
# where letters touch it; except in what is no phone number for sure: dates, times, network addresses, fields that say
# so, Meta's cookies, UUIDs and hashes.
_TEN_TO_13_DIGITS = r"[0-9](?:[ ().\-/\0]{0,3}[0-9]){9,12}"
_TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+\-][0-9]{2}:?[0-9]{2}(?![0-9]))?"
_RAW_PHONE = re.compile(
    rf"(?P<kept>(?<![0-9])[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_TIME}|(?![0-9]))"
    rf"|(?<![0-9]){_TIME}(?![0-9])"
    r"|(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])"
    r"|(?<![a-z])(?:(?:[a-z0-9]{1,30}_){0,4}(?:id|at|date|time|ts|created|updated|transaction|fbclid)"
    r"|(?-i:[a-z]{1,30}(?:Id|At|Date)))[\"']?\s?[:=]\s?[\"']?[\w\-.][\w\-.:]{0,127}"
    r"|fb\.[0-2]\.[0-9]{1,20}\.[\w\-]{1,512}"
    r"|(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])"
    rf"|(?<![0-9a-z]){_HASH}(?![0-9a-z]))"
    r"|(?:\+|%2B)[\s(]{0,2}[0-9](?:[ ().\-/\0]{0,3}[0-9]){7,14}(?![0-9])"
    rf"|(?:(?<![{_DIGIT_OR_SIGN}])|{_ESCAPED})\(?{_TEN_TO_13_DIGITS}(?![0-9_])"
    rf"|(?:(?<![{_ID}])|{_ESCAPED})[\s(]{{0,2}}[0-9](?:[ ().\-/\0]{{0,3}}[0-9]){{7,14}}(?![{_ID}])"
    # No phone number has as many digits, but two texts that run into each other may hold one.
    r"|(?P<long>[0-9]{16,2500})",
    re.IGNORECASE,
)

# A text that is nothing but 10 to 13 digits, as phone numbers are written without a country code or a plus. What is not
# printable ASCII does not make an id of it.
_ONLY_DIGITS = re.compile(rf"[^!-~]{{0,200}}\(?[^!-~]{{0,4}}{_TEN_TO_13_DIGITS}[^!-~]{{0,200}}")
# A network address, or an amount with its cents.
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_NO_PHONE = re.compile(rf"\s*(?:(?:{_OCTET}\.){{3}}{_OCTET}|[0-9]{{1,15}}\.[0-9]{{1,2}})\s*")
# Fields that hold such digits by right, by the end of their names.
_COUNTS: tuple[str, ...] = (
    "id",
    "ids",
    "ref",
    "reference",
    "number",
    "code",
    "key",
    "value",
    "amount",
    "price",
    "total",
    "fee",
    "at",
)
_COUNTS += ("date", "time", "timestamp", "created", "updated", "transaction", "sku", "order", "orders", "quantity")
_COUNTS += ("fbclid", "fbc", "fbp", "hash", "sck", "src")

# Base64 of either alphabet. Ids and hashes look so too, but what they decode to is no text: of eleven random bytes all
# are printable once in 50,000 times.
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]{15,}={0,2}")
_SHORTEST_HIDDEN = 11
_ENCODED_HEAD = 400
# gzip, zstd, bzip2, zip.
_PACKED = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"BZh", b"PK\x03\x04")

_FIELD = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z][\w\-]{0,60})\\{0,3}[\"']?\s{0,3}[:=]\s{0,3}")
# Quoted as in JSON, or as in JSON inside a text of JSON, where each quote and escape has backslashes before it.
_FIELD_VALUE = re.compile(
    r"\"(?P<quoted>(?:[^\"\\]|\\.)*)|\\{1,3}\"(?P<nested>(?:[^\"\\]|\\{1,4}(?:u[0-9A-Fa-f]{4}|[bfnrt/]))*)"
    r"|'(?P<single>[^']*)|(?P<bare>[^\s\"'\\,;&|{}\[\]]+)"
)


def sensitivity(field: str, *, in_person: bool) -> str | None:
    """What a field of this name holds that must not be kept: "secret", "e-mail", "phone", ... or None.

    `in_person` says that it stands inside a buyer's record, where a plain `name` is the buyer's.
    """
    name = _NOISE.sub("", field[:200].lower())
    prefix = _OF_A_PERSON.match(name)
    if prefix and (kind := sensitivity(name[prefix.end() :], in_person=True)):
        return kind
    if name in _SECRET_NAMES or name.endswith("token") or _has(name, _SECRET_PARTS):
        return "secret"
    if name in _EMAIL_NAMES or "email" in name:
        return "e-mail"
    if name in _PHONE_NAMES or _has(name, _PHONE_PARTS):
        return "phone"
    if name in _DOCUMENT_NAMES or _has(name, _DOCUMENT_PARTS):
        return "document"
    if name in _NAME_NAMES or (in_person and name in _NAME_NAMES_OF_A_PERSON):
        return "name"
    if name in _ADDRESS_NAMES or name.startswith("address"):
        return "address"
    if in_person and name in {"number", "numero", "extension"}:
        return "address"
    if name in _NOTE_NAMES:
        return "note"
    if name in _GENDER_NAMES:
        return "gender"
    return "customer id" if name in _CUSTOMER_ID_NAMES else None


def is_of_a_person(field: str) -> bool:
    """Whether a field of this name holds a buyer's record."""
    name = _NOISE.sub("", field[:200].lower())
    return name in _PERSON_NAMES or _has(name, _PERSON_PARTS)


def is_of_a_count(field: str) -> bool:
    """Whether digits in a field of this name are an id, an amount, a time or a key by right."""
    return _NOISE.sub("", field[:200].lower()).endswith(_COUNTS)


def looks_like_a_phone(text: str) -> bool:
    """Whether the text is nothing but the digits of a phone number, as it may be in a field of any name."""
    return _ONLY_DIGITS.fullmatch(text) is not None and _NO_PHONE.fullmatch(text) is None


def looks_hashed(text: str) -> bool:
    """Whether the text is a hash, or was meant to be one (wrong length, upper case): nobody can be read from it."""
    return _HASHED.fullmatch(text) is not None


def masked_free_text(text: str) -> str:
    """A text inside a payload, with e-mail addresses, certain phone numbers and sensitive `name=value`s replaced."""
    plain = _without_encoded(text)
    return _PHONE.sub("[phone masked]", _without_emails(_without_fields(plain, in_person=False)))


def masked_raw_text(text: str) -> str:
    """A text without structure, such as a broken line: e-mail addresses, sensitive fields, and every run of digits
    that may be a phone number."""
    without = _without_emails(_without_fields(_without_encoded(text), in_person=True))
    return _RAW_PHONE.sub(_unless_kept, _PHONE.sub("[phone masked]", without))


def _unless_kept(match: re.Match[str]) -> str:
    return match["kept"] or ("[number masked]" if match["long"] else "[phone masked]")


def emails_hashed(text: str) -> str:
    """The text with each e-mail address replaced by the start of its SHA-256: different texts stay different."""
    return _ADDRESS.sub(lambda match: f"[e-mail {sha256(match[0].lower().encode()).hexdigest()[:12]}]", text)


def _without_encoded(text: str) -> str:
    """The text without base64 of texts and of packed data, which would hide an address from everything else here."""
    return _BASE64.sub(lambda match: "[encoded text masked]" if _hides_text(match[0]) else match[0], text)


def _hides_text(run: str) -> bool:
    plain = run[:_ENCODED_HEAD].rstrip("=").replace("-", "+").replace("_", "/")
    # A run may have lost its beginning, or have a name right before it.
    for first in range(4):
        whole = (len(plain) - first) // 4 * 4
        raw = b64decode(plain[first : first + whole])
        if raw.startswith(_PACKED) or (len(raw) >= _SHORTEST_HIDDEN and _is_text(raw)):
            return True
    return False


def _is_text(raw: bytes) -> bool:
    text = raw.decode("utf-8", "replace").rstrip("\ufffd")
    return all(sign.isprintable() or sign in "\r\n\t" for sign in text) and "\ufffd" not in text


def _without_emails(text: str) -> str:
    if not any(sign in text for sign in _EMAIL_SIGNS):
        return text
    return _EMAIL.sub("[e-mail masked]", text)


def _without_fields(text: str, *, in_person: bool) -> str:
    """The text with the values of sensitive fields replaced: a query's, or those of JSON that could not be read."""
    parts: list[str] = []
    done = position = 0
    while field := _FIELD.search(text, position):
        position = field.end()
        kind = sensitivity(field[1], in_person=in_person)
        value = _FIELD_VALUE.match(text, position) if kind else None
        if kind is None or value is None:
            continue
        start, position = value.span(value.lastgroup or 0)
        found = text[start:position]
        if found in {"", "null", "true", "false"} or (kind != "secret" and looks_hashed(found)):
            continue
        parts += [text[done:start], f"[{kind} masked]"]
        done = position
    return "".join([*parts, text[done:]])


def _has(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in name for part in parts)
