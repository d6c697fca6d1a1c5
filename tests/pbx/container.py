"""A named Docker container of a test image, on the host's network."""

import socket
import subprocess
from collections.abc import Sequence


class DockerError(Exception):
    """A docker command failed; the text is what it said."""


def docker(*arguments: str) -> str:
    """Runs a docker command and returns its output, standard error included."""
    done = subprocess.run(
        ["docker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise DockerError(f"docker {arguments[0]}: {output.strip()}")
    return output


class Container:
    """One container; whatever a crashed run left under its name goes when it starts."""

    def __init__(
        self, name: str, image: str, options: Sequence[str] = (), command: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.image = image
        self._options = options
        self._command = command

    def run(self) -> None:
        """Creates and starts it. DockerError when there is no daemon or no image."""
        self.remove()
        docker(
            *("run", "--detach", "--init", "--network", "host", "--name", self.name),
            # Without a name server each look-up of the own name would block for a second.
            *("--add-host", f"{socket.gethostname()}:127.0.0.1"),
            *self._options,
            self.image,
            *self._command,
        )

    def remove(self) -> None:
        """Kills and removes it; nothing to do is fine."""
        docker("rm", "--force", self.name)

    def execute(self, *command: str) -> str:
        """Runs a command in it and returns the output. DockerError when the command fails."""
        return docker("exec", self.name, *command)
