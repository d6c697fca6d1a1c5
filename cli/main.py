"""The ``uapid`` command: one module for each group of commands."""

from importlib.metadata import version

import click

from cli.app import app
from cli.check import check
from cli.deliveries import deliveries
from cli.serve import serve
from cli.token import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("uapid"), prog_name="uapid")
def main() -> None:
    """The 4PSA VoipNow UnifiedAPI for any stock Asterisk."""


main.add_command(serve)
main.add_command(check)
main.add_command(token)
main.add_command(app)
main.add_command(deliveries)
