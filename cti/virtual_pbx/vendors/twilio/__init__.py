"""Twilio Voice: it asks us what each caller hears (TwiML), and tells what happens by signed webhooks.

    signature   whose word it is                      settings    the connection's file
    hooks       webhook → facts                       telling     facts → neutral events
    addresses   our addresses, and what stands in them
    answers     what the caller hears next            people      … where people come in
    twiml       … written as TwiML                    line        who is next, whose phone rings
    place       where a caller stands, in an address
    sounds      our prompts as files to be played     keys        what a key means
    rest        Twilio's API                          records     its records → facts
    adapter     all of it, as the contract wants it

What is said of Twilio here is read in its documentation and in public client code; none of it was run against
Twilio itself. Where that leaves a doubt, the file says so.
"""

from cti.virtual_pbx.vendors.twilio.adapter import TwilioVoice

__all__ = ["TwilioVoice"]
