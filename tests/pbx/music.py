"""Classes of music on hold beside the default one: tones too, made when the PBX starts."""

from tests.pbx.tones import RATE, TONES

# The class tone-C plays the tone of the phone C, and so on.
LETTERS = "CDET"
# The file of the default class, which is in the image, and where it is put to take it away
DEFAULT = "/usr/share/asterisk/tone/2000.sln"
AWAY = "/usr/share/asterisk/2000.sln"

_SECONDS = 10
_MAKE_TONES = f"""
perl -e '
    for (@ARGV) {{
        my ($letter, $hertz) = split /:/;
        my $folder = "/usr/share/asterisk/tone-$letter";
        mkdir $folder;
        open my $file, ">:raw", "$folder/tone.sln";
        print $file pack "s<*", map {{ 8000 * sin 6.283185307179586 * $hertz * $_ / {RATE} }}
            0 .. {RATE * _SECONDS} - 1;
    }}
' "$@" && exec asterisk -fvvv -n -T -p
"""

# What the PBX's container runs: the tones, then Asterisk.
COMMAND = ("sh", "-c", _MAKE_TONES, "sh", *(f"{letter}:{TONES[letter]}" for letter in LETTERS))
