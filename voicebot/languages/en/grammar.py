"""English answers, phrase by phrase, for recognisers that take a grammar."""

from voicebot.languages.shape import listed

YES = ("yes", "yeah", "yes please", "that is right", "right", "correct", "exactly", "sure", "okay")
NO = (
    "no",
    "nope",
    "no thank you",
    "no thanks",
    "that is wrong",
    "wrong",
    "that is all",
    "nothing",
)
PERSON = (
    *("operator", "a person", "a human", "an agent", "a real person", "representative", "somebody"),
    *("a colleague", "i want to talk to a person", "can i speak to someone", "put me through", "connect me"),
    "zero",
)
HINTS = (
    *("operator", "representative", "customer service", "a real person", "an agent", "a human", "somebody"),
    "a supervisor",
)
GOODBYE = ("goodbye", "bye", "thank you", "thanks", "that was all", "no that is all")
BESIDE = listed("um uh please it is and then the number my i said was not born on in")
"""Words around a number or a date."""
