"""The ``uapid`` command: one module for each group of commands."""

from importlib import import_module
from importlib.metadata import version

import click

_COMMANDS = {
    "app": "cli.app",
    "check": "cli.check",
    "deliveries": "cli.deliveries",
    "serve": "cli.serve",
    "token": "cli.token",
}


class _Commands(click.Group):
    """Loads a command when it is wanted: most need little of what the daemon needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("uapid"), prog_name="uapid")
def main() -> None:
    """The 4PSA VoipNow UnifiedAPI for any stock Asterisk."""
