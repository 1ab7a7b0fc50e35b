"""What the callers of house tests say."""

from dataclasses import dataclass
from pathlib import Path

LINES = {
    "next_draw": "When is the next draw?",
    "no_thanks": "No, thank you. Goodbye.",
    "nothing_more": "No, thank you.",
    "unknown": "My online account is blocked and I can not log in.",
    "operator": "I would like to talk to a real person, please.",
    "hello": "Good evening, my name is Alice. How can I help you?",
    "wish": "Hello Alice. I would like to change my subscription, please.",
    "check_ticket": "I would like to check my ticket, please.",
    "ticket_number": "One, two, three, four, five, six, seven, eight.",
    "that_is_right": "Yes, that is right.",
    "message": "Hello, this is Grace Hill. Please call me back about my ticket.",
}


@dataclass(frozen=True)
class Voices:
    """Where the sounds are."""

    folder: Path  # prompts and lines, rendered
    lines: dict[str, Path]

    def __getitem__(self, name: str) -> Path:
        return self.lines[name]
