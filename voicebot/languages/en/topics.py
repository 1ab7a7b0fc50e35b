"""English that no script teaches: words that carry no topic, and what people call support lines about.

A word that is neither here nor in the script speaks of something that the script does not know.
"""

import re

from voicebot.languages.shape import FIGURE, Topics, listed, meanings

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
    "how long does a transfer take",
    "how long does the delivery take",
    "can i pay with my phone",
    "can i pay in cash",
    "what does this number mean",
    "what does that word mean",
    "i want to change my order",
    "can i change it later",
    "my father has died",
    "my mother is in hospital",
    "is the pharmacy open",
    "is the museum open today",
    "who is the manager",
    "who won the game last night",
    "who lives there",
    "how many people work there",
    "how many people live in london",
    "can someone else do it for me",
    "can my wife do it for me",
    "why was i not told",
    "why is it so expensive now",
    "why did it go up",
    "how do i become a partner",
    "how do i get a job with you",
    "is that legal",
    "is it really true",
    "where does the money go",
    "where can i buy a car",
    "how does it feel",
    "can i give it to a friend as a present",
    "i think you made a mistake",
    "i was cheated",
    "something was stolen from my car",
    "i have lost my keys",
    "i did it three weeks ago and nothing has happened",
    "i am still waiting for an answer",
    "i want to report a problem",
    "how often does that happen",
    "what is the largest city in the world",
    "what is the difference between the two",
    "which one is better",
    "do you have other products",
    "can i come and watch",
    "do you support charities",
    "i want to stop all that",
    "please take my name off the list",
    "how much time does it take to learn it",
    "how much does a flight to paris cost",
    "when is my appointment",
    "when is the next train to the city",
    "what time does the concert start",
    "when does the film begin",
    "what time does the shop on the corner open",
    "when is the swimming pool open",
    "what are the opening hours of the library",
    "is the post office open on saturday",
    "when does the doctor have time for me",
    "how much is a bus ticket",
    "how much does a ticket to the city cost",
    "do you have tickets for the football game",
    "what does a new tyre cost",
    "how much is the rent",
    "what is my bank balance",
    "how much money is on my card",
    "how much data do i have left",
    "i want to check in for my flight",
    "can you check whether my parcel has been sent",
    "i would like to check my application",
    "where do i get a new passport",
    "where can i pick up my parcel",
    "where do i collect my new glasses",
    "i have to collect my daughter from school",
    "how long do i have to send it back",
    "how long is the guarantee",
    "when does my contract end",
    "when does my passport expire",
    "is it too late to sign up for the course",
    "what is the highest building in the world",
    "who won the match yesterday",
    "what were the results of the election",
    "what are the results of my blood test",
    "what is the number of the taxi company",
    "what is my telephone number",
    "can you read me the news",
    "how is the traffic today",
    "set an alarm for six in the morning",
    "play some music",
    "turn the light on in the kitchen",
    "tell me a story",
    "how do you say thank you in spanish",
    "what is five times seven",
    "how do i make pancakes",
    "what time is it in tokyo",
    "what is the date today",
    "remind me to buy milk",
    "i have a headache",
    "i need a prescription",
    "i want to make an appointment with the doctor",
    "i would like to book a flight to london",
    "i need a hotel room for tonight",
    "i want to rent a car",
    "my flight was cancelled",
    "my train is late",
    "my internet is not working",
    "the television has no picture",
    "my electricity has been cut off",
    "the heating does not work",
    "there is water coming through the ceiling",
    "my meter reading is four thousand",
    "i would like to open a bank account",
    "i need a loan",
    "how high are the interest rates",
    "i want to transfer money to my son",
    "there is a payment on my account that i do not know",
    "please block my credit card",
    "i forgot the pin of my card",
    "how do i file my taxes",
    "i had an accident with my car",
    "i want to cancel my insurance",
    "i need the police",
    "i want to sell my house",
    "i am looking for a flat",
    "the shoes that i ordered are too small",
    "i want to return a jacket",
    "you sent me the wrong size",
    "do you have this in red",
    "is it still in stock",
    "the food was cold when it came",
    "i am allergic to nuts",
    "we would like a table by the window",
    "my child can not come to school today",
    "i want to learn english",
    "my computer is slow",
    "the printer does not print",
    "how do i install the program",
    "i can not open the attachment",
    "my dog has run away",
    "the neighbours are too loud",
    "the bins were not emptied",
    "where can i park",
    "i am standing in a traffic jam",
    "i will call you back later",
    "wait a moment somebody is at the door",
    "can you hear me",
    "i am on the phone mom",
    "turn the radio down please",
    "i think i have the wrong number",
    "who am i talking to",
    "where are you from",
    "what did you do today",
    "i love you",
    "that is not funny",
    "i am so tired",
    "it is cold today",
    "happy birthday",
    "i do not know what to do",
    "my husband is not at home",
    "let me get my glasses",
    "i am just looking for a pen",
    "nobody ever answers the phone",
    "this is the third time that i call",
    "your advertising is annoying",
    "stop calling me",
    "can i speak another language with you",
    "can i have a receipt",
    "i would like to thank the woman who helped me",
    "i want to change my name because i got married",
    "i would like to give my opinion",
    "how do i get a discount",
    "i have a voucher",
    "can i pay in instalments",
    "can you send somebody to repair it",
    "when is the technician coming",
    "is my daughter allowed to do that",
    "do you sell flowers",
)


_IRREGULAR = """
    win: won winner winners winning wins | draw: drawn drew drawing drawings draws
    | pay: paid pays paying payout | buy: bought buying | sell: sold selling | lose: lost losing
    | get: got getting gotten | go: went gone | come: came coming | take: took taken
    | give: gave given giving | find: found | send: sent | tell: told | say: said | make: made making
    | keep: kept | leave: left leaving | meet: met | spend: spent | play: playing | steal: stole stolen
    | break: broke broken | close: closes closed closing | open: opens opened opening | cost: costs
    | price: prices pricing | claim: claimed claiming | expire: expired expires expiring | do: does did
    | be: is are was were been | have: has had having | check: checks checked checking
    | change: changed changing | order: ordered orders ordering | deliver: delivered delivery
    | cancel: cancelled canceled cancelling | arrive: arrived arriving | charge: charged charging
    | ship: shipped shipping | write: wrote written | forget: forgot forgotten
    | receive: received receiving | choose: chose chosen choosing
"""

_MEANINGS = """
    price: price of | pricey | cost me | how much does | how much do it | price | cost | charge | fee
        | expensive | cheap | how much is | how much are | how much for | pay for
        | how much does it cost | how much do i pay | what do you charge | how much would it be
        | how much money do i need | how many dollars | how many euros
    amount: worth | total | highest | how much money can | how big | how large | how high | amount
        | size | sum | how many million | million | biggest | largest | top prize | main prize
        | grand prize | first prize | how much can i win | how much can you win | how much is in
        | what is in
    until: by when | before when | time left | how many weeks | outdated | lapse | validity | too old
        | time do i have | what be the limit | until when | till when | deadline | expire | run out
        | too late | valid | still good | how long | still | how much time | time limit | in time
        | how soon | last day | old ticket | how many months | missed | how many years | lose the right
        | after how many | expiry | due
    when: scheduled | take place | what month | how soon be | when | what time | what day | which day
        | what date | which date | what hour | which evening | how late | on what day | how many days
        | date | upcoming | tonight | today | this weekend
    where: whereabouts | which office | which branch | what address | where | which place | what place
        | which shop | location | address
    get: cash out | withdraw | hand out | get hold of | collect | get | claim | pick up | receive | cash
        | cash in | redeem | turn in | obtain | get paid | pay out | take | pay
    shop: shop | store | kiosk
    hour: are you there | are you in | opening times | operating hours | come in | office time
        | at the weekend | reach somebody | hours | what hours | open | close | shut | business hours
        | office hours | opening hours | opening | working hours | work hours | lunch | holiday
        | available | reach you | come by | do you work | weekend
    check: confirm | tell me if | find out if | find out whether | make sure | see whether | figure out
        | check | verify | look up | find out | scan | tell if | tell whether | see if | know if
        | know whether | whether | look at
    result: come out | come up | result | outcome | combination | what be drawn
    prize: prize | award | reward | win money | money | winnings
    id: id | identity card | passport | document | paper
    who: who | whose | whom | which people
    why: why | how come
    age: how old | age | older
    count: how many | how often
    channel: which channel | what channel
"""


def _irregular() -> dict[str, str]:
    entries = (entry.partition(":") for entry in _IRREGULAR.split("|"))
    return {form: word.strip() for word, _, forms in entries for form in forms.split()}


_REGULAR = _irregular()


def root(word: str) -> str:
    """Without the endings of plurals and verbs."""
    word = _REGULAR.get(word, word)
    for ending in ("ings", "ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


TOPICS = Topics(
    root=root,
    meanings=meanings(re.sub(r"\n +\|", " |", _MEANINGS), root),
    asks=frozenset(listed("+price +amount +until +when +where +who +why +age +count +channel")),
    neutral=frozenset([*listed(_NEUTRAL), FIGURE, "+get", "+check"]),
    background=_BACKGROUND,
    joints=frozenset({"and", "but", "so", "because", "anyway"}),
    openers=frozenset(listed("how where when what which who can could do does did is are until")),
)
