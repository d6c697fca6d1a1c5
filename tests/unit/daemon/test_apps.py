from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from daemon.apps import (
    app_with_key,
    create_app,
    default_app,
    find_app,
    list_apps,
    new_key_secret,
    revoke_app,
    rotate_secret,
    valid_secrets,
)
from daemon.events.signature import signature
from daemon.store import open_database
from daemon.tokens import create_token, find_token

NOW = 1_800_000_000.0


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    db = open_database(tmp_path / "uapid.sqlite")
    yield db
    db.close()


def test_an_app_is_found_by_its_id_as_it_was_made(db: Database) -> None:
    made, other = create_app(db, 12, "CRM"), create_app(db, 13, "CRM")
    assert (made.user, made.name) == (12, "CRM")
    assert len(made.id) == 12
    assert made.id.isalnum()
    assert find_app(db, made.id) == made
    assert list_apps(db) == [made, other]
    assert find_app(db, "unknown") is None


def test_each_app_has_a_secret_of_its_own_that_can_sign(db: Database) -> None:
    secrets = [valid_secrets(db, create_app(db, 12, "CRM").id, NOW) for _ in range(3)]
    assert [len(of_app) for of_app in secrets] == [1, 1, 1]
    assert len({signature("id", 0, b"", of_app) for of_app in secrets}) == 3


def test_the_default_app_of_a_user_is_made_once(db: Database) -> None:
    create_app(db, 12, "CRM")
    mine, hers = default_app(db, 12), default_app(db, 13)
    assert (mine.user, mine.name, hers.user) == (12, "default", 13)
    assert [default_app(db, user) for user in (12, 13)] == [mine, hers]
    assert len(list_apps(db)) == 3


def test_a_rotation_leaves_the_old_secret_valid_for_the_overlap(db: Database) -> None:
    app, other = create_app(db, 12, "CRM").id, create_app(db, 12, "other").id
    (old,), others = valid_secrets(db, app, NOW), valid_secrets(db, other, NOW)
    new = rotate_secret(db, app, 3600.0, NOW)
    assert new != old
    assert valid_secrets(db, app, NOW) == [new, old]
    assert valid_secrets(db, app, NOW + 3599.0) == [new, old]
    assert valid_secrets(db, app, NOW + 3600.0) == [new]
    assert valid_secrets(db, other, NOW) == others


def test_without_an_overlap_the_old_secret_ends_at_once(db: Database) -> None:
    app = create_app(db, 12, "CRM").id
    assert valid_secrets(db, app, NOW) != [rotate_secret(db, app, 0.0, NOW)]
    assert len(valid_secrets(db, app, NOW)) == 1


def test_at_most_two_secrets_are_valid(db: Database) -> None:
    app = create_app(db, 12, "CRM").id
    rotated = [rotate_secret(db, app, 3600.0, NOW) for _ in range(3)]
    assert valid_secrets(db, app, NOW) == [rotated[2], rotated[1]]


def test_a_rotation_is_in_the_file_at_once(db: Database, tmp_path: Path) -> None:
    app = create_app(db, 12, "CRM").id
    new = rotate_secret(db, app, 3600.0, NOW)
    other = open_database(tmp_path / "uapid.sqlite")
    assert valid_secrets(other, app, NOW)[0] == new
    other.close()


def test_what_is_no_app_has_no_secret_and_gets_none(db: Database) -> None:
    assert valid_secrets(db, "unknown", NOW) == []
    assert rotate_secret(db, "unknown", 3600.0, NOW) is None
    assert list_apps(db) == []


def test_an_app_is_known_by_its_key_and_secret_and_by_nothing_else(db: Database) -> None:
    app, other = create_app(db, 12, "CRM"), create_app(db, 12, "other")
    secret, others = new_key_secret(db, app.id), new_key_secret(db, other.id)
    assert secret is not None
    assert others is not None
    assert app_with_key(db, app.id, secret) == app
    wrong = [(app.id, others), (other.id, secret), ("unknown", secret), (app.id, ""), ("", "")]
    wrong += [(app.id, secret[:-1]), (app.id, secret + "x"), (app.id.upper() + "x", secret)]
    wrong += [(app.id, valid_secrets(db, app.id, NOW)[0])]
    assert [pair for pair in wrong if app_with_key(db, *pair) is not None] == []


def test_an_app_without_a_key_secret_is_known_by_none(db: Database) -> None:
    app = create_app(db, 12, "CRM")
    assert app_with_key(db, app.id, "") is None


def test_a_new_key_secret_ends_the_one_before(db: Database) -> None:
    app = create_app(db, 12, "CRM")
    old, new = new_key_secret(db, app.id), new_key_secret(db, app.id)
    assert old is not None
    assert new is not None
    assert app_with_key(db, app.id, old) is None
    assert app_with_key(db, app.id, new) == app
    assert new_key_secret(db, "unknown") is None


def test_the_file_holds_no_key_secret(db: Database, tmp_path: Path) -> None:
    secret = new_key_secret(db, create_app(db, 12, "CRM").id)
    assert secret is not None
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert secret.encode() not in files


def test_a_revoked_app_has_no_key_no_token_and_is_told_of_no_call(db: Database) -> None:
    app, other = create_app(db, 12, "CRM"), create_app(db, 12, "other")
    secret, others = new_key_secret(db, app.id), new_key_secret(db, other.id)
    tokens = [create_token(db, 12, owner.id) for owner in (app, other)]
    for owner in (app, other):
        row = {"id": f"of{owner.id}", "extension": "0003*210", "type": 0, "status": 1}
        db.table("phone_call_events").insert({**row, "app": owner.id})
    assert revoke_app(db, app.id)
    assert app_with_key(db, app.id, secret or "") is None
    assert app_with_key(db, other.id, others or "") == other
    assert [find_token(db, token) is None for token in tokens] == [True, False]
    rows = {
        row["app"]: row["status"] for row in db.query("SELECT app, status FROM phone_call_events")
    }
    assert rows == {app.id: 0, other.id: 1}
    found = find_app(db, app.id)
    assert found is not None
    assert found.revoked is not None
    assert new_key_secret(db, app.id) is None, "it stays revoked"
    assert [revoke_app(db, id) for id in (app.id, "unknown")] == [False, False]


def test_a_revoked_default_app_is_no_default_any_more(db: Database) -> None:
    before = default_app(db, 12)
    revoke_app(db, before.id)
    assert default_app(db, 12).id != before.id
