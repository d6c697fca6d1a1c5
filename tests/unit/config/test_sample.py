"""config/uapid.toml is the reference of the settings, so it must not drift from them."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from config.loading import load_settings
from config.settings import Settings

SAMPLE = Path(__file__).parents[3] / "config" / "uapid.toml"
_COMMENTED_OUT = re.compile(r"^# (?=\[\[?\w+\]|\w+ = )", re.MULTILINE)


def _with_examples() -> str:
    return _COMMENTED_OUT.sub("", SAMPLE.read_text(encoding="utf-8"))


def _keys(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def test_the_values_of_the_sample_are_the_defaults() -> None:
    assert load_settings(SAMPLE, {}) == Settings()


def test_every_key_with_a_default_stands_in_the_sample_with_it() -> None:
    written: dict[str, Any] = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    for name, section in Settings():
        if isinstance(section, BaseModel):
            assert set(written[name]) == {key for key, value in section if value is not None}


def test_the_commented_out_examples_are_accepted_and_complete(tmp_path: Path) -> None:
    file = tmp_path / "uapid.toml"
    file.write_text(_with_examples(), encoding="utf-8")
    settings = load_settings(file, {})
    assert settings.users[0].organization == settings.organizations[0].id
    written: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    assert set(written) == _keys(Settings)
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            assert set(written[name]) == _keys(section), name
        elif name != "extensions":
            assert set(written[name][0]) == _keys(get_args(section)[0]), name


def test_each_way_to_say_what_an_extension_is_stands_in_the_sample() -> None:
    listed = SAMPLE.read_text(encoding="utf-8").partition("[[extensions]]")[2]
    for key in get_args(Settings.model_fields["extensions"].annotation)[0].model_fields:
        assert re.search(rf"\b{key}\b", listed), key
