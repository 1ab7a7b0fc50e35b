"""After logging in, a person stays on our site whatever the link said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cti.web.login_page import safe_target

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("target", ["/", "/tickets/PZ-1001", "/calls?state=ended", "/a//b"])
def test_it_goes_on_to_a_path_of_ours(target: str) -> None:
    assert safe_target(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "tickets",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/\n",
        "\\/x",
    ],
)
def test_it_goes_nowhere_else(target: str) -> None:
    assert safe_target(target) == "/"


@given(st.text(alphabet="/\\:?#@. \t\nahtps%", max_size=24))
def test_it_never_leaves_the_house(target: str) -> None:
    house = URL("http://desk.example/")
    assert house.join(URL(safe_target(target))).host == "desk.example"
