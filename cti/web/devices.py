"""What a person knows a browser by, from its `User-Agent`: "Firefox · Linux". Pure; a hint for people."""

import re

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),  # most others call themselves that too
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),  # and Chrome that
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),  # says Linux too
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
LONGEST = 60  # characters


def device_name(user_agent: str) -> str:
    """A short name; of a program its own, empty when it says nothing."""
    user_agent = "".join(sign for sign in user_agent[:500] if sign.isprintable())
    browser = next((name for mark, name in _BROWSERS if re.search(rf"\b{mark}/", user_agent)), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if not browser:
        return user_agent.partition(" ")[0][:LONGEST]
    return f"{browser} · {system}" if system else browser
