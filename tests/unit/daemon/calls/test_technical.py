from daemon.calls.technical import TechnicalChannels

ONE, TWO = "Local/210@internal-00000001;1", "Local/210@internal-00000001;2"


def test_the_halves_of_a_local_channel_know_each_other() -> None:
    channels = TechnicalChannels()
    channels.note("1.1", ONE)
    assert channels.other_half("1.1") is None, "it has not been seen yet"
    channels.note("1.2", TWO)
    for half, other in (("1.1", TWO), ("1.2", ONE)):
        found = channels.other_half(half)
        assert found is not None
        assert found.name == other
    channels.forget("1.2")
    assert channels.other_half("1.1") is None


def test_what_is_no_local_channel_has_no_other_half() -> None:
    channels = TechnicalChannels()
    channels.note("1.1", "Snoop/1795296890.1-00000002")
    assert channels.other_half("1.1") is None
    assert channels.other_half("1.9") is None


def test_a_name_that_comes_again_after_a_restart_of_the_pbx_is_that_of_the_new_channel() -> None:
    channels = TechnicalChannels()
    channels.note("1.1", ONE)
    channels.note("2.1", ONE)
    channels.note("2.2", TWO)
    channels.forget("1.1")
    half = channels.other_half("2.2")
    assert half is not None
    assert half.uniqueid == "2.1"
    assert list(channels) == ["2.1", "2.2"]
    assert "2.1" in channels
    assert "1.1" not in channels
    channels.forget("2.1")
