from daemon.calls.bridges import Bridges


def test_a_channel_is_in_one_bridge_at_a_time() -> None:
    bridges = Bridges()
    bridges.enter("1.1", "a")
    bridges.enter("1.2", "a")
    bridges.enter("1.1", "b")
    assert (bridges.of("1.1"), bridges.of("1.2"), bridges.of("1.3")) == ("b", "a", None)
    assert bridges.members("a") == {"1.2"}
    bridges.leave("1.2")
    assert bridges.members("a") == frozenset()


def test_leaving_a_bridge_that_it_is_not_in_any_more_changes_nothing() -> None:
    bridges = Bridges()
    bridges.enter("1.1", "b")
    bridges.leave("1.1", "a")
    bridges.leave("1.2")
    assert bridges.members("b") == {"1.1"}


def test_only_of_two_is_one_the_neighbour_of_the_other() -> None:
    bridges = Bridges()
    bridges.enter("1.1", "a")
    assert bridges.neighbour("1.1") == ""
    bridges.enter("1.2", "a")
    assert (bridges.neighbour("1.1"), bridges.neighbour("1.2")) == ("1.2", "1.1")
    bridges.enter("1.3", "a")
    assert bridges.neighbour("1.1") == bridges.neighbour("1.9") == ""
