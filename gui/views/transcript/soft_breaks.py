"""Positions in a text against positions in a document that breaks long paragraphs with separators of its own."""

from bisect import bisect_left, bisect_right


class SoftBreaks:
    """Where a document holds a paragraph separator that its text does not; all positions in UTF-16 units."""

    def __init__(self) -> None:
        self._in_text: list[int] = []
        self._in_document: list[int] = []  # positions of the separators themselves

    def __len__(self) -> int:
        return len(self._in_text)

    def clear(self) -> None:
        """Forget all of them: document and text are the same."""
        self._in_text.clear()
        self._in_document.clear()

    def add(self, document_position: int) -> None:
        """A separator was inserted at this position of the document, behind all others."""
        self._in_text.append(document_position - len(self._in_text))
        self._in_document.append(document_position)

    def to_document(self, position: int) -> int:
        """Document position of a text position; at a break it is behind the separator."""
        return position + bisect_right(self._in_text, position)

    def to_text(self, position: int) -> int:
        """Text position of a document position; before and behind a separator are the same."""
        return position - bisect_left(self._in_document, position)
