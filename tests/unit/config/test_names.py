import pytest

from config.names import compile_name, example_of_both


@pytest.mark.parametrize(
    ("pattern", "name", "short"),
    [
        ("{2XX}", "210", "210"),
        ("0003*{X!}", "0003*210", "210"),
        ("0003*{X!}", "0003*7", "7"),
        ("ivr-{X!}", "ivr-12", "12"),
        ("{3XX}-acme", "310-acme", "310"),
        ("{[24]X.}", "4100", "4100"),
    ],
)
def test_a_name_has_a_short_form_and_the_short_form_that_name(
    pattern: str, name: str, short: str
) -> None:
    assert compile_name(pattern).short_of(name) == short
    assert compile_name(pattern).name_of(short) == name


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{2XX}", "trunk"),
        ("{2XX}", "0210"),
        ("{2XX}", "2100"),
        ("{2XX}", "2٣0"),  # a digit of another script
        ("0003*{X!}", "0004*210"),
        ("0003*{X!}", "0003*2*10"),
        ("0003*{X!}", "0003*"),
        ("ivr-{X!}", "ivr-1-option"),
        ("{3XX}-acme", "310"),
        ("aa{X!}a", "aaa"),  # what is before and what is after must not share a letter
        ("{X!}", ""),
    ],
)
def test_other_names_are_not_of_the_pattern(pattern: str, name: str) -> None:
    assert compile_name(pattern).short_of(name) is None


@pytest.mark.parametrize("short", ["110", "21", "2100", "", "2*1", "٢10"])
def test_a_short_form_that_does_not_fit_has_no_name(short: str) -> None:
    assert compile_name("{2XX}").name_of(short) is None


@pytest.mark.parametrize("text", ["210", "{}", "{2XX", "2XX}", "{2XX}{3XX}", "{abc}", "{2*X}", ""])
def test_what_is_no_pattern_of_names_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="allowed"):
        compile_name(text)


@pytest.mark.parametrize(
    ("one", "other", "example"),
    [
        ("{2XX}", "{21X}", "210"),
        ("{2XX}", "{X.}", "200"),
        ("{XX}", "1{X}", "10"),
        ("{X!}-a", "1{X}-a", "10-a"),
        ("0003*{X!}", "0003*{7XX}", "0003*700"),
        ("{2XX}", "{3XX}", None),
        ("{2XX}", "{2X}", None),
        ("{X.}", "{X}", None),
        ("0003*{X!}", "0004*{X!}", None),
        ("{2XX}-a", "{2XX}-b", None),
        ("{[13-5]XX}", "{[26-9]XX}", None),
    ],
)
def test_whether_two_patterns_have_a_name_in_common(
    one: str, other: str, example: str | None
) -> None:
    assert example_of_both(compile_name(one), compile_name(other)) == example
    assert (example_of_both(compile_name(other), compile_name(one)) is None) == (example is None)
