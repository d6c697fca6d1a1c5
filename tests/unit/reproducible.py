"""How hypothesis runs here: the same examples each time, without a clock, and nothing kept."""

from hypothesis import HealthCheck, settings

reproducible = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
