"""Users and extensions that the tests of the daemon have in common."""

from config.people import Extension, Organization, User
from config.settings import Delivery, Settings
from daemon.directory import Directory

JOHN = "0003*210"
MARY = "0003*220"
RECEPTION = "0003*024"  # not a user's by pattern, and called PJSIP/reception on the PBX
QUEUE, ROOM, MENU = "0003*800", "0003*850", "0003*700"
STRANGER = "0009*100"

# The tests' receivers are on loopback.
DELIVERY = Delivery.model_validate({"allow_networks": ["127.0.0.0/8"]})

SETTINGS = Settings(
    delivery=DELIVERY,
    organizations=(Organization(id="3", name="Default Organization"),),
    users=(
        User(id=12, name="John", organization="3", extensions=(JOHN, "_0003*2XX", RECEPTION)),
        User(id=13, name="Other", extensions=("_0003*X!", STRANGER, "0004*210")),
    ),
    extensions=(
        Extension(number=RECEPTION, type="terminal", endpoint="PJSIP/reception"),
        Extension(number=QUEUE, type="queue", queue="sales"),
        Extension(number=ROOM, type="conference", conference="850"),
        Extension(number=MENU, type="ivr", context="menu"),
    ),
)


def directory(*endpoints: str) -> Directory:
    """A directory that knows these PJSIP endpoints; that of John and Mary if none is named."""
    return Directory(SETTINGS, frozenset(endpoints or (JOHN, MARY, "reception", "trunk")))
