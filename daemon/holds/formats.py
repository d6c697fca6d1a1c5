"""Which codecs an Asterisk can decode, by the modules that it has loaded.

A codec without a module is passed through: ``VOLUME()`` and a whisper are accepted then and do
nothing. Format names are those of ``CHANNEL(audioreadformat)``.
"""

from collections.abc import Collection

# Signed linear of any rate is what Asterisk decodes to.
_LINEAR = "slin"

# Formats, and the modules of which one must be loaded:
# Asterisk's own and those that are in use beside them.
_DECODERS = {
    "ulaw": ("codec_ulaw", "codec_dahdi"),
    "alaw": ("codec_alaw", "codec_dahdi"),
    "gsm": ("codec_gsm",),
    "g722": ("codec_g722",),
    "g726": ("codec_g726",),
    "g726aal2": ("codec_g726",),
    "adpcm": ("codec_adpcm",),
    "lpc10": ("codec_lpc10",),
    "ilbc": ("codec_ilbc",),
    "speex": ("codec_speex",),
    "speex16": ("codec_speex",),
    "speex32": ("codec_speex",),
    "opus": ("codec_opus", "codec_opus_open_source"),
    "g729": ("codec_g729a", "codec_g729", "codec_dahdi"),
    "g723": ("codec_g723", "codec_dahdi"),
    "g719": ("codec_g719",),
    "siren7": ("codec_siren7",),
    "siren14": ("codec_siren14",),
    "silk8": ("codec_silk",),
    "silk12": ("codec_silk",),
    "silk16": ("codec_silk",),
    "silk24": ("codec_silk",),
    "codec2": ("codec_codec2",),
    "amr": ("codec_amr",),
    "amrwb": ("codec_amr",),
}

# Where the PBX does not say what it has loaded: the codecs that come with every Asterisk.
_COMMON = frozenset(
    {"ulaw", "alaw", "gsm", "g722", "g726", "g726aal2", "adpcm", "lpc10", "speex", "speex16"}
)


def can_decode(format: str, modules: Collection[str] | None) -> bool:
    """Whether an Asterisk with these modules (``codec_ulaw``) can; None: it did not say."""
    if format.startswith(_LINEAR):
        return True
    if modules is None:
        return format in _COMMON
    return any(module in modules for module in _DECODERS.get(format, ()))
