"""The portal's icons: a few strokes each, on a grid of 16, in the colour of the text around them."""

from __future__ import annotations

from html import escape

STROKES: dict[str, str] = {
    "brand": '<path fill="currentColor" stroke="none" d="M3 9h3v5H3zM7 5.5h3V14H7zM11 2h3v12h-3z"/>',
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>',
    "key": '<circle cx="5" cy="11" r="3"/><path d="m7.2 8.8 6.3-6.3M11 5l2.5 2.5M9.2 6.8l1.6 1.6"/>',
    "bell": '<path d="M8 2a4 4 0 0 0-4 4c0 4-1.5 5-1.5 5h11S12 10 12 6a4 4 0 0 0-4-4zM6.5 13.5a1.6 1.6 0 0 0 3 0"/>',
    "person": '<circle cx="8" cy="5.5" r="3"/><path d="M2.5 14c.6-3 2.8-4.5 5.5-4.5s4.9 1.5 5.5 4.5"/>',
    "leave": '<path d="M6 2.5H3v11h3M10.5 5l3 3-3 3M13 8H6.5"/>',
    "menu": '<path d="M2 4h12M2 8h12M2 12h12"/>',
    "close": '<path d="m3.5 3.5 9 9M12.5 3.5l-9 9"/>',
    "clock": '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.5 1.5"/>',
    "download": '<path d="M8 2v8M5 7.5l3 3 3-3M2.5 13.5h11"/>',
    "link": '<path d="M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5 7.5 13A3 3 0 0 1 3 8.5L4.5 7"/>',
    "external": '<path d="M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4"/>',
    "edit": '<path d="m10.5 2.5 3 3-8 8h-3v-3z"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "check": '<path d="m3 8.5 3.5 3.5L13 4.5"/>',
    "warning": '<path d="M8 2 1.5 13.5h13zM8 6.5v3M8 11.5v.3"/>',
    "info": '<circle cx="8" cy="8" r="6"/><path d="M8 7.5v3.5M8 5v.3"/>',
    "question": '<circle cx="8" cy="8" r="6"/><path d="M6.3 6.3A1.8 1.8 0 1 1 8 8.5v.8M8 11.3v.3"/>',
    "lock": '<rect x="3" y="7" width="10" height="7" rx="1.5"/><path d="M5 7V5a3 3 0 0 1 6 0v2"/>',
    "arrow-right": '<path d="M2.5 8h11M9.5 4l4 4-4 4"/>',
    "arrow-left": '<path d="M13.5 8h-11M6.5 4l-4 4 4 4"/>',
    "chevron": '<path d="m4 6 4 4 4-4"/>',
    "filter": '<path d="M2 3h12l-4.5 5.5V13l-3-1.5v-3z"/>',
    "print": '<path d="M4.5 6V2.5h7V6M4.5 11.5h-2V6h11v5.5h-2M4.5 9.5h7v4h-7z"/>',
    "star": '<path d="m8 1.8 1.9 4 4.3.6-3.1 3 .8 4.3L8 11.6l-3.9 2.1.8-4.3-3.1-3 4.3-.6z"/>',
    "book": '<path d="M8 4C6.5 3 4.5 2.5 2 2.5v10c2.5 0 4.5.5 6 1.5 1.5-1 3.5-1.5 6-1.5v-10c-2.5 0-4.5.5-6 1.5v10"/>',
    "chart": '<path d="M2.5 2.5v11h11M5 10l3-3.5 2 2 3-4"/>',
    "dots": '<path stroke-width="2.5" d="M3 8h.01M8 8h.01M13 8h.01"/>',
    "refresh": '<path d="M13 5.5A5.5 5.5 0 1 0 13.5 9M13.5 2.5v3.5H10"/>',
    "history": '<path d="M3 5.5A5.5 5.5 0 1 1 2.5 9M2.5 2.5V6H6M8 5v3.200l2 1.300"/>',
    "copy": '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M10.5 5.5v-3h-8v8h3"/>',
    "trash": '<path d="M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4"/>',
    "upload": '<path d="M8 10.5v-8M5 5l3-3 3 3M2.5 13.5h11"/>',
}


def icon_svg(name: str, size: int = 16) -> str:
    """The icon as inline SVG, hidden from screen readers: the word beside it says what it means."""
    strokes = STROKES.get(name)
    if strokes is None:
        raise KeyError(f"There is no icon named {name!r}; portal/icons.py lists them: {', '.join(sorted(STROKES))}.")
    return (
        f'<svg class="icon icon-{escape(name)}" width="{size}" height="{size}" viewBox="0 0 16 16" fill="none" '
        f'stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" '
        f'focusable="false">{strokes}</svg>'
    )
