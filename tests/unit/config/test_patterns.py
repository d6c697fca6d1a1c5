import pytest

from config.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "matches", "does_not"),
    [
        ("_0003*2XX", ["0003*210", "0003*299"], ["0003*21", "0003*2100", "0003*310", "000342XX"]),
        ("_X", ["0", "9"], ["*", "a", ""]),
        ("_Z", ["1", "9"], ["0"]),
        ("_N", ["2", "9"], ["0", "1"]),
        ("_xzn", ["012", "999"], ["001"]),
        ("_[13-5]0", ["10", "30", "50"], ["20", "60"]),
        ("_9.", ["91", "9123"], ["9"]),
        ("_9!", ["9", "9123"], ["8"]),
        ("_0003*0.", ["0003*024"], ["00030", "000333024"]),
        ("_#1", ["#1"], ["1"]),
    ],
)
def test_a_pattern_matches_as_the_dialplan_does(
    pattern: str, matches: list[str], does_not: list[str]
) -> None:
    compiled = compile_pattern(pattern)
    assert [number for number in matches if not compiled.fullmatch(number)] == []
    assert [number for number in does_not if compiled.fullmatch(number)] == []


@pytest.mark.parametrize("text", ["", "_", "210", "2XX", "_2AA", "_[", "_[]", "_2 1", "_[9-1]"])
def test_what_is_no_pattern_is_refused_and_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no Asterisk pattern") as refusal:
        compile_pattern(text)
    assert repr(text) in str(refusal.value)
