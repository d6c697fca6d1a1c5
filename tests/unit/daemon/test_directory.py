import pytest

from config.settings import Settings
from daemon.directory import Directory
from daemon.pbx_names import Kind
from tests.unit.daemon.people import JOHN, MARY, RECEPTION, SETTINGS, STRANGER, directory


@pytest.mark.parametrize(
    ("number", "owner"),
    [
        (JOHN, 12),
        (MARY, 12),  # by pattern, and first in the settings though 13 has a wider one
        ("0003*300", 13),
        (STRANGER, 13),
        ("0003*2100", 13),  # a pattern of 12 matches in full or not at all
        ("10003*210", None),
        ("210", None),
    ],
)
def test_a_number_is_owned_by_name_or_by_pattern(number: str, owner: int | None) -> None:
    user = directory().owner(number)
    assert (user.id if user else None) == owner


def test_a_user_comes_with_its_organization() -> None:
    john, other = directory().user(12), directory().user(13)
    assert john is not None
    assert other is not None
    assert john.organization is not None
    assert john.organization.name == "Default Organization"
    assert other.organization is None
    assert directory().user(14) is None


def test_an_owned_number_exists_if_the_pbx_has_such_an_endpoint() -> None:
    known = directory()
    assert known.exists(JOHN)
    assert not known.exists("0003*299")
    assert not known.exists("trunk"), "an endpoint that nobody owns is no extension"


def test_a_listed_number_exists_whatever_endpoints_there_are() -> None:
    assert directory().exists(RECEPTION)
    assert directory().exists("0003*800")


def test_an_owned_number_counts_as_existing_until_the_endpoints_are_known() -> None:
    unread = Directory(SETTINGS)
    assert unread.exists("0003*299")
    assert not unread.exists("0001*299")
    unread.learn(Kind.TERMINAL, [JOHN])
    assert not unread.exists("0003*299")
    assert unread.exists(JOHN)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (JOHN, JOHN),
        ("210", JOHN),
        ("220", MARY),
        ("024", RECEPTION),
        ("10", None),
        ("*210", None),
        ("999", None),
        ("800", None),  # somebody else's
    ],
)
def test_a_short_form_means_the_users_own_extension(text: str, number: str | None) -> None:
    known = directory()
    assert known.find(text, known.user(12)) == number


def test_a_short_form_that_two_extensions_share_means_none() -> None:
    known = directory("0003*300", "0004*210", "0003*310", "0004*300", STRANGER)
    other = known.user(13)
    assert known.find("300", other) == "0003*300"
    known = Directory(SETTINGS, frozenset({STRANGER, "0003*100"}))
    assert known.find("100", known.user(13)) is None


def test_without_a_user_only_full_numbers_are_found() -> None:
    assert directory().find(JOHN, None) == JOHN
    assert directory().find("210", None) is None


@pytest.mark.parametrize(
    ("channel", "extension"),
    [
        ("PJSIP/0003*210-00000001", JOHN),
        ("PJSIP/0003*210-0000ffff", JOHN),
        ("PJSIP/reception-00000002", RECEPTION),
        ("PJSIP/trunk-00000003", None),
        ("PJSIP/0003*024-00000004", None),  # listed, and that endpoint is another phone
        ("Local/0003*210@internal-00000005;1", None),
        ("SIP/0003*210-00000006", None),
        ("PJSIP/0003*210", JOHN),
        ("nonsense", None),
    ],
)
def test_a_channel_belongs_to_the_extension_of_its_endpoint(
    channel: str, extension: str | None
) -> None:
    assert directory().of_channel(channel) == extension


@pytest.mark.parametrize(
    ("number", "caller", "extension"),
    [
        (MARY, None, MARY),
        ("220", JOHN, MARY),
        ("220", STRANGER, None),
        ("220", None, None),
        ("0040210000000", JOHN, None),
    ],
)
def test_a_dialled_number_is_seen_from_the_caller(
    number: str, caller: str | None, extension: str | None
) -> None:
    assert directory().of_number(number, caller) == extension


@pytest.mark.parametrize(
    ("number", "music"),
    [
        ("0003*210", "of-extension"),
        ("0003*211", "of-user"),
        ("0003*212", ""),  # an empty class is one too: Asterisk's default
        ("0004*300", "of-organization"),
        ("0005*300", "of-all"),
        ("0009*999", "of-all"),
        (None, "of-all"),
    ],
)
def test_the_music_class_nearest_to_the_holder_wins(number: str | None, music: str) -> None:
    settings = Settings.model_validate(
        {
            "hold": {"music": "of-all"},
            "organizations": [{"id": "3", "name": "A", "music": "of-organization"}],
            "users": [
                {
                    "id": 12,
                    "name": "John",
                    "organization": "3",
                    "music": "of-user",
                    "extensions": ["_0003*2XX"],
                },
                {"id": 13, "name": "Jane", "organization": "3", "extensions": ["0004*300"]},
                {"id": 14, "name": "Ann", "extensions": ["0005*300"]},
            ],
            "extensions": [
                {
                    "number": "0003*210",
                    "type": "terminal",
                    "endpoint": "PJSIP/a",
                    "music": "of-extension",
                },
                {"number": "0003*212", "type": "terminal", "endpoint": "PJSIP/b", "music": ""},
            ],
        }
    )
    assert Directory(settings).music_class(number) == music
