"""The operators' phones: the PBX's own, ours or somebody else's, and how a new one gets into it."""

import re
from collections.abc import Callable

from cti.assembly.frame import Frame
from cti.assembly.pbx import Pbx
from cti.asterisk.config import Phone
from cti.asterisk.embedded import keep_secrets
from cti.asterisk.install import find_asterisk
from cti.asterisk.instance import Instance
from cti.operators.phones import PhoneBook


def connect_phones(frame: Frame, pbx: Pbx) -> PhoneBook:
    """With what phones sign in, and phones for operators who are added at the desk."""
    settings, scenario = frame.settings, frame.scenario
    kept = keep_secrets(settings.data / "pbx-secrets.json", list(scenario.operators))
    known = {
        extension: Phone(name, kept.phones[extension], kept.web_phones[extension])
        for extension, name in scenario.operators.items()
    }
    reload, server = _embedded(frame)
    phones = PhoneBook(
        known,
        scenario.queues,
        (settings.data / "added-phones").absolute(),
        pbx.link,
        pbx.queues,
        reload,
        settings.sip_server or server,
        sign_in=settings.asterisk,
    )
    frame.task("phones", phones.run())
    return phones


def _embedded(frame: Frame) -> tuple[Callable[[str], bool] | None, str]:
    """How our own PBX is made to read its files anew, and where phones find it; (None, ""): there is none."""
    if not frame.settings.asterisk:
        return lambda module: True, ""  # phones are a virtual PBX's: nothing is to be read anew
    folder = (frame.settings.data / "pbx").absolute()
    program = find_asterisk()
    try:
        sip = (folder / "etc" / "pjsip.conf").read_text()
    except OSError:
        return None, ""
    if program is None:
        return None, ""
    bound = re.search(r"^protocol=udp\nbind=(\S+)$", sip, re.MULTILINE)
    return Instance(program, folder, frame.settings.ami_port).reload, bound[1] if bound else ""
