"""How many files the process may have open, of which each connection is one."""

import logging
import resource

from config.settings import Settings

log = logging.getLogger(__name__)

# The store, the lines to the PBX, look-ups, and what Python has open itself.
_OTHERS = 100


def most_connections(settings: Settings) -> int:
    """How many HTTP connections leave files for all else; says so if they are too few.

    The process lets itself have all files that it may have: systemd, for one, gives 1024 unless
    asked for more, and allows very many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = hard - settings.delivery.concurrency - _OTHERS
    if most < settings.http.connections:
        log.warning(
            "HTTP: no more than %d connections at a time, and not %d, as this process may have %d "
            "files open: see LimitNOFILE in systemd, or ulimit -Hn",
            *(most, settings.http.connections, hard),
        )
    return most
