"""A fault in the settings is told with its source, its key, what came and what is allowed."""

from pathlib import Path

import pytest

from config.loading import SettingsError, load_settings


def _refusal_of(tmp_path: Path, text: str) -> tuple[str, Path]:
    file = tmp_path / "uapid.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refusal:
        load_settings(file, {})
    return str(refusal.value), file


@pytest.mark.parametrize(
    ("text", "key", "came", "allowed"),
    [
        ("[ami]\nport = 70000", "ami.port", "70000", "less than or equal to 65535"),
        ("[ami]\nport = 0", "ami.port", "0", "greater than or equal to 1"),
        ('[http]\nport = "http"', "http.port", "'http'", "valid integer"),
        ("[node]\nname = 5", "node.name", "5", "valid string"),
        ('[node]\nname = ""', "node.name", "''", "at least 1 character"),
        ('[node]\ntimezone = "Mars/Olympus"', "node.timezone", "'Mars/Olympus'", "Europe/"),
        ('[node]\ntimezone = "/etc/passwd"', "node.timezone", "'/etc/passwd'", "Europe/"),
        ('[ari]\nurl = "ftp://pbx/"', "ari.url", "'ftp://pbx/'", "http or https"),
        ('[ari]\nurl = "http://"', "ari.url", "'http://'", "with a host"),
        ("[ami]\nping_interval = 0", "ami.ping_interval", "0", "greater than or equal to 0.1"),
        ("[ami]\ntimeout = 61", "ami.timeout", "61", "less than or equal to 60"),
        ("[ari]\nping_interval = 61", "ari.ping_interval", "61", "less than or equal to 60"),
        ("[ari]\ntimeout = -1", "ari.timeout", "-1", "greater than or equal to 0.1"),
        ('[ami]\nusername = "a\\r\\nb"', "ami.username", "'a\\r\\nb'", "one line of text"),
        ('[ari]\napp = "a,b"', "ari.app", "'a,b'", "pattern"),
        ('[http]\npublic_url = "uapi"', "http.public_url", "'uapi'", "http or https"),
        ('[api]\nempty = "404"', "api.empty", "'404'", "'204' or '200'"),
        ("[api]\nhold_timeout = 0", "api.hold_timeout", "0", "greater than 0"),
        ("[api]\nhold_timeout = 61", "api.hold_timeout", "61", "60"),
        ("[access]\ntoken_lifetime = 300", "access.token_lifetime", "300", "equal to 301"),
        ("[access]\ntoken_in_query = 2", "access.token_in_query", "2", "boolean"),
        ("ami = 5", "ami", "5", "dictionary"),
        ("users = 5", "users", "5", "tuple"),
        (
            '[[users]]\nid = 1\nname = "a"\nextensions = ["12a"]',
            "users.0.extensions.0",
            "'12a'",
            "digits and * are allowed",
        ),
        (
            '[[users]]\nid = 1\nname = "a"\nextensions = ["_1Q"]',
            "users.0.extensions.0",
            "'_1Q'",
            "X, Z, N",
        ),
        ('[[users]]\nid = -1\nname = "a"', "users.0.id", "-1", "greater than or equal to 0"),
        (
            "[delivery]\nschedule = [0, -1]",
            "delivery.schedule.1",
            "-1",
            "greater than or equal to 0",
        ),
        ("[delivery]\nschedule = []", "delivery.schedule", "[]", "at least 1"),
        ("[delivery]\nconcurrency = 0", "delivery.concurrency", "0", "greater than or equal to 1"),
        ("[delivery]\nretention_days = 0", "delivery.retention_days", "0", "greater than 0"),
        (
            '[delivery]\nallow_networks = ["10.0.0.1/8"]',
            "delivery.allow_networks.0",
            "'10.0.0.1/8'",
            "a network such as 10.1.0.0/16 is allowed",
        ),
        ("[delivery]\nallow_networks = [5]", "delivery.allow_networks.0", "5", "a network such as"),
        ('[[organizations]]\nid = "x"\nname = "a"', "organizations.0.id", "'x'", "[0-9]"),
        (
            '[[organizations]]\nid = "3"\nname = "a"\nprefix = "3*"',
            "organizations.0.prefix",
            "'3*'",
            "[0-9]",
        ),
        (
            '[[organizations]]\nid = "3"\nname = "a"\nprefix = "3"\nqueues = ["_4XX"]',
            "organizations.0.queues.0",
            "'_4XX'",
            "such as {2XX} or ivr-{X!}",
        ),
        (
            '[[organizations]]\nid = "3"\nname = "a"\nprefix = "3"\nconferences = ["{8X.}"]',
            "organizations.0.conferences.0",
            "'{8X.}'",
            "without . and ! is allowed",
        ),
        (
            '[[users]]\nid = 1\nname = "a"\nrole = "root"',
            "users.0.role",
            "'root'",
            "'user', 'organization' or 'administrator'",
        ),
        (
            '[[extensions]]\nnumber = "1"\ntype = "fax"',
            "extensions.0.type",
            "'fax'",
            "'terminal', 'queue', 'conference' or 'ivr'",
        ),
    ],
)
def test_a_wrong_value_is_told_with_file_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, key: str, came: str, allowed: str
) -> None:
    message, file = _refusal_of(tmp_path, text)
    assert message.startswith(f"{file}: {key}: got {came}: ")
    assert allowed in message


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[node]\nnmae = 'x'", "node.nmae"),
        ("[nodes]\nname = 'x'", "nodes"),
        ("[[users]]\nid = 1\nname = 'a'\nextension = '1'", "users.0.extension"),
    ],
)
def test_an_unknown_key_is_told_by_its_name(tmp_path: Path, text: str, key: str) -> None:
    message, file = _refusal_of(tmp_path, text)
    assert message == f"{file}: {key}: there is no such key; see config/uapid.toml"


def test_each_fault_has_a_line(tmp_path: Path) -> None:
    message, _ = _refusal_of(tmp_path, "[ami]\nport = 0\nhost = 1\n[x]\n")
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('[http]\ntls_key = "a.key"', ["http", "tls_certificate and tls_key", "together"]),
        (
            '[[extensions]]\nnumber = "1"\ntype = "queue"',
            ["extensions.0", "type queue", "to have queue", "has nothing"],
        ),
        (
            '[[extensions]]\nnumber = "1"\ntype = "ivr"\ncontext = "a"\nqueue = "b"',
            ["extensions.0", "type ivr", "to have context", "has context, queue"],
        ),
        (
            '[[users]]\nid = 1\nname = "a"\n[[users]]\nid = 1\nname = "b"',
            ["users", "1", "more than once"],
        ),
        (
            '[[organizations]]\nid = "3"\nname = "a"\n[[organizations]]\nid = 3\nname = "b"',
            ["organizations", "3", "more than once"],
        ),
        (
            '[[users]]\nid = 1\nname = "a"\norganization = "9"\n'
            '[[organizations]]\nid = "3"\nname = "o"',
            ["user 1", "organization 9", "allowed: 3"],
        ),
        (
            '[[users]]\nid = 1\nname = "a"\norganization = "9"',
            ["user 1", "organization 9", "there is no [[organizations]]"],
        ),
        (
            '[[users]]\nid = 1\nname = "a"\nrole = "organization"',
            ["users.0", "role organization", "with an organization"],
        ),
        (
            '[[organizations]]\nid = "3"\nname = "a"\nendpoints = ["{2XX}"]',
            ["organizations.0", "endpoints without prefix", "digits"],
        ),
        (
            '[[organizations]]\nid = "3"\nname = "a"\nprefix = "0003"\n'
            '[[organizations]]\nid = "4"\nname = "b"\nprefix = "0003"',
            ["prefixes of organizations", "0003", "more than once"],
        ),
        (
            '[[extensions]]\nnumber = "1"\ntype = "queue"\nqueue = "a"\n'
            '[[extensions]]\nnumber = "2"\ntype = "queue"\nqueue = "a"',
            ["names of extensions", "queue a", "more than once"],
        ),
        (
            '[[organizations]]\nid = "3"\nname = "a"\nprefix = "0003"\nendpoints = ["{2XX}"]\n'
            '[[organizations]]\nid = "4"\nname = "b"\nprefix = "0004"\nendpoints = ["{X.}"]',
            ["organizations: endpoints: 3 has {2XX} and 4 has {X.}", "both 200", "one organ"],
        ),
    ],
)
def test_keys_that_contradict_each_other_are_told(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    message, file = _refusal_of(tmp_path, text)
    assert message.startswith(f"{file}: ")
    assert [part for part in parts if part not in message] == []


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("UAPID_AMI__PORT", "many", ["ami.port", "'many'", "valid integer"]),
        ("UAPID_AMI__BOGUS", "1", ["ami.bogus", "no such key"]),
        ("UAPID_BOGUS__KEY", "1", ["bogus", "no such key"]),
        ("UAPID_BOGUS", "1", ["bogus", "no such key"]),
        ("UAPID_AMI__PORT__X", "1", ["ami.port"]),
        ("UAPID_USERS", "12", ["users", "12"]),
        ("UAPID_DELIVERY__ALLOW_NETWORKS", "10.0.0.0/8", ["'10.0.0.0/8'", "JSON array"]),
        ("UAPID_DELIVERY__SCHEDULE", "[-1]", ["delivery.schedule.0", "-1", "greater than"]),
        ("UAPID_USERS", "[12", ["'[12'", "JSON array"]),
        ("UAPID_USERS", '[{"id": "x", "name": "a"}]', ["users.0.id", "'x'", "valid integer"]),
    ],
)
def test_a_fault_from_the_environment_names_the_variable(
    tmp_path: Path, name: str, text: str, parts: list[str]
) -> None:
    file = tmp_path / "uapid.toml"
    file.write_text("")
    with pytest.raises(SettingsError) as refusal:
        load_settings(file, {name: text})
    message = str(refusal.value)
    assert message.startswith(f"{name}: ")
    assert [part for part in parts if part not in message] == []


def test_a_fault_from_a_credential_names_the_credential(tmp_path: Path) -> None:
    (tmp_path / "ami.port").write_text("many")
    with pytest.raises(SettingsError, match=r"^credential ami\.port: ami\.port: got 'many'"):
        load_settings(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_credential_that_is_no_text_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "ami.secret").write_bytes(b"hunter2\xff")
    with pytest.raises(SettingsError, match=r"ami\.secret") as refusal:
        load_settings(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        '[ami]\nsecret = ["hunter2"]',
        "[ari]\npassword = {text = 'hunter2'}",
        '[ami]\nsecrte = "hunter2"',
        '[ari]\npasword = "hunter2"',
        '[ami]\nsecret = "hunter2"\nport = 0',
        "[ami]\nsecret = hunter2",
    ],
)
def test_no_message_shows_a_secret(tmp_path: Path, text: str) -> None:
    message, _ = _refusal_of(tmp_path, text)
    assert "hunter2" not in message


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot be read") as refusal:
        load_settings(tmp_path / name, {})
    assert str(tmp_path / name) in str(refusal.value)


@pytest.mark.parametrize("content", [b"[ami", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "uapid.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="is not TOML") as refusal:
        load_settings(file, {})
    assert str(file) in str(refusal.value)


@pytest.mark.parametrize("url", ["http://me:hunter2@pbx/", "http://pbx/?api_key=me:hunter2"])
def test_a_password_in_a_url_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    message, _ = _refusal_of(tmp_path, f'[ari]\nurl = "{url}"')
    assert "ari.url: got a value that is not shown: " in message
    assert "without user, password, query and fragment" in message
    assert "hunter2" not in message


def test_a_secret_of_two_lines_is_refused_and_not_shown(tmp_path: Path) -> None:
    message, _ = _refusal_of(tmp_path, '[ami]\nsecret = "hunter2\\r\\nAction: Originate"')
    assert "ami.secret: got a value that is not shown: one line of text is allowed" in message
    assert "hunter2" not in message
