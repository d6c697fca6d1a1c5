"""What SIP messages say."""

import re

from tests.pbx.rtp import Address


def header_of(message: str, name: str) -> str:
    """A header of a SIP message; KeyError when there is none."""
    found = re.search(rf"^{name}:\s*(.*)$", message, re.MULTILINE | re.IGNORECASE)
    if not found:
        raise KeyError(name)
    return found[1].strip()


def tag_of(address: str) -> str:
    """The tag of a From or To header, "" when it has none."""
    return address.partition(";tag=")[2].partition(";")[0]


def media_address(message: str) -> Address | None:
    """Where the SDP in a SIP message wants RTP to be sent; None when there is no SDP."""
    host = re.search(r"^c=IN IP4 (\S+)", message, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", message, re.MULTILINE)
    return (host[1], int(port[1])) if host and port else None


def status_of(response: str) -> int:
    """The status of a SIP response."""
    return int(response.split(" ", 2)[1])
