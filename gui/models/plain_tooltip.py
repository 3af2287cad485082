"""Text for tooltips: Qt takes a tooltip for markup as soon as it looks like it, and a model's files can look like anything."""

import html


def tooltip(text: str) -> str:
    """`text` for a tooltip, in which nothing is taken for markup and lines break where the text does; "" for none."""
    return f"<qt><p style='white-space:pre-wrap; margin:0 6px'>{html.escape(text)}</p></qt>" if text else ""
