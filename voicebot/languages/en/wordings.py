"""English wishes: for a person, good-bye, yes, no; and how recognisers write them.

"Can another person collect my prize" is a question about something else and must not be a wish for a person.
"""

import re

from voicebot.languages.shape import Wordings, listed, not_behind, one_of, only

_CONTRACTIONS = {
    "i'd": "i would",
    "i'm": "i am",
    "i'll": "i will",
    "i've": "i have",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "wanna": "want to",
    "gonna": "going to",
    "gotta": "got to",
    "gimme": "give me",
    "lemme": "let me",
    "let's": "let us",
    "goodbye": "good bye",
    "good-bye": "good bye",
    "bye-bye": "bye bye",
    "alright": "all right",
    "ok": "okay",
    "'em": "them",
}


_PERSON = one_of("""
    operators? | agents? | representatives? | reps? | humans?(?: help| assistance)? | colleagues?
    | supervisors? | receptionists? | consultants? | advis[eo]rs? | person | people | somebody | someone
    | anybody | anyone | man | woman | guy | lady | manager | staff | employee | member | help ?desk
    | support(?: team)? | call cent(?:er|re) | (?:customer|client|tech(?:nical)?) (?:services?|support|care)
""")
_ADJECTIVE = one_of("""
    real | live | actual | living | human | another | different | free | single | proper | your | one of your
    | of your | the | a | an | any | some
""")
_WHICH = f"(?:{_ADJECTIVE} )*"
_HELPS = one_of(
    "talk | speak | help | assist | answer | call | explain | tell | take over | chat | listen | connect"
)
_WE_CAN = one_of("(?:that )?(?:i |we )?(?:can|could) | to")
_ANYBODY = "(?:any|some)(?:body|one)"

# After the person something may follow that is still the request ("… please", "… who can help me"), but not
# another matter ("an agent to buy a ticket from", "somebody won").
_STILL = one_of(rf"""
    being | there | here | now | not | instead | immediately | right | today | and | because | or | about
    | thank | on the (?:line|phone) | (?:who|that|which) (?:can|could|knows|is|will|understands)
    | {_WE_CAN} {_HELPS} | for (?:help|this|that) | (?:in|from|at) your | member
""")
_ENDS = rf"(?=$| {_STILL}\b)"
# "Put me through to billing" is one of our people; "the billing department of my bank" is not.
_DESK = r"(?:\w+ )?(?:department|desk|team|office|section|billing|sales)"
_WANT = one_of("""
    want | wants | need | get | give | call | find | prefer | rather have | like | would like | have | reach
    | ask for | asked for | asking for | looking for | bring | contact | be | got
""")
_TO_REACH = "(?: to (?:have|get|reach|see|contact|call|be with))?(?: me| us)?(?: for| to)?"

_TO_SOMEBODY = rf"(?:{_ENDS}| (?:to|with) {_WHICH}(?:{_DESK}|(?:\w+ )?{_PERSON}){_ENDS})"

_REQUESTS = tuple(
    re.compile(pattern)
    for pattern in (
        # talk to a person, speak with one of your colleagues; also where the recogniser lost "to"
        r"(?<!am i )\b(?:talk|speak|speaking|talking|chat)(?: directly| again| now)? (?:to|with|for) "
        rf"{_WHICH}(?:\w+ )?{_PERSON}\b",
        r"\b(?:let me|can i|could i|may i|i want to|i need to|i would like to|i would rather)"
        # to whomever: the recogniser lost the word; one word alone may be somebody's name
        r"(?: just)? (?:talk|speak) (?:to|with)(?: (?:an?|the|some|her|him|them))?"
        r"(?:$|(?! (?:my|you)\b)(?! \w+$) )",
        rf"\b(?:talk|speak|chat) {_WHICH}{_PERSON}{_ENDS}",
        # nobody would rather speak of something than with somebody
        r"\b(?:prefer|rather)(?: to)? (?:talk|speak|talking|speaking)\b(?! about)",
        # connect me, transfer my call, put me through, hand me over; to whom, if it is said at all
        r"\b(?:connect|transfer|redirect|forward|switch|patch) (?:me|us|my call|this call|the call)"
        rf"(?: through| over)?{_TO_SOMEBODY}",
        rf"\b(?:be|get) (?:connected|transferred|put through|switched)(?: through| over)?{_TO_SOMEBODY}",
        rf"\b(?:put|pass|hand|get|patch|let) (?:me|us) (?:through|over|on|onto|in touch){_TO_SOMEBODY}",
        r"\b(?:connect(?:ing)?|transfer|put|pass|hand|switch)(?: through| over)? (?:to|with) "
        rf"{_WHICH}{_PERSON}\b",
        r"^put through\b",
        rf"\b(?:help|assistance|an answer|advice) from {_WHICH}{_PERSON}\b",
        rf"^{_WHICH}{_PERSON} (?:from|in|at|of) (?:the |your ){_PERSON}\b",
        # I want an operator, get me a human, is there anybody I can talk to, can somebody help me
        rf"(?<!do i )(?<!do not )(?<!will not )\b{_WANT}{_TO_REACH} {_WHICH}(?:\w+ )?{_PERSON}{_ENDS}",
        rf"\b(?:is|are) there (?:no |not )?{_WHICH}{_PERSON}{_ENDS}",
        rf"\b(?:is|are) {_ANYBODY} (?:there|here|available|listening)(?: (?:there|here))?{_ENDS}",
        rf"\b(?:can|could|will|would) {_WHICH}(?:{_ANYBODY}|person|human|operator|agent|representative) "
        r"(?:help|assist|talk|speak|call|take over)\b(?: to| with)?(?: me| us)?(?! (?:collect|check|buy))",
        # "can I cost your real person": the recogniser lost all but the person
        r"^(?!.*\b(?:are you|you are|you're|your a|is this|is that|am i|could you be)\b)"
        r".*\b(?:real|live|actual|human) (?:person|human|being|agent|operator|representative)\b",
        # whoever does not want to talk to the bot; also where the recogniser made that of "a machine"
        r"\b(?:do not|not|never|hate to|stop) (?:want to |wish to |like to |like )?(?:talk|speak)(?:ing)? "
        r"(?:to|with) (?:you|it|this thing)\b(?! about)",
        # not with a machine, also where the recogniser lost the "not": nobody asks for one; are you one?
        r"\b(?:talk|speak)(?:ing)? (?:to|with) (?:an? |this |your )?"
        r"(?:robots?|bots?|machines?|computers?|ai)\b",
        r"\b(?:not|stop|hate|never|no|without)\b(?: \w+){0,6} "
        r"(?:robots?|bots?|machines?|computers?|recordings?|automated|ai)\b",
        r"\b(?:are you|is this|am i (?:talking|speaking) (?:to|with)) (?:a |an |just a )?"
        r"(?:robot|bot|machine|computer|recording|automated|ai)\b",
        r"^(?:press |number |dial |i press )?zero$",
    )
)
# "I need an operator", and then the matter: whoever says that has asked, whatever comes behind it – but for
# somebody else's operator, and what is only the operator's (a number, a licence).
_STAFF = one_of("""
    operator | agent | representative | rep | supervisor | receptionist | consultant | advis[eo]r | manager
    | colleague | employee | human(?: being| person)? | (?:real|live|actual|human) (?:person|being|agent)
    | (?:customer|client|tech(?:nical)?) (?:services?|support|care) | support(?: team)? | help ?desk
    | call cent(?:er|re) | member of (?:the |your )?staff
    | (?:one |some )?(?:of )?your (?:colleagues|operators|agents|representatives|people|staff)
""")
_BODY = "(?:person|somebody|someone|anybody|anyone)"
_NOT_ASKED = not_behind(["not", "do i", "did i", "should i", "would i", "will i", "do we", "you", "they"])
_ASKING = "(?:{}|{})".format(
    rf"{_NOT_ASKED}(?:want|need|require|demand|request|i would(?: like| love)?|prefer|would rather have)"
    "(?: to (?:have|reach|see|contact|call|get|get hold of))?",
    one_of("""
    (?:ask|asked|asking|wait|waiting|waited) for | let (?:me|us) have | get hold of
    | (?:give|get|bring|find|fetch|pass|hand|send|call)(?: me| us) | (?:i|we) will (?:have|take)
    | (?:can|could|may|might) (?:i|we|you) (?:have|get|see|call)
    | (?:put|pass|patch|connect|transfer|switch|hand) (?:me|us)(?: through| over| on| back)? (?:to|with|onto)
    """),
)
_ANOTHER = one_of("""
    another | (?:a |some )?(?:different|other) | the other | my | his | her | their
    | the (?:tax|bank|post|police|insurance|gas|phone|electricity|water|city|shop|store|kiosk)
""")
_OF_OTHERS = one_of(rf"""
    (?:is )?(?:(?:phone|telephone|contact) )?(?:name|numbers?|address|licen[cs]e|jobs?|fees?
    | commission|codes?|id|hours|position)
    | (?:from|at|of|with|in) (?!my (?:own )?(?:language|country)\b){_ANOTHER}
    | (?:who|that|which) (?:\w+ )?(?:sold|sells?|bought|won|wins) | (?:from|at|of) (?:whom|which)
    | near | nearby | close to | next to | around (?:here|me) | in town
    | (?:from )?where i (?:can |could )?(?:buy|bought) | to (?:buy|sell)(?: \w+){{0,3}} (?:from|for me)
    | i (?:bought|purchased)(?: \w+){{0,4}} from
""")
_HELPERS = one_of("""
    (?:else )?to (?:collect|claim|pick|cash|sign|win|play|buy|bring|come|go|drive|share) | with me
    | (?:who|that) (?:has|had|is over|is eighteen) | (?:at|in) (?:the|your) (?:office|shop|store)
    | (?:i|you|we) know
""")
_MATTER = one_of("""
    what | when | where | which | how | why | until | my | we | this | because | it is | there is
    | i (?!bought|got|know|saw|met|spoke|talked|told|asked|was told)
    | (?:can|could|do|does|did|is|are|have|has|will|would) (?:i|you|we|my|it|the|there)
""")
_BEFORE_A_NOUN = listed("""
    the an a is are this that your my of by as become lottery game other another sales
""")
_BEFORE_A_PERSON = listed("of by from is was with for at as become have be through via than about")
_WITH_A_PLEASE = re.compile(
    rf"(?:^(?:yes |no |a |an )*{_STAFF}| {not_behind(_BEFORE_A_NOUN)}{_STAFF}"
    rf"|(?:^| {not_behind(_BEFORE_A_PERSON)})(?:an?|real|some) (?:(?:real|live) )?(?:{_STAFF}|person|human))"
    r" please\b"
    rf"|\b{_ANYBODY} from (?:the |your )?{_STAFF} please\b"
)
_PLAIN_REQUESTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_ASKING} {_WHICH}{_STAFF}\b(?! {_OF_OTHERS}\b)",
        rf"\b{_ASKING} {_WHICH}{_BODY}\b(?! (?:{_OF_OTHERS}|{_HELPERS})\b)",
        r"\b(?:transfer|connect|switch|patch|redirect|forward) (?:me|us|my call|this call)(?: through| over)?"
        r"(?! (?:to|with|from|onto|the|a|an|some|any|it|money|my (?:money|prize|win\w*|balance))\b)",
        r"\b(?:put|pass) (?:me|us) (?:through|over)(?! (?:to|with|onto)\b)",
        rf"^(?:is|are) {_ANYBODY} (?:there|listening)(?! (?:who|that|when|if|with|in|at|on)\b)",
        # "operator, what time do you close"; "when is the draw, operator"
        rf"^(?:(?:yes|yeah|no|okay|i said|to|or) )*{_WHICH}(?!support ){_STAFF}(?= {_MATTER})",
        r"^(?:\w+ ){3,}" + not_behind(_BEFORE_A_NOUN) + "(?:operator|representative)$",
    )
)
_BEFORE_I = listed("do did can could should would will when where what how if that who which am")
_NEW_CLAUSE = re.compile(
    r" (?:"
    + not_behind(_BEFORE_I)
    + r"(?=i (?:want|need|have|had|would|won|lost|do|did|can|just|think|am|bought|only)\b)"
    r"|(?=(?:what|when|where|how|why|until when) (?:is|are|was|do|does|did|can|could|will|should|time|day"
    r"|much|many|long|late|big|high)\b"
    r"|(?:and|but|because|then|anyway) |my (?:ticket|prize|number|account|win)"
    r"|(?:is my|do i|do you|did i|did you|can i|can you|could i|could you|are you|is it)\b"
    r"|(?:give|get|put|connect|transfer|let) me\b))"
)
_SHORT_REQUEST = re.compile(
    rf"^(?:{_WHICH}{_PERSON}(?: being| real)?"
    rf"(?: who can {_HELPS}(?: me)?| to {_HELPS}(?: (?:to|with|me))*)?(?: |$))+$"
)
_SOMETHING_ELSE = re.compile(
    r"\b(?:in person|else|(?:on|at) (?:the )?(?:week ?ends?|holidays)|on (?:a )?\w+days?"
    r"|(?:at|in) (?:the|your) office|what time|until when)\b"
)
_CONTACT = re.compile(r"\b(?:talk|speak|transfer|connect)\b")
_LONG_WORDS = ("operator", "representative", "receptionist", "supervisor")

_GOODBYE = only("""
    no | nope | nah | yes | yeah | okay | all right | right | great | perfect | good | fine | wonderful
    | excellent | super | cool | lovely | awesome | thanks? | thank you | cheers | bye | see you | a lot
    | (?:ever )?so much | very much | then | not (?:now|really|today) | that (?:is|was|will be|would be)
    | (?:it|all|everything|fine|enough)(?: for (?:now|today)| i need(?:ed)?| i wanted(?: to know)?)?
    | that all | nothing(?: else| more)? | i am (?:good|fine|done|all set|okay) | all (?:set|clear)
    | no more | no (?:further|more|other)? ?questions? | i do not need anything(?: else)? | no need
    | for (?:your|the) help | for that | for (?:the|this) information | you too | day | night
    | have a (?:nice|good|great) (?:day|evening|one|night|weekend) | that helped(?: me)?
    | you have been (?:very |so )?helpful | very (?:helpful|kind) | i have (?:got )?(?:everything|all)
    | got it | understood | i see | and | you
""")
_GOODBYE_WORD = re.compile(
    r"\b(?:thanks?|bye|nothing|(?:that|is|was|be) (?:all|it)|done|everything|good|fine|set|need|great|perfect"
    r"|questions?|cheers|helped|not|helpful|enough)\b"
)
_NO = only("""
    no | nope | nah | not | really | now | wrong | incorrect | that is (?:wrong|not (?:it|right|correct|true))
    | it is not | (?:it )?is not (?:right|correct) | negative
""")
_YES = only("""
    yes | that is (?:right|correct|it|true) | it is | exactly | absolutely | affirmative | uh huh | mhm
    | yeah | yep | yup | sure | okay | of course | right | correct | i do | i have | there is | one more
    | another | thing | question | all right | got it | i see | understood | go ahead | a | i am
""")
_YES_WORD = re.compile(
    r"(?:yes|yeah|yep|yup|sure|okay|of course|exactly|absolutely|affirmative|certainly|definitely|correct"
    r"|right|all right|uh huh|mhm|go ahead|that is (?:right|correct|true)|i do"
    r"|(?:it is|i have|there is|i am|i would|i did|that is (?:it|the one)(?: i (?:want|mean|meant))?)$"
    r")(?![\w'])"
)

WORDINGS = Wordings(
    rewrites=(
        (re.compile(r"(?<!let)'s\b"), " is"),
        (re.compile(r"(?<!\bca)(?<!\bwo)n't\b"), " not"),
        (re.compile(r"^\W*know\b"), "no"),  # the recogniser's spelling; no sentence begins with "know"
    ),
    spellings=_CONTRACTIONS,
    fillers=frozenset(
        listed("um uh uhm erm er ah eh hmm hm mm oh well so like actually please hello hi hey sorry just")
    ),
    polite=frozenset(
        listed("a an the now yes yeah no okay i said me my thanks thank you sir madam and or to")
    ),
    requests=_REQUESTS,
    short_request=_SHORT_REQUEST,
    plain_requests=_PLAIN_REQUESTS,
    with_a_please=_WITH_A_PLEASE,
    plain_person=re.compile(rf"\b(?:{_STAFF}|person)\b"),
    new_clause=_NEW_CLAUSE,
    goes_on=re.compile(r"(?:who|that|which|to|if|else)\b"),
    something_else=_SOMETHING_ELSE,
    contact=_CONTACT,
    person_words=_LONG_WORDS,
    speaking_to=re.compile(r"\b(?:talk|speak|connect me|put me through|transfer me) (?:to|with)\b"),
    goodbye=_GOODBYE,
    goodbye_word=_GOODBYE_WORD,
    no=_NO,
    yes=_YES,
    no_words=frozenset(listed("no nope nah not never wrong incorrect negative neither")),
    yes_word=_YES_WORD,
)
