"""Code with its words coloured by class, without a script and without inline styles."""

from __future__ import annotations

from html import escape

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType
from pygments.util import ClassNotFound

CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Comment, "hl-c"),
    (Keyword, "hl-k"),
    (String, "hl-s"),
    (Number, "hl-n"),
    (Name.Function, "hl-f"),
    (Name.Class, "hl-f"),
    (Name.Tag, "hl-k"),
    (Name.Builtin, "hl-f"),
)
# Colouring takes time in proportion to the text; beyond this it is shown plain.
LONGEST = 200_000


def highlight(code: str, language: str) -> str:
    """The code as HTML; an unknown language is shown plain."""
    lexer = _lexer(language) if len(code) <= LONGEST else None
    if lexer is None:
        return f"<code>{escape(code)}</code>"
    parts = []
    for kind, text in lexer.get_tokens(code):
        name = next((name for parent, name in CLASSES if kind is parent or kind[: len(parent)] == parent), "")
        parts.append(f'<span class="{name}">{escape(text)}</span>' if name and text.strip() else escape(text))
    return f"<code>{''.join(parts).rstrip()}</code>"


def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return None
