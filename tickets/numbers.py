"""Phone numbers: the one door to the phonenumbers library. Pure."""

import re

import phonenumbers

_LONGEST = 64  # nobody writes a number longer; the library's own limit is 250
_SHORTEST_BARE = 7  # digits that may be a whole international number; fewer are an extension
_LONGEST_E164 = 15  # digits, ITU-T E.164; the library knows longer ones as possible


def normalise_number(raw: str, region: str) -> str | None:
    """E.164 of a number as a person or a PBX wrote it; None when it is no phone number.

    `region` is the country (ISO 3166, two letters) whose national format `raw` may be in. Extensions and
    short numbers have no E.164 form and give None. "Possible" is asked for, not "valid": numbering plans
    change faster than the library's tables, and a caller from a new range is a caller all the same.
    """
    if len(raw) > _LONGEST or any(char.isalpha() for char in raw):
        return None  # the library would read "1-800-FLOWERS", and with it many a name
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164 if len(e164) <= 1 + _LONGEST_E164 else None


def normalise_bare_number(raw: str, region: str) -> str | None:
    """E.164 of a number as a virtual PBX tells it: with the plus of an international number, or without.

    Bare digits can be read both ways. Where the region writes a trunk prefix in front of its national numbers
    and there is none, they are international, as the vendors' documents have them; else they are national.
    The other reading counts where the likelier one is no number that anybody has.
    """
    national = normalise_number(raw, region)
    digits = raw.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) >= _SHORTEST_BARE):
        return national
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    if trunk == str(phonenumbers.country_code_for_region(region)):
        trunk = ""  # as in North America: nobody has to write it
    readings = [normalise_number(f"+{digits}", region), national]
    if digits.startswith(trunk):
        readings.reverse()
    possible = [one for one in readings if one is not None]
    valid = (one for one in possible if phonenumbers.is_valid_number(phonenumbers.parse(one)))
    return next(valid, possible[0] if possible else None)


def digit_forms(raw: str, region: str) -> tuple[str, ...]:
    """The digits of a number as a network may send them: as written, E.164, with and without the trunk
    prefix.
    """
    forms = ["".join(char for char in raw if char in "0123456789")]
    e164 = normalise_number(raw, region)
    if e164 is not None:
        number = phonenumbers.parse(e164)
        national = phonenumbers.national_significant_number(number)
        trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
        forms += [e164[1:], national, f"{trunk}{national}"]
    return tuple(dict.fromkeys(forms))


SHORTEST_PART = 4  # digits; fewer are in every other number


def number_parts(raw: str, region: str) -> tuple[str, ...]:
    """What to look for in E.164 numbers when a person writes a number, or a part of one, in any spelling.

    Its E.164 form where it may be a whole number; its digits, also without an international prefix or the
    trunk prefix that `region` writes in front of national numbers. Empty for what is no part of a number.
    """
    if len(raw) > _LONGEST or not re.fullmatch(r"[\d\s()+./-]*", raw):
        return ()
    digits = "".join(char for char in raw if char in "0123456789")
    if len(digits) < SHORTEST_PART:
        return ()
    whole = normalise_number(raw, region)
    if raw.strip().startswith("+"):
        return (whole or digits,)
    parts = [digits] if whole is None else [whole, digits]
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    for prefix in ("00", trunk):
        rest = digits.removeprefix(prefix)
        if prefix and rest != digits and len(rest) >= SHORTEST_PART:
            parts.append(rest)
    return tuple(dict.fromkeys(parts))
