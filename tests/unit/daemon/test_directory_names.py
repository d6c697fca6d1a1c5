"""Numbers and what they are on the PBX, for two ways to name things there."""

import tomllib
from pathlib import Path

import pytest

from config.settings import Settings
from daemon.directory import Directory
from daemon.pbx_names import Kind, PbxName

README = Path(__file__).parents[3] / "README.md"


def _example(number: int) -> Settings:
    """The settings of an example that README gives."""
    section = README.read_text(encoding="utf-8").partition("### Extensions, users and roles")[2]
    text = section.split("```toml\n")[number].partition("```")[0]
    return Settings.model_validate(tomllib.loads(text))


FREEPBX, VOIPNOW = _example(1), _example(2)


def freepbx() -> Directory:
    known = Directory(FREEPBX, ["210", "211", "trunk", "2100", "299-old"])
    known.learn(Kind.QUEUE, ["400", "default"])
    known.learn(Kind.IVR, ["ivr-1", "app-dialvm"])
    return known


def voipnow() -> Directory:
    known = Directory(VOIPNOW, ["0003*210", "0003*211", "0004*210", "trunk"])
    known.learn(Kind.QUEUE, ["0003*700", "0003*211", "700"])
    return known


@pytest.mark.parametrize(
    ("known", "number", "kind", "name"),
    [
        (freepbx(), "0003*210", Kind.TERMINAL, "PJSIP/210"),
        (freepbx(), "0003*211", Kind.TERMINAL, "PJSIP/211"),
        (freepbx(), "0003*400", Kind.QUEUE, "400"),
        (freepbx(), "0003*8000", Kind.CONFERENCE, "8000"),  # nobody need be in it
        (freepbx(), "0003*1", Kind.IVR, "ivr-1"),
        (voipnow(), "0003*210", Kind.TERMINAL, "PJSIP/0003*210"),
        (voipnow(), "0004*210", Kind.TERMINAL, "PJSIP/0004*210"),
        (voipnow(), "0003*700", Kind.QUEUE, "0003*700"),
        (voipnow(), "0003*800", Kind.CONFERENCE, "0003*800"),
    ],
)
def test_a_number_and_its_name_on_the_pbx(
    known: Directory, number: str, kind: Kind, name: str
) -> None:
    assert known.on_pbx(number) == PbxName(kind, name)
    match kind:
        case Kind.TERMINAL:
            assert known.of_channel(f"{name}-0000002a") == number
        case Kind.QUEUE:
            assert known.of_queue(name) == number
        case Kind.CONFERENCE:
            assert known.of_conference(name) == number
        case Kind.IVR:
            assert known.of_context(name) == number


@pytest.mark.parametrize(
    ("known", "number"),
    [
        (freepbx(), "210"),  # nobody's without its prefix
        (freepbx(), "0003*220"),  # not on the PBX
        (freepbx(), "0003*2100"),
        (freepbx(), "0003*401"),
        (freepbx(), "0003*2"),  # no such context
        (freepbx(), "0004*210"),
        (freepbx(), "0003*80000"),
        (voipnow(), "0005*210"),
        (voipnow(), "0003*212"),
        (voipnow(), "700"),
        (voipnow(), "trunk"),
    ],
)
def test_what_the_pbx_does_not_have_is_no_extension(known: Directory, number: str) -> None:
    assert known.on_pbx(number) is None
    assert not known.exists(number)


@pytest.mark.parametrize("known", [freepbx(), voipnow()])
@pytest.mark.parametrize("endpoint", ["trunk", "2100", "299-old", "0021", "anonymous"])
def test_a_trunk_is_nobodys_extension(known: Directory, endpoint: str) -> None:
    assert known.of_channel(f"PJSIP/{endpoint}-0000002a") is None


@pytest.mark.parametrize("known", [freepbx(), voipnow()])
def test_the_short_form_is_the_own_organizations(known: Directory) -> None:
    john = known.user(12)
    assert known.find("210", john) == "0003*210"
    assert known.of_number("211", "0003*210") == "0003*211"
    assert known.of_number("0213334444", "0003*210") is None
    assert known.of_number("211", "0009*1") is None


def test_a_short_form_is_the_users_own_before_it_is_the_organizations() -> None:
    settings = FREEPBX.model_dump()
    settings["users"] = [
        {
            "id": 3,
            "name": "Office",
            "organization": "3",
            "role": "organization",
            "extensions": ["0009*210"],
        }
    ]
    known = Directory(Settings.model_validate(settings), ["210", "211", "0009*210"])
    office = known.user(3)
    assert known.find("210", office) == "0009*210"
    assert known.find("211", office) == "0003*211"


def test_a_short_form_of_a_colleague_means_nothing_to_a_user() -> None:
    known = freepbx()
    assert known.find("211", known.user(12)) is None


def test_what_is_listed_goes_before_the_patterns() -> None:
    settings = FREEPBX.model_dump()
    settings["extensions"] = [
        {"number": "0003*900", "type": "terminal", "endpoint": "PJSIP/210"},
        {"number": "0003*211", "type": "queue", "queue": "default"},
    ]
    known = Directory(Settings.model_validate(settings), ["210", "211"])
    known.learn(Kind.IVR, [])
    assert known.of_channel("PJSIP/210-00000001") == "0003*900"
    assert not known.exists("0003*210"), "that endpoint is another extension"
    assert known.of_queue("default") == "0003*211"
    assert known.of_channel("PJSIP/211-00000001") is None, "its number is that of a queue"


def test_an_endpoint_that_a_pattern_makes_one_number_is_not_another_by_its_bare_name() -> None:
    settings = FREEPBX.model_dump()
    settings["users"] = [{"id": 12, "name": "John", "extensions": ["_XXX", "_9XX"]}]
    known = Directory(Settings.model_validate(settings), ["210", "310"])
    assert known.exists("310"), "nobody else's, and called as a number of the user's"
    assert not known.exists("210"), "0003*210"
    assert known.of_channel("PJSIP/210-00000001") == "0003*210"


def test_the_short_form_of_a_user_who_may_own_any_prefix_follows_what_the_pbx_has() -> None:
    settings = VOIPNOW.model_dump()
    settings["users"] = [{"id": 12, "name": "John", "extensions": ["_XXXX*3XX"]}]
    known = Directory(Settings.model_validate(settings), ["0003*310"])
    john = known.user(12)
    assert known.find("310", john) == "0003*310"
    known.learn(Kind.TERMINAL, ["0004*310"])
    assert known.find("310", john) == "0004*310"
    known.learn(Kind.TERMINAL, ["0003*310", "0004*310"])
    assert known.find("310", john) is None


def test_a_number_is_one_thing_even_if_the_pbx_has_two_of_that_name() -> None:
    known = voipnow()
    assert known.on_pbx("0003*211") == PbxName(Kind.TERMINAL, "PJSIP/0003*211")
    assert known.of_queue("0003*211") is None, "callers in it must not be told as the phone's"


def test_a_queue_that_is_new_on_the_pbx_is_told_of_before_it_was_read() -> None:
    known = voipnow()
    assert not known.exists("0003*701")
    assert known.of_queue("0003*701") == "0003*701"


def test_what_fits_counts_as_being_there_until_the_pbx_was_read() -> None:
    unread = Directory(FREEPBX)
    assert unread.exists("0003*210")
    assert unread.exists("0003*400")
    assert unread.of_queue("400") == "0003*400"
    assert unread.of_number("8123", "0003*210") == "0003*8123"
    assert unread.of_number("7", "0003*210") is None, "not every short number is a menu"


def test_new_settings_are_gone_by_and_what_the_pbx_has_stays() -> None:
    known = freepbx()
    told: list[str] = []
    known.watch(lambda: told.append((known.organization_of("0003*210") and "3") or "none"))
    known.take_over(VOIPNOW)
    assert not known.exists("0003*210"), "that endpoint is not called so here"
    known.take_over(FREEPBX)
    assert known.exists("0003*210")
    assert known.exists("0003*400")
    assert told == ["3", "3"]
