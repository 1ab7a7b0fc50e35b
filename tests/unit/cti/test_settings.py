from pathlib import Path

import pytest

from cti.settings import BadSettings, Settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("url", ["", "https://crm.example/lookup", "http://127.0.0.1:9000/?tenant=4"])
def test_it_takes_the_address_of_a_crm(url: str):
    assert Settings.read(crm_url=url).crm_url == url


@pytest.mark.parametrize(
    "url", ["crm.example", "ftp://crm.example/", "https://", "https://user:secret@crm.example/", "http://é/"]
)
def test_it_says_which_address_is_none(url: str):
    with pytest.raises(BadSettings, match=r"^PRESSZERO_CRM_URL: ") as refusal:
        Settings.read(crm_url=url)
    assert "secret" not in str(refusal.value)


def test_it_reads_the_crm_token_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "token"
    file.write_text("c5b0\n")
    monkeypatch.setenv("PRESSZERO_CRM_TOKEN_FILE", str(file))
    settings = Settings.read()
    assert settings.crm_token.get_secret_value() == "c5b0"
    assert "c5b0" not in repr(settings)


def test_it_refuses_a_token_that_fits_no_header():
    with pytest.raises(BadSettings, match=r"^PRESSZERO_CRM_TOKEN: ") as refusal:
        Settings.read(crm_token="two\nlines")
    assert "lines" not in str(refusal.value)


def test_it_shows_no_password_of_the_database():
    settings = Settings.read(database="postgresql://presszero:verysecret@db.example/presszero")
    assert settings.database_url == "postgresql://presszero:verysecret@db.example/presszero"
    for shown in (repr(settings), str(settings), repr(settings.database), settings.model_dump_json()):
        assert "verysecret" not in shown


def test_it_shows_no_password_of_a_database_that_it_refuses():
    with pytest.raises(BadSettings, match=r"^PRESSZERO_DATABASE: ") as refusal:
        Settings.read(database="mysql://somebody:verysecret@db.example/presszero")
    assert "verysecret" not in str(refusal.value)
    assert "verysecret" not in str(refusal.value.__cause__)


def test_it_finds_the_bots_legs_at_the_embedded_pbx_or_where_it_is_told():
    assert Settings.read(phone_port=8188).bot_legs == "ws://127.0.0.1:8188/media"
    assert Settings.read(bot_websocket_url="wss://pbx.example/media").bot_legs == "wss://pbx.example/media"


@pytest.mark.parametrize("url", ["http://pbx.example/media", "pbx:8088", "ws://", "ws://pbx/media?id=1"])
def test_it_says_which_address_has_no_legs(url: str):
    with pytest.raises(BadSettings, match=r"^PRESSZERO_BOT_WEBSOCKET_URL: "):
        Settings.read(bot_websocket_url=url)


def test_it_says_which_carrier_there_is_none():
    with pytest.raises(BadSettings, match=r"^PRESSZERO_BOT_AUDIO: "):
        Settings.read(bot_audio="rtp")
