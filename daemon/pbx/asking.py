"""Several things asked of the PBX at once, and asking about channels that may be gone."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from daemon.pbx.line import PbxRefused

T = TypeVar("T")

# What AMI answers to an action on a channel that is not there.
_NO_CHANNEL = "No such channel"


async def all_of(*steps: Awaitable[Any]) -> list[Any]:
    """Their results in order. All of them are over when the first failure is raised."""
    results = await asyncio.gather(*steps, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


async def unless_gone(step: Awaitable[T]) -> T | None:
    """Its result, None if it was about a channel that is gone."""
    try:
        return await step
    except PbxRefused as error:
        if not is_gone(error):
            raise
        return None


def is_gone(error: Exception) -> bool:
    """Whether this is the PBX's answer about a channel that is not there."""
    return isinstance(error, PbxRefused) and (error.status == 404 or _NO_CHANNEL in str(error))
