from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from daemon.store import open_database
from daemon.tokens import (
    create_token,
    find_token,
    forget_expired_tokens,
    list_tokens,
    revoke_token,
    revoke_tokens_of,
)

APP = "0123456789ab"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = open_database(tmp_path / "uapid.sqlite")
    yield db
    db.close()


def _user(db: Database, token: str) -> int | None:
    found = find_token(db, token)
    return None if found is None else found.user


def test_a_token_stands_for_its_user_and_its_app(db: Database) -> None:
    mine, other = create_token(db, 12, "one"), create_token(db, 13, "two")
    found = [find_token(db, token) for token in (mine, other)]
    assert [(token.user, token.app) for token in found if token] == [(12, "one"), (13, "two")]


@pytest.mark.parametrize("text", ["", "unknown"])
def test_what_is_no_token_stands_for_nobody(db: Database, text: str) -> None:
    create_token(db, 12, APP)
    assert _user(db, text) is None


def test_the_id_or_hash_of_a_token_does_not_open_the_door(db: Database) -> None:
    create_token(db, 12, APP)
    (row,) = db.query("SELECT hash FROM tokens")
    assert _user(db, row["hash"]) is None
    assert _user(db, list_tokens(db)[0].id) is None


def test_the_file_holds_no_token(db: Database, tmp_path: Path) -> None:
    token = create_token(db, 12, APP)
    assert len(token) >= 32
    db.close()
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert token.encode() not in written


def test_a_token_is_in_the_file_as_soon_as_it_is_made(db: Database, tmp_path: Path) -> None:
    token = create_token(db, 12, APP)
    other = open_database(tmp_path / "uapid.sqlite")
    assert _user(other, token) == 12
    other.close()


def test_the_list_shows_each_token_by_an_id(db: Database) -> None:
    for user in (12, 12, 13):
        create_token(db, user, APP)
    listed = list_tokens(db)
    assert sorted(token.user for token in listed) == [12, 12, 13]
    assert len({token.id for token in listed}) == 3
    assert all(token.created.tzinfo for token in listed)


def test_revoking_by_the_token_or_by_its_id_takes_that_one_away(db: Database) -> None:
    tokens = {create_token(db, user, APP): user for user in (1, 2, 3)}
    first, second, third = tokens
    second_id = next(token.id for token in list_tokens(db) if token.user == 2)
    assert revoke_token(db, first) == 1
    assert revoke_token(db, second_id) == 1
    assert [_user(db, token) for token in (first, second, third)] == [None, None, 3]


@pytest.mark.parametrize("text", ["", "unknown", "%", "____________"])
def test_revoking_what_is_not_there_takes_nothing_away(db: Database, text: str) -> None:
    token = create_token(db, 12, APP)
    assert revoke_token(db, text) == 0
    assert revoke_token(db, list_tokens(db)[0].id[:-1]) == 0, "an id is matched in full"
    assert _user(db, token) == 12


def test_no_token_reads_as_an_option_of_the_command_line(db: Database) -> None:
    with db.atomic():  # one commit for all
        tokens = [create_token(db, 12, APP) for _ in range(500)]
    assert [token for token in tokens if token.startswith("-")] == []


def test_a_token_is_valid_until_it_expires_and_one_without_an_end_for_ever(db: Database) -> None:
    ends, never = create_token(db, 12, APP, 1000.0), create_token(db, 12, APP)
    found = find_token(db, ends)
    assert found is not None
    assert [found.is_valid(now) for now in (0.0, 999.9, 1000.0, 1001.0)] == [
        True,
        True,
        False,
        False,
    ]
    endless = find_token(db, never)
    assert endless is not None
    assert endless.is_valid(9e12)


def test_revoking_the_tokens_of_an_app_leaves_those_of_others(db: Database) -> None:
    mine = [create_token(db, 12, APP) for _ in range(2)]
    other = create_token(db, 12, "other")
    assert revoke_tokens_of(db, APP) == 2
    assert [_user(db, token) for token in (*mine, other)] == [None, None, 12]


def test_tokens_that_are_over_are_forgotten_a_few_at_a_time(db: Database) -> None:
    for expires in (10.0, 20.0, 30.0):
        create_token(db, 12, APP, expires)
    kept = [create_token(db, 12, APP, 40.0), create_token(db, 12, APP)]
    assert [forget_expired_tokens(db, 40.0, limit=2) for _ in range(3)] == [2, 1, 0]
    assert [_user(db, token) for token in kept] == [12, 12]
    assert len(list_tokens(db)) == 2
