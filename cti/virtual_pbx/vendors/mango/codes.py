"""Mango's result codes as sentences that say what to do. Pure.

A code that is not known here means what its class means, so says Mango: 2219 is 2210, that is 2200.
"""

import re

_SENTENCES = {
    2: "Mango's billing does not allow it: look at the account in the cabinet.",
    21: "Mango cannot reach the account, or has closed or blocked it: ask Mango's support.",
    22: "Mango's billing limits it: look at the account and the services in the cabinet.",
    221: "The service's limit for this day or month is used up: raise it in the cabinet, or wait.",
    222: "As many calls as the tariff allows are going on: try again when one is over, or raise the limit.",
    223: "The service is not part of the tariff: order it in the cabinet.",
    224: "There is no money left on Mango's account: pay it in.",
    225: "The tariff's limit of this service is reached: raise it in the cabinet.",
    23: "Calls to that direction are blocked: allow it in the cabinet, or dial another number.",
    24: "Mango's billing failed: try again in a minute.",
    3: "Mango found the request wrong: this is a mistake of ours, please report it.",
    31: "Mango found a value wrong: look at the number, the extension and the line.",
    3101: "Mango wants another way of asking: this is a mistake of ours, please report it.",
    3102: "Mango found our signature wrong: run `presszero connect mango` and give both keys anew.",
    3105: "Mango does not know our key: run `presszero connect mango` and give both keys anew.",
    3124: "That line cannot be shown to who is called: choose another line.",
    3136: "The number is written in a way that Mango does not take: write it with the country's code.",
    32: "Mango does not take that number: correct it.",
    33: "Mango does not have it: it was removed, or the number is wrong.",
    331: "Mango does not have that call: it is over.",
    332: "Mango does not have that recording: it was removed, or is not ready.",
    333: "That number is nobody's at Mango: correct the extension.",
    34: "Mango could not read the request: this is a mistake of ours, please report it.",
    4: "Mango cannot do it now.",
    4001: "This PBX does not take that command: order the API service for it, or use the phone.",
    4002: "The recording is too short: Mango keeps none of it.",
    41: "The call is not in a state in which Mango does that: use the phone.",
    4101: "The call is over.",
    4102: "The call is being recorded already.",
    4104: "The call was forwarded too often: send it to another number.",
    42: "Nobody can be reached there now: try another.",
    429: "Too many requests at once: try again in a few seconds.",
    45: "Mango's security settings do not allow it: look at them in the cabinet.",
    4501: "Mango limits how often that number is called: wait.",
    5: "Mango has a fault: try again in a minute, or use the phone.",
    5001: "Mango is overloaded: try again in a minute, or use the phone.",
    5008: "Mango has no such service ready: try again in a minute, and look at the tariff.",
}
_WRONG = "3"  # a wrong request: one in two minutes is forgiven


def refusal_of(code: int) -> str | None:
    """Why it was not done; None: it was."""
    digits = str(abs(code))
    if digits.startswith("1"):
        return None
    for length in range(len(digits), 0, -1):
        if sentence := _SENTENCES.get(int(digits[:length])):
            return f"{sentence} (Mango's code {code}.)"
    return f"Mango did not do it, and gave no reason that is known here. (Mango's code {code}.)"


def is_wrong_request(code: int) -> bool:
    """Whether Mango counts the request as wrong, of which a second within two minutes locks us out."""
    return str(code).startswith(_WRONG)


def code_of(refusal: str) -> int | None:
    """The code that such a sentence ends with."""
    found = re.search(r"\(Mango's code (\d+)\.\)$", refusal)
    return int(found[1]) if found else None
