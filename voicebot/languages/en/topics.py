"""English that no script teaches: words that carry no topic, and what people call support lines about.

A word that is neither here nor in the script speaks of something that the script does not know.
"""

from voicebot.languages.shape import Topics, listed

_NEUTRAL = """
    a an the this that these those some any every each no not all both more most much many few lot
    lots little less least other another own same such one two three four five six seven eight nine
    ten twenty thirty hundred i me my mine myself you your yours he him his she her it its we us our
    they them their who whom whose which what when where why how whether if because while since
    until as than then so too very also even still already yet again ever never always often
    sometimes maybe perhaps only just really quite am is are was were be been being do does did done
    doing have has had having can could may might must shall should will would need want wanna like
    know tell say said ask think see look find get got give go going come take make let put use try
    mean show hear call help happen start keep to of for in on at by from with about into over after
    before between through during under near around without against up down out off here there now
    today tonight tomorrow yesterday morning evening afternoon night day days week weeks weekend
    month months year years time times hour hours minute minutes ago soon late early last next first
    new old monday tuesday wednesday thursday friday saturday sunday january february march april
    june july august september october november december and or but yes okay please thank thanks
    hello hi hey good great right fine sure well thing things something anything nothing everything
    someone somebody anyone anybody people person way kind sort bit question information exactly
    wonder wondering possible able interested calling called gonna moment second quick read bring
    used using today's anyway different else however regarding concerning case matter idea thought
    guess believe hope hoping trying wait sorry understand remember says told asked talk speak
    talking speaking listen yeah yep
"""

_BACKGROUND = (
    "i want to cancel my order",
    "my card was charged twice",
    "i forgot my password and can not log in",
    "i would like to change my address",
    "the website does not work",
    "how do i delete my account",
    "i want to make a complaint",
    "what is the weather like tomorrow",
    "can you send me an invoice",
    "i am calling about a job",
    "when does the train leave",
    "where is my package",
    "i would like to book a table for two",
    "my phone is broken",
    "how do i get to the airport",
    "who is your boss",
    "i want my money back",
    "can you call me back later",
    "it is about my insurance",
    "i need to speak about my contract",
    "the machine took my money and did not work",
    "i have moved to another city",
    "can you repeat that please",
    "what can you do",
    "tell me something about yourself",
    "i lost my card",
    "i did not get the email",
    "how do i turn off the notifications",
    "my bill is wrong",
    "i want to order a pizza",
    "is there parking near you",
    "do i have to pay tax on that",
    "i would like to know your name",
    "there is a problem with my account",
    "what do you think about it",
    "can i pay by credit card",
    "my daughter is sick",
    "i was at the doctor yesterday",
    "it is raining outside",
    "are you there",
    "could you help me with something",
    "i have a question",
    "what is this about",
    "why did nobody call me",
    "how old do i have to be",
    "can i do that from abroad",
    "the man at the counter was rude",
    "i want to speak about something else",
    "how does it work",
    "what happened to my application",
)


def stem(word: str) -> str:
    """Without the endings of plurals and verbs."""
    for ending in ("ings", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


TOPICS = Topics(
    stem=stem,
    neutral=frozenset(listed(_NEUTRAL)),
    background=_BACKGROUND,
    joints=frozenset({"and", "but", "so", "because", "anyway"}),
)
