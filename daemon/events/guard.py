"""Where webhooks may go, decided when the connection is made.

Only the address that is connected to counts, not what a name stood for a moment before. So each
look-up is judged, and then each socket before it is made, literal addresses included.
"""

import errno
import socket
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import unquote

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import ResolveResult
from yarl import URL

from config.settings import Delivery
from daemon.events.address_kinds import Address, Kind, embedded, is_in, kind_of
from daemon.events.resolver import ThreadResolver

# Common servers close an idle connection after 2 to 5 s; a POST sent into one would be lost.
_KEEPALIVE = 1.5
_DNS_SECONDS = 5
_URLS = 1024
_LOCALHOST = ("127.0.0.1", "::1")


class Refused(OSError):
    """No connection was made, since the settings do not let webhooks go there."""

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, reason)


def refusal(error: BaseException) -> str | None:
    """What the guard had against the address, if that is why a request failed."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, Refused):
        cause = cause.__cause__
    return None if cause is None else str(cause.strerror)


class Guard:
    """Judges addresses by ``[delivery]`` allow_private and allow_networks.

    With a ``proxy``, requests are to be sent to it and every connection goes there: what can be
    judged then is ``refusal_of_url``, before each request; where names lead is the proxy's matter.
    """

    def __init__(self, settings: Delivery) -> None:
        self.proxy = settings.proxy
        self._allow_private = settings.allow_private
        self._allowed = settings.allow_networks
        self._lookups = settings.concurrency, settings.connect_timeout
        # The same few URLs come again and again.
        self._judged = lru_cache(_URLS)(self._judge)

    @property
    def story(self) -> str:
        """Where webhooks may go, for the log."""
        kinds = "public and private addresses" if self._allow_private else "public addresses only"
        also = f", and to {', '.join(map(str, self._allowed))}" if self._allowed else ""
        through = f", through the proxy {self.proxy}" if self.proxy else ""
        return f"webhooks may go to {kinds}{also}{through}"

    def refusal(self, address: str) -> str | None:
        """Why no webhook may go to this IP address, written as in a sockaddr; None if it may."""
        try:
            given = ip_address(address)
        except ValueError:
            return f"{address} is not an IP address"
        judged: list[Address] = [given, *embedded(given)]
        kinds = [kind_of(one) for one in judged]
        if Kind.UNSPECIFIED not in kinds and is_in(given, self._allowed):
            return None
        for one, kind in zip(judged, kinds, strict=True):
            why = self._objection(one, kind)
            if why is not None:
                shown = address if one is given else f"{address} ({one})"
                return f"{shown} is {kind.value}; {why}"
        return None

    def _objection(self, address: Address, kind: Kind) -> str | None:
        if kind is Kind.UNSPECIFIED:
            return "webhooks never go there"
        if kind is Kind.PUBLIC or is_in(address, self._allowed):
            return None
        if kind is not Kind.PRIVATE:
            return "[delivery] allow_networks does not name it"
        if self._allow_private:
            return None
        return "[delivery] allow_private is false and allow_networks does not name it"

    def refusal_of_url(self, url: str) -> str | None:
        """Why no webhook may go to this URL, as far as its host tells without a look-up."""
        return self._judged(url)

    def _judge(self, url: str) -> str | None:
        try:
            host = URL(url, encoded=True).raw_host or ""
            name = _name_of(host)
        except ValueError:
            return "the URL has no valid host"
        if name == "localhost" or name.endswith(".localhost"):
            refusals = [self.refusal(address) for address in _LOCALHOST]
            return f"{host}: {refusals[0]}" if all(refusals) else None
        address = _literal(name)
        refused = None if address is None else self.refusal(address)
        return refused if refused is None or address == host else f"{host}: {refused}"

    def connector(self) -> aiohttp.TCPConnector:
        """Connects where webhooks may go, else raises ClientConnectorError caused by Refused.

        It does not bound how many connections there are; names are asked for anew after 5 s.
        """
        direct = self.proxy is None
        return aiohttp.TCPConnector(
            resolver=_JudgedResolver(self, *self._lookups)
            if direct
            else ThreadResolver(*self._lookups),
            socket_factory=self._socket if direct else None,
            ttl_dns_cache=_DNS_SECONDS,
            keepalive_timeout=_KEEPALIVE,
            limit=0,
        )

    def _socket(self, target: AddrInfoType) -> socket.socket:
        family, type, proto, _, address = target
        refused = self.refusal(str(address[0]))
        if refused is not None:
            raise Refused(refused)
        return socket.socket(family, type, proto)


class _JudgedResolver(ThreadResolver):
    """Leaves out the addresses where webhooks may not go; with none left it raises Refused.

    Left to the sockets alone, the refusal of one address of several would be lost among the
    errors of the others.
    """

    def __init__(self, guard: Guard, limit: int, deadline: float) -> None:
        super().__init__(limit, deadline)
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        refusals = [self._guard.refusal(address["host"]) for address in found]
        if refusals and all(refusals):
            raise Refused(f"{host}: {refusals[0]}")
        return [address for address, no in zip(found, refusals, strict=True) if no is None]


def _name_of(host: str) -> str:
    """The host as a look-up would take it: letters of other scripts, too, can spell 127.0.0.1.

    Raises ValueError for what no look-up would take.
    """
    name = unquote(host)
    if not name.isascii():
        name = name.encode("idna").decode()
    return name.rstrip(".").lower()


def _literal(name: str) -> str | None:
    """The address that the name is one of many spellings of, such as 0x7f.1; None for a name."""
    if ":" in name:
        return name
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return None
