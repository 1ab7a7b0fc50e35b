"""Phone numbers: the one door to the phonenumbers library. Pure."""


def normalise_number(raw: str, region: str) -> str | None:
    """E.164 of a number as a person or a PBX wrote it; None when it is no phone number.

    `region` is the country (ISO 3166, two letters) whose national format `raw` may be in.
    """
    raise NotImplementedError
