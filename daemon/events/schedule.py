"""When a delivery is tried again. Pure."""

_DELAYS = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)


def retry_delay(attempts: int, chance: float) -> float | None:
    """Seconds to the next attempt after so many failed ones, None when there is none left.

    ``chance`` from 0 to 1 lengthens the delay by up to a tenth, so that receivers that come back
    are not met by all deliveries at once.
    """
    if attempts >= len(_DELAYS):
        return None
    return _DELAYS[attempts] * (1 + chance / 10)
