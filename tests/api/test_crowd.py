"""Who makes room, and who is told to hurry."""

from api.crowd import Crowd, Phase
from config.settings import Http


class Peer:
    """Keeps what the crowd asked of it; ``again`` is whether it is given as long again."""

    def __init__(self, again: bool = False) -> None:
        self.again = again
        self.late: list[Phase] = []
        self.gone = False

    def too_late(self, phase: Phase) -> bool:
        self.late.append(phase)
        return self.again

    def make_room(self) -> None:
        self.gone = True


def crowd(most: int = 1000, **limits: float) -> Crowd:
    http = Http.model_validate({"timeout": 10, "connections": 10, **limits})
    return Crowd(lambda: http, most)


def peers(among: Crowd, count: int, phase: Phase | None, now: float = 0.0) -> list[Peer]:
    new = [Peer() for _ in range(count)]
    for peer in new:
        assert among.join(peer)
        among.enter(peer, phase, now)
    return new


def test_who_waits_longest_for_a_header_makes_room_and_after_all_of_them_who_is_idle_longest() -> (
    None
):
    among = crowd()
    idle, silent = peers(among, 5, Phase.IDLE), peers(among, 5, Phase.HEADER, now=1.0)
    for number, expected in enumerate([*silent, *idle]):
        peers(among, 1, None)
        assert [peer.gone for peer in (*silent, *idle)].count(True) == number + 1
        assert expected.gone
    assert not among.join(Peer()), "the others are at work"


def test_no_more_join_than_there_are_files_whatever_the_settings_say() -> None:
    among = crowd(most=3)
    peers(among, 3, Phase.BODY)
    assert not among.join(Peer())


def test_a_place_is_free_again_when_one_leaves() -> None:
    among = crowd()
    first, *_ = peers(among, 10, None)
    assert not among.join(Peer())
    among.leave(first)
    among.leave(first)
    assert among.join(Peer())


def test_to_begin_the_same_again_wins_no_time() -> None:
    among = crowd()
    (slow,) = peers(among, 1, Phase.HEADER)
    for now in range(1, 10):
        among.enter(slow, Phase.HEADER, now)
        among.hurry(now)
    assert slow.late == []
    among.hurry(10.0)
    assert slow.late == [Phase.HEADER]
    among.hurry(30.0)
    assert slow.late == [Phase.HEADER], "it is none of them any more"


def test_each_thing_that_a_client_has_to_do_has_its_own_time() -> None:
    among = crowd()
    (busy,) = peers(among, 1, Phase.HEADER)
    for now, phase in ((8, Phase.BODY), (16, Phase.ANSWER), (24, Phase.HEADER), (32, Phase.IDLE)):
        among.hurry(now)
        among.enter(busy, phase, now)
    among.hurry(1000.0)
    assert busy.late == []


def test_who_takes_some_of_an_answer_is_given_as_long_again() -> None:
    among = crowd()
    slow = Peer(again=True)
    among.join(slow)
    among.enter(slow, Phase.ANSWER, 0.0)
    for now in (10.0, 15.0, 20.0):
        among.hurry(now)
    assert len(slow.late) == 2


def test_who_was_refused_is_never_told_anything() -> None:
    among = crowd(most=0)
    refused = Peer()
    assert not among.join(refused)
    among.enter(refused, Phase.HEADER, 0.0)
    among.hurry(1000.0)
    assert refused.late == []
