"""What the house below says to people, in the reader's language.

The rooms below write their sentences in English and know no languages: they are found here by their words. A
sentence that is not here is shown as it was written; `tests/unit/cti/test_web_sentences.py` finds those.
"""

import re
from functools import lru_cache

from cti.web.languages import N_, _

SENTENCES = (
    N_("%(extension)s is the phone of %(taken_by)s: choose another."),
    N_("%(kept)s fields are too many: at most %(most_fields)s."),
    N_("%(known)s tags are too many: at most %(most_tags)s."),
    N_("%(login)s is the only administrator: make somebody else one before you change this."),
    N_("%(name)s is %(status)s and cannot become %(other_status)s: open it first."),
    N_("%(wanted)s phrases are too many: at most %(most_at_once)s at once."),
    N_("%(where)s: is no phone number."),
    N_("A phrase has %(phrase)s characters: shorten it to %(longest)s."),
    N_("A VIP level is 0 or more, not %(vip_level)s."),
    N_("A colleague is being asked already."),
    N_("A colleague is being asked: complete the transfer, or return to the caller."),
    N_("A customer needs a name."),
    N_("A field needs a name."),
    N_("A login has 1 to 64 letters, digits, dots, dashes, underscores or @."),
    N_("A password has %(shortest_password)s to %(longest_password)s characters."),
    N_("A queue cannot be asked: transfer the caller to it."),
    N_("A recording is for supervisors and for the operator of that call."),
    N_("A tag has %(tag)s characters: shorten it to %(longest_tag)s."),
    N_("A ticket needs a subject."),
    N_("An extension has 1 to 32 letters, digits, dashes or underscores."),
    N_("Choose a password of your own first: open the desk in a browser."),
    N_("Choose a time that lies ahead, within a year."),
    N_("Choose one of the languages on the page."),
    N_("Give each query parameter once."),
    N_("Give the group a name."),
    N_("Give the incident a %(what)s in words."),
    N_("If-Match is no ETag of ours: read the ticket first."),
    N_("Log in first."),
    N_("Login and password do not belong together."),
    N_("Metrics are for this machine and for supervisors."),
    N_("No colleague is being asked."),
    N_("No operator has this caller."),
    N_("Only the keys 0 to 9, A to D, * and # can be pressed, at most 24 at once."),
    N_("Say why nobody will call: a promise is not excused without a reason."),
    N_("Send If-Match with the ETag of the ticket that you saw."),
    N_("Send the body as application/json."),
    N_("Send the form as the page offers it."),
    N_("Somebody else knows this one: choose another."),
    N_("Something broke on our side. Report it as incident %(incident)s."),
    N_("That took too long: log in again."),
    N_("The %(what)s has %(text)s characters: shorten it to %(longest)s."),
    N_("The bot was taught %(most)s phrases: withdraw some before you teach more."),
    N_("%(title)s does not do this for us: use the phone's own keys."),
    N_("%(title)s cannot pause a recording."),
    N_("%(sentence)s Look whether it was done, before you try again."),
    N_("Nothing here makes calls: dial on your phone."),
    N_("The database cannot be asked now: use the phone's own keys."),
    N_("The PBX cannot be asked now. %(error)s"),
    N_("The PBX did not do it in time: the call may just have ended."),
    N_("The PBX did not do it: %(error)s"),
    N_("The PBX has a name in this call that cannot be commanded."),
    N_("The body cannot be unpacked: send it as its headers say."),
    N_("The caller is on hold: take them back first."),
    N_("The caller is with this operator already."),
    N_("The cursor is not one that this list gave: start again without it."),
    N_("The field “%(name)s” has %(value)s characters: shorten it to %(longest_field)s."),
    N_("The form is not the one that the page offered: load the page anew."),
    N_("The form is not written in a known character set."),
    N_("The incident would be over already: give an end that is to come, or none."),
    N_("The incident would last for more than a year: give an earlier end, or none."),
    N_("The incident's %(what)s has %(words)s characters; %(most)s are the most."),
    N_("The name has %(name)s characters: shorten it to %(longest_group_name)s."),
    N_("The note has %(text)s characters: shorten it to %(longest)s."),
    N_("The note is empty."),
    N_("The operator is asking a colleague at this moment: try again."),
    N_("The person has an earlier promise: end that one, and this one ends with it."),
    N_("The person has an earlier promise: let that one be called."),
    N_("The reason has %(text)s characters: shorten it to %(longest_reason)s."),
    N_("The scenario has an operator %(extension)s: choose another extension."),
    N_("The scenario has no section `call_back`: call the person yourself."),
    N_("The scenario has no such question: choose another."),
    N_("The ticket changes all the time: try again in a moment."),
    N_("There are two fields “%(name)s”: give one of them another name."),
    N_("There is a group %(name)s already: choose another name."),
    N_("There is a second factor already: switch it off before you set up another."),
    N_("There is an account %(login)s already: choose another login."),
    N_("There is neither an operator nor a queue %(to)s."),
    N_("There is no phrase %(phrase_id)s."),
    N_("There is no such file."),
    N_("There is no account %(login)s."),
    N_("There is no audio of recording %(recording_id)s."),
    N_("There is no customer %(customer_id)s."),
    N_("There is no incident %(incident_id)s."),
    N_("There is no number to call: listen to the message."),
    N_("There is no operator %(to)s."),
    N_("There is no such account."),
    N_("There is no such call."),
    N_("There is no such customer: choose another."),
    N_("There is no such group."),
    N_("There is no such group: choose another."),
    N_("There is no such person: choose another."),
    N_("There is no such promise."),
    N_("There is no such ticket."),
    N_("There is no ticket PZ-%(number)s."),
    N_("There is nothing with this id: an id of ours looks different."),
    N_("This account has a password of its own: give it to change it."),
    N_("This call is not on your phone, or it is over."),
    N_("This code does not hold. Use the one that the app shows now, each only once."),
    N_("This is for a %(role)s. Ask one, or log in as one."),
    N_("This is not your password of now."),
    N_("This key was used for another note: make a new one."),
    N_("This promise is %(state)s and cannot be called now."),
    N_("This request was sent by another site's page. Send it from ours."),
    N_("Too many pages are open."),
    N_("Too many requests from your address: wait a moment."),
    N_("Write a customer's numbers in E.164: + and up to 15 digits."),
    N_("Write at least one phrase."),
    N_("You have this call yourself."),
    N_("Your phone is in use: end that call first."),
    N_("There is nothing at this address. Check it, or start from the first page."),
    N_("This address does not understand that method."),
    N_("The request is too large."),
    N_("The request was refused."),
    N_("The service is busy or its database does not answer. Try again in a moment."),
    N_("Too many wrong passwords: try again in %(seconds)s s."),
    N_("The PBX left no recording of this call."),
    N_("The PBX recorded no sound of this call."),
    N_("What the PBX left of this call is no readable sound; it was set aside in the spool."),
    N_("The PBX has recorded nothing of this call."),
    N_("This PBX gives no recordings."),
    N_("This call is recorded from its first word."),
    N_("The PBX has a recording of this call and did not hand it over: look in its cabinet."),
    N_("What the PBX handed over as this call's recording is no readable sound."),
    N_("The connection to this call's PBX was removed before its recording was fetched."),
    N_("The announcement could not be spoken: %(why)s"),
    N_("%(name)s was changed meanwhile: look at it again."),
    N_("The audio is gone from the shelf."),
    N_("The audio is damaged."),
    N_("Recognition took far too long each time: the machine had no time for it."),
    N_("There is no such recording."),
    N_("There is no recording %(key)s in the store: it was deleted, or the store's folder was changed."),
    N_("There is no transcript of this recording yet."),
    N_("There is no transcript without audio."),
    N_("There is no second factor to set up."),
    N_("The recogniser failed on this recording each time; the service's log says how."),
    N_("%(waiting)s callers waiting"),
    N_("%(calls)s calls in a minute"),
    N_("Give the incident its end as a date and a time."),
    N_("Give the incident a topic and the words that callers hear."),
    N_("“%(phrase)s” was taught as another question: withdraw it there first."),
    N_("“%(text)s” is no phone number."),
    N_("Somebody else has changed the same part of this ticket meanwhile."),
)

TITLES = (  # HTTP's own words for its statuses
    N_("Bad Request"),
    N_("Unauthorized"),
    N_("Forbidden"),
    N_("Not Found"),
    N_("Method Not Allowed"),
    N_("Conflict"),
    N_("Precondition Failed"),
    N_("Request Entity Too Large"),
    N_("Unsupported Media Type"),
    N_("Precondition Required"),
    N_("Too Many Requests"),
    N_("Internal Server Error"),
    N_("Service Unavailable"),
)


def said(text: str) -> str:
    """A sentence of the house in the reader's language; what is unknown as it is."""
    if text in _exact():
        return _(text)
    for pattern, sentence in _patterns():
        if found := pattern.fullmatch(text):
            return _(sentence, **{name: _word(name, value) for name, value in found.groupdict().items()})
    return text


def _word(name: str, value: str) -> str:
    """The house's own words in a sentence (`topic`, `open`) are in its language, names are as they are."""
    if name not in _WORDS:
        return value
    known = value[:1].upper() + value[1:]
    told = _(known)
    return value if told == known else told[:1].lower() + told[1:]


@lru_cache
def _exact() -> frozenset[str]:
    return frozenset(text for text in (*SENTENCES, *TITLES) if "%(" not in text)


@lru_cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """The sentences with values in them, those with most words of their own first."""
    found = [(_HOLE.sub("", text), text) for text in SENTENCES if "%(" in text]
    found.sort(key=lambda one: -len(one[0]))
    return [(_pattern(text), text) for _rest, text in found]


_WORDS = frozenset({"what", "status", "other_status", "state", "role"})
_HOLE = re.compile(r"%\((\w+)\)s")


def _pattern(text: str) -> re.Pattern[str]:
    parts = _HOLE.split(text)  # words, name, words, name, words
    shape = "".join(f"(?P<{part}>.+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return re.compile(shape, re.DOTALL)
