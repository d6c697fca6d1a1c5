"""The PBX and the phones for pytest: a conftest imports what it needs from here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.pbx.asterisk import IMAGE, Asterisk
from tests.pbx.call import Manners
from tests.pbx.container import DockerError, docker
from tests.pbx.phone import Phone
from tests.pbx.sipp import PhoneRoom

PlugIn = Callable[..., Awaitable[Phone]]


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Asterisk]:
    """The PBX and the room of the phones, both started once for all tests."""
    try:
        docker("image", "inspect", "--format", "{{.Id}}", IMAGE, PhoneRoom.container.image)
    except (DockerError, FileNotFoundError) as error:
        pytest.fail(f"no test PBX ({error}): make's targets install Docker and build the images")
    with Asterisk() as pbx, PhoneRoom():
        yield pbx


@pytest.fixture
async def plug_in(asterisk: Asterisk) -> AsyncIterator[PlugIn]:
    """Plugs in phones of the PBX by extension: `phone = await plug_in("0003*210")`. What they
    make of a NOTIFY may be given too.

    After the test all calls are hung up and the phones are gone.
    """
    async with AsyncExitStack() as phones:

        async def plug_in(extension: str, manners: Manners | None = None) -> Phone:
            return await phones.enter_async_context(Phone.known(extension, manners))

        yield plug_in
        asterisk.hang_up_all()
