"""Whose a number is, and who may use it."""

import pytest

from config.people import Organization, User
from config.settings import Settings
from daemon.people import People
from daemon.people import User as Person

SETTINGS = Settings(
    organizations=(
        Organization(id="3", name="Three", prefix="0003"),
        Organization(id="4", name="Four", prefix="0004"),
    ),
    users=(
        User(id=1, name="Root", organization="3", role="administrator"),
        User(id=3, name="Office", organization="3", role="organization"),
        User(id=4, name="Other office", organization="4", role="organization"),
        User(id=12, name="John", organization="3", extensions=("0003*210", "_0003*22X")),
        User(id=13, name="Jane", organization="4", extensions=("0003*220", "0005*1")),
        User(id=14, name="Alone", extensions=("0006*1",)),
    ),
)
PEOPLE = People(SETTINGS)


@pytest.mark.parametrize(
    ("number", "users"),
    [
        ("0003*210", {1, 3, 12}),
        ("0003*211", {1, 3}),  # nobody's own, and of the organization by its prefix
        ("0003*220", {1, 3, 12}),  # 12 comes first in the settings, though 13 names it
        ("0004*100", {1, 4}),
        ("0005*1", {1, 4, 13}),  # of the organization as its user's
        ("0006*1", {1, 14}),
        ("0007*1", {1}),
    ],
)
def test_who_may_use_a_number(number: str, users: set[int]) -> None:
    everybody = [user.id for user in SETTINGS.users]
    assert {id for id in everybody if PEOPLE.may_use(_user(id), number)} == users


def test_a_number_that_its_owners_organization_has_is_not_also_of_the_one_with_its_prefix() -> None:
    people = People(
        SETTINGS.model_copy(
            update={
                "users": (
                    *SETTINGS.users[1:3],
                    User(id=9, name="x", organization="4", extensions=("0003*210",)),
                )
            }
        )
    )
    office, other = people.user(3), people.user(4)
    assert office is not None
    assert other is not None
    assert not people.may_use(office, "0003*210")
    assert people.may_use(other, "0003*210")


@pytest.mark.parametrize(
    ("caller", "users"),
    [
        (1, {1, 3, 4, 12, 13, 14}),
        (3, {3, 12}),  # and not 1, who may use more than the organization has
        (4, {4, 13}),
        (12, {12}),
        (14, {14}),
    ],
)
def test_who_may_act_for_whom(caller: int, users: set[int]) -> None:
    everybody = [user.id for user in SETTINGS.users]
    assert {id for id in everybody if PEOPLE.may_act_for(_user(caller), _user(id))} == users


def test_two_users_without_an_organization_have_none_in_common() -> None:
    people = People(
        Settings(
            users=(
                User(id=1, name="a", extensions=("1",)),
                User(id=2, name="b", extensions=("2",)),
            )
        )
    )
    one, other = people.user(1), people.user(2)
    assert one is not None
    assert other is not None
    assert not people.may_act_for(one, other)
    assert not people.may_use(one, "2")


def _user(id: int) -> Person:
    user = PEOPLE.user(id)
    assert user is not None
    return user
