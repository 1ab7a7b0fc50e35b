"""What the PBX's files say, by what the scenario offers."""

from dataclasses import replace
from pathlib import Path

import pytest

from cti.asterisk.config import (
    BadPbxConfiguration,
    Doors,
    EmbeddedPlan,
    InstancePlan,
    PbxPlan,
    Phone,
    QueuePlan,
    write_embedded,
    write_includes,
)

pytestmark = pytest.mark.unit

PLAN = PbxPlan(
    prompts=Path("/srv/prompts"),
    spool=Path("/srv/spool"),
    ami_secret="secret",
    queues={"support": QueuePlan(("101",), 15)},
    operators={"101": Phone("Alice Rivera", "secret", "page-secret")},
    trunk="my.trunk-1",
    call_back=True,
)


def written(plan: PbxPlan, folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in write_includes(plan, folder)}


def test_the_ami_user_has_no_right_that_nothing_needs(tmp_path: Path) -> None:
    rights = written(PLAN, tmp_path)["manager_presszero.conf"].partition("write=")[2].splitlines()[0]
    assert set(rights.split(",")) == {"call", "agent", "reporting", "originate"}


def test_a_house_that_calls_back_says_over_which_trunk(tmp_path: Path) -> None:
    files = written(PLAN, tmp_path)
    assert "PZ_TRUNK=my.trunk-1\n" in files["extensions_presszero.conf"]
    assert "context=presszero-waiting\n" in files["queues_presszero.conf"]


def test_a_house_that_does_not_has_no_ways_for_it(tmp_path: Path) -> None:
    files = written(replace(PLAN, call_back=False), tmp_path)
    assert "context=" not in files["queues_presszero.conf"]
    for way in ("[presszero-waiting]", "[presszero-call-back]", "exten => offer", "exten => call_back"):
        assert way not in files["extensions_presszero.conf"]


@pytest.mark.parametrize("trunk", ["a b", "x;y", "x\ny", "a&b", "${X}", "x" * 65])
def test_it_refuses_what_is_no_endpoint(tmp_path: Path, trunk: str) -> None:
    with pytest.raises(BadPbxConfiguration, match="cannot be a trunk's endpoint"):
        write_includes(replace(PLAN, trunk=trunk), tmp_path)


def test_each_operator_has_a_phone_of_their_own_and_one_in_the_page(tmp_path: Path) -> None:
    files = written(PLAN, tmp_path)
    own, _, page = files["pjsip_presszero.conf"].partition("[101-web]")
    assert "webrtc=yes" in page
    assert "webrtc=yes" not in own
    assert "password=page-secret" in page
    assert "password=page-secret" not in own
    members = [line for line in files["queues_presszero.conf"].splitlines() if line.startswith("member =>")]
    assert members == [
        "member => PJSIP/101,0,101,hint:101@presszero-seats",
        "member => PJSIP/101-web,0,101,hint:101-web@presszero-seats",
    ]
    hints = files["extensions_presszero.conf"].partition("[presszero-seats]")[2]
    assert "exten => 101,hint,PJSIP/101&Custom:presszero-101\n" in hints
    assert "exten => 101-web,hint,PJSIP/101-web&Custom:presszero-101-web\n" in hints


def test_no_extension_is_named_like_a_phone_in_the_page(tmp_path: Path) -> None:
    with pytest.raises(BadPbxConfiguration, match="phone in the page"):
        write_includes(replace(PLAN, operators={"101-web": Phone("Eve", "a", "b")}), tmp_path)


def test_the_bots_audio_goes_over_audiosocket_unless_asked_otherwise(tmp_path: Path) -> None:
    dialplan = written(PLAN, tmp_path)["extensions_presszero.conf"]
    assert "PZ_BOT=AudioSocket/127.0.0.1:9092/${PZ_BOT_UUID}/c(slin))" in dialplan
    assert "WebSocket/" not in dialplan


def test_or_over_a_websocket_that_waits_for_us_with_the_same_fuse_on_its_leg(tmp_path: Path) -> None:
    dialplan = written(replace(PLAN, doors=Doors(bot_audio="websocket")), tmp_path)[
        "extensions_presszero.conf"
    ]
    assert "PZ_BOT=WebSocket/INCOMING/c(slin)f(json))" in dialplan
    assert "AudioSocket/" not in dialplan
    leg = "presszero-bot-leg^s^1(${PZ_CALL}^${PZ_BOT_FUSE}^${PZ_BOT_UUID})"
    assert f"n,Dial(${{PZ_BOT}},2,grb({leg}))" in dialplan


@pytest.mark.parametrize("carrier", ["audiosocket", "websocket"])
def test_asterisk_loads_the_websocket_channel_only_for_the_bots_sake(tmp_path: Path, carrier: str) -> None:
    instance = InstancePlan(tmp_path, Path("/usr/lib/asterisk/modules"), 20000, 22000)
    plan = replace(PLAN, doors=Doors(bot_audio=carrier))
    write_embedded(plan, instance, EmbeddedPlan(Path("/srv/moh")))
    modules = (tmp_path / "etc" / "modules.conf").read_text()
    for module in ("chan_websocket", "res_websocket_client"):
        assert (f"load={module}.so\n" in modules) is (carrier == "websocket")


def embedded_files(folder: Path, **others: str) -> dict[str, str]:
    instance = InstancePlan(folder, Path("/usr/lib/asterisk/modules"), 20000, 22000)
    write_embedded(PLAN, instance, EmbeddedPlan(Path("/srv/moh"), phone_port=8188, **others))
    return {path.name: path.read_text() for path in (folder / "etc").iterdir()}


def test_the_embedded_pbx_opens_its_websocket_on_loopback_alone(tmp_path: Path) -> None:
    files = embedded_files(tmp_path)
    assert "bindaddr=127.0.0.1\nbindport=8188\n" in files["http.conf"]
    assert "tls" not in files["http.conf"]
    assert "transport-wss" not in files["pjsip.conf"]


def test_with_a_certificate_it_serves_other_machines_too(tmp_path: Path) -> None:
    files = embedded_files(tmp_path, tls_certificate="/srv/tls/server.pem", tls_key="/srv/tls/key.pem")
    assert "tlsbindaddr=0.0.0.0:8089\ntlscertfile=/srv/tls/server.pem\n" in files["http.conf"]
    assert "protocol=wss" in files["pjsip.conf"]


def test_nobody_rings_in_from_a_page_unless_the_demo_has_asked_for_it(tmp_path: Path) -> None:
    files = embedded_files(tmp_path)
    assert "presszero-guest" not in files["pjsip.conf"] + files["extensions.conf"]


def test_a_guest_rings_one_line_as_one_number_whatever_the_browser_says(tmp_path: Path) -> None:
    files = embedded_files(
        tmp_path, guest_secret="guests", guest_number="+12025550177", guest_line="+18005550100"
    )
    endpoint = files["pjsip.conf"].partition("[presszero-guest]")[2]
    assert "context=presszero-guest" in endpoint
    assert "password=guests" in endpoint
    context = files["extensions.conf"].partition("[presszero-guest]")[2].partition("#include")[0]
    goals = [line for line in context.splitlines() if "Goto(" in line and "GotoIf" not in line]
    assert goals == [" same => n,Goto(presszero-inbound,+18005550100,1)"]
    assert "Set(CALLERID(all)=+12025550177)" in context


def test_feature_codes_act_in_the_pbx_and_leave_word(tmp_path: Path) -> None:
    dialplan = written(PLAN, tmp_path)["extensions_presszero.conf"]
    for code, presence in (("*11", "ready"), ("*12", "paused"), ("*13", "away")):
        assert f"exten => {code},1,Gosub(presszero-presence,s,1({presence}))" in dialplan
    steps = dialplan.partition("[presszero-presence]")[2]
    order = [steps.index(step) for step in ("GLOBAL(PZ_PRESENCE_", "PauseQueueMember(", "UserEvent(")]
    assert order == sorted(order)  # a word that is lost on the way is found later
