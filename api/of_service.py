"""What the resources have in common."""

from zoneinfo import ZoneInfo

from config.settings import Settings
from daemon.service import Service


class OfService:
    """The service behind a resource, and its settings as they are at each request."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def _settings(self) -> Settings:
        return self._service.settings

    @property
    def _zone(self) -> ZoneInfo | None:
        return self._settings.node.tzinfo
