"""Words: what free text is made of. A word is a run of letters and digits; case and accents do not matter."""

from __future__ import annotations

import re
import unicodedata

# The combining marks of Unicode that accents are written with.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_WORD = re.compile(r"[^\W_]+")

# Longer ones are cut; PostgreSQL takes 2,046 bytes of a word.
_CHARACTERS_MAX = 255


def words(text: str) -> list[str]:
    """The words of a text, in order, folded: what is written alike or is alike but for case and accents is equal."""
    if not text.isascii():
        # By compatibility, so that CO₂ is CO2.
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return [word[:_CHARACTERS_MAX] for word in _WORD.findall(text.casefold())]
