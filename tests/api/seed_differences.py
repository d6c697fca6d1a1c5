"""Where an answer is meant to differ from the page that documents it, each with the reason.

The keys are examples in ``seeds/``; a path is that of ``seed_pages.Difference``.
"""

OF_THE_MOMENT: dict[str, frozenset[str]] = {
    # The id is random (and has 32 characters, as the table of the page says, where its example
    # has 30); the date is that of the request.
    "create_event": frozenset({"id", "modified"}),
    "update_event": frozenset({"modified"}),
    # Of a live call: its id, its times, who it is that calls.
    "on_hold 202": frozenset({"id"}),
    "on_hold 200": frozenset(
        {
            "id",
            "published",
            "answered",
            "phoneCallView[0].answered",
            "phoneCallView[0].callerId",
        }
    ),
}
"""Values that no two servers can have alike; their form is compared."""

_LINK_OF_AN_EVENT = (
    "The page prints a name in the place of type and id; the List page has the address that can "
    "be asked for, and that is answered everywhere."
)
_LINK_OF_A_CALL = "The page prints two slashes before uapi, and the id of its own call."

ACCEPTED: dict[str, dict[str, str]] = {
    "create_event": {"links.self": _LINK_OF_AN_EVENT},
    "update_event": {"links.self": _LINK_OF_AN_EVENT},
    "list_events": {
        "itemsPerPage": "The page size in force: 20 by the same page, whose example has 5 though "
        "no count was sent.",
    },
    "delete_event": {},
    "delete_all_events": {},
    "on_hold 202": {"link.self": _LINK_OF_A_CALL},
    "on_hold 200": {
        "link.self": _LINK_OF_A_CALL,
        "links": "The other pages of the UAPI have the address as links.self; both are answered.",
        "phoneCallView[0].onhold": "The resource page writes onHold.",
        "phoneCallView[0].onHold": "The resource page writes onHold.",
        "phoneCallView[0].onHoldBy": "A field of our own: whether uapid holds, the phone, or both.",
        "phoneCallView[0].flow": "A field of the resource that the example leaves out.",
        "phoneCallView[0].ringing": "A field of the resource that the example leaves out.",
        "phoneCallView[1]": "The example shows one leg; the other one is a view of the call too.",
    },
}
"""Differences that are meant. In ``on_hold 200`` a leg that never rang has no ``ringing``."""
