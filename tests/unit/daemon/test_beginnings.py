from daemon.beginnings import ByBeginning


def test_a_text_meets_the_patterns_that_begin_as_it_does_and_no_others() -> None:
    patterns = ByBeginning([("0003*", "long"), ("0", "short"), ("", "any"), ("0003*", "twin")])
    assert list(patterns.candidates("0003*210")) == ["any", "short", "long", "twin"]
    assert list(patterns.candidates("00")) == ["any", "short"]
    assert list(patterns.candidates("4")) == ["any"]
    assert list(patterns.candidates("")) == ["any"]
