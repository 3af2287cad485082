"""What is written around a message: who speaks, and what is going on with it."""

from PySide6.QtCore import QCoreApplication

from gui.models.message import ChatMessage

translate = QCoreApplication.translate


def author_of(message: ChatMessage) -> str:
    """Who speaks."""
    names = {"user": translate("MessageView", "You"), "system": translate("MessageView", "System")}
    return names.get(message.role) or message.author or translate("MessageView", "Model")


def spoken_name(message: ChatMessage) -> str:
    """How a screen reader announces the text."""
    if message.role == "user":
        return translate("MessageView", "You said")
    return translate("MessageView", "{name} answered").format(name=author_of(message))


def note_text(message: ChatMessage) -> str:
    """The line under the text; "" for none."""
    lines = [message.note or _default_note(message)]
    if message.is_forgotten:
        lines.append(translate("MessageView", "The model no longer sees this message: the context is full."))
    return "\n".join(line for line in lines if line)


def _default_note(message: ChatMessage) -> str:
    notes = {
        "queued": translate("MessageView", "Waiting…"),
        "waiting": translate("MessageView", "Waiting…"),
        "paused": translate("MessageView", "Paused."),
        "stopped": translate("MessageView", "Stopped."),
        "failed": translate("MessageView", "The answer failed."),
    }
    return notes.get(message.status, "")
