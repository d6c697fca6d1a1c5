"""Settings files and the real command for the tests of the command line."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-c", "from cli.main import main; main(prog_name='uapid')"]


def settings_file(folder: Path, text: str = "") -> Path:
    """A settings file with one user and a store beside it."""
    file = folder / "uapid.toml"
    store = json.dumps(str(folder / "uapid.sqlite"))
    file.write_text(f'[store]\npath = {store}\n[[users]]\nid = 12\nname = "John"\n{text}')
    return file


def uapid(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
