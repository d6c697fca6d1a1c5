"""What modules the PBX has loaded, as ARI tells."""

from daemon.pbx.ari import AriLine
from daemon.pbx.line import PbxRefused


async def loaded_modules(ari: AriLine) -> frozenset[str] | None:
    """Their names without ``.so``; None if this PBX does not tell. Raises PbxUnavailable."""
    try:
        modules = await ari.call("asterisk", "listModules")
    except PbxRefused:  # res_ari_asterisk may not be loaded
        return None
    running = (module["name"] for module in modules if module["status"] == "Running")
    return frozenset(name.removesuffix(".so") for name in running)
