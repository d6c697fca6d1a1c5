"""The ``uapid`` command."""
