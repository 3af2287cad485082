"""Every command of the window, declared once: menus, shortcuts, and the F1 table come from here."""

from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

CONTEXT = "actions"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command. `menu` is the key of its menu; a separator stands before it where `starts_group`.

    `keys_hint` is shown in the menu for keys that the window handles itself, since they depend on where the focus is.
    `submenu` is the key of the menu that it opens instead of doing something; of those with the same `choice` one is checked.
    """

    key: str
    text: str
    menu: str
    shortcuts: tuple[str, ...] = ()
    is_checkable: bool = False
    starts_group: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole
    keys_hint: str = ""
    submenu: str = ""
    choice: str = ""


MENUS = {
    "chat": QT_TRANSLATE_NOOP("actions", "&Chat"),
    "edit": QT_TRANSLATE_NOOP("actions", "&Edit"),
    "view": QT_TRANSLATE_NOOP("actions", "&View"),
    "token": QT_TRANSLATE_NOOP("actions", "&Token"),
    "model": QT_TRANSLATE_NOOP("actions", "&Model"),
    "help": QT_TRANSLATE_NOOP("actions", "&Help"),
}
_TINTS = (
    ("off", QT_TRANSLATE_NOOP("actions", "&Off")),
    ("model", QT_TRANSLATE_NOOP("actions", "&Model probability")),
    ("sampling", QT_TRANSLATE_NOOP("actions", "&Sampling probability")),
    ("surprise", QT_TRANSLATE_NOOP("actions", "S&urprise")),
    ("entropy", QT_TRANSLATE_NOOP("actions", "&Entropy")),
    ("rank", QT_TRANSLATE_NOOP("actions", "&Rank")),
)

ACTIONS = (
    ActionSpec("new_chat", QT_TRANSLATE_NOOP("actions", "&New chat"), "chat", ("Ctrl+N",)),
    ActionSpec("earlier", QT_TRANSLATE_NOOP("actions", "&Earlier chats…"), "chat", ("Ctrl+H",)),
    ActionSpec("write", QT_TRANSLATE_NOOP("actions", "&Write a message"), "chat", ("Ctrl+M",)),
    ActionSpec("write_differently", QT_TRANSLATE_NOOP("actions", "Write your message &differently…"), "chat", ("F2",)),
    ActionSpec("stop", QT_TRANSLATE_NOOP("actions", "&Stop the answer"), "chat", keys_hint="Esc"),
    ActionSpec("again", QT_TRANSLATE_NOOP("actions", "Answer &again"), "chat", ("Ctrl+R",), starts_group=True),
    ActionSpec("continue", QT_TRANSLATE_NOOP("actions", "Let the answer go &on"), "chat", ("F8",)),
    ActionSpec("previous_version", QT_TRANSLATE_NOOP("actions", "&Previous version"), "chat", ("Alt+Left",)),
    ActionSpec("next_version", QT_TRANSLATE_NOOP("actions", "Ne&xt version"), "chat", ("Alt+Right",)),
    ActionSpec("replay", QT_TRANSLATE_NOOP("actions", "Run the answer again and &compare"), "chat", starts_group=True),
    ActionSpec("export_json", QT_TRANSLATE_NOOP("actions", "Save the answer as &JSON…"), "chat", starts_group=True),
    ActionSpec("export_csv", QT_TRANSLATE_NOOP("actions", "Save the answer as CS&V…"), "chat"),
    ActionSpec(
        "settings",
        QT_TRANSLATE_NOOP("actions", "Se&ttings…"),
        "chat",
        ("Ctrl+,",),
        starts_group=True,
        role=QAction.MenuRole.PreferencesRole,
    ),
    ActionSpec(
        "quit",
        QT_TRANSLATE_NOOP("actions", "&Quit"),
        "chat",
        ("Ctrl+Q",),
        starts_group=True,
        role=QAction.MenuRole.QuitRole,
    ),
    ActionSpec("cut", QT_TRANSLATE_NOOP("actions", "Cu&t"), "edit", keys_hint="Ctrl+X"),
    ActionSpec("copy", QT_TRANSLATE_NOOP("actions", "&Copy"), "edit", keys_hint="Ctrl+C"),
    ActionSpec("paste", QT_TRANSLATE_NOOP("actions", "&Paste"), "edit", keys_hint="Ctrl+V"),
    ActionSpec("select_all", QT_TRANSLATE_NOOP("actions", "Select a&ll"), "edit", keys_hint="Ctrl+A"),
    ActionSpec(
        "copy_answer",
        QT_TRANSLATE_NOOP("actions", "Copy the last &answer"),
        "edit",
        ("Ctrl+Shift+C",),
        starts_group=True,
    ),
    ActionSpec("find", QT_TRANSLATE_NOOP("actions", "&Find in this chat…"), "edit", ("Ctrl+F",), starts_group=True),
    ActionSpec("panel", QT_TRANSLATE_NOOP("actions", "&Next-token panel"), "view", ("Ctrl+P",), is_checkable=True),
    ActionSpec("page_1", QT_TRANSLATE_NOOP("actions", "Panel: the &choice"), "view", ("Ctrl+1",)),
    ActionSpec("page_2", QT_TRANSLATE_NOOP("actions", "Panel: the p&ath to it"), "view", ("Ctrl+2",)),
    ActionSpec("page_3", QT_TRANSLATE_NOOP("actions", "Panel: what &if"), "view", ("Ctrl+3",)),
    ActionSpec("page_4", QT_TRANSLATE_NOOP("actions", "Panel: as&k for a token"), "view", ("Ctrl+4",)),
    ActionSpec("tints", QT_TRANSLATE_NOOP("actions", "&Tint the text"), "view", starts_group=True, submenu="tints"),
    *(ActionSpec(f"tint_{kind}", text, "tints", is_checkable=True, choice="tint") for kind, text in _TINTS),
    ActionSpec("tint", QT_TRANSLATE_NOOP("actions", "&Next tint of the text"), "tints", ("Ctrl+Shift+T",), starts_group=True),
    ActionSpec("strips", QT_TRANSLATE_NOOP("actions", "&Surprise under messages"), "view", is_checkable=True),
    ActionSpec("drafts", QT_TRANSLATE_NOOP("actions", "Show what &follows the draft"), "view", is_checkable=True),
    ActionSpec("raw", QT_TRANSLATE_NOOP("actions", "What the &model sees…"), "view", ("Ctrl+Shift+M",), starts_group=True),
    ActionSpec("least_certain", QT_TRANSLATE_NOOP("actions", "&Least certain tokens…"), "view", ("Ctrl+Shift+L",)),
    ActionSpec("live", QT_TRANSLATE_NOOP("actions", "&Follow the newest token"), "token", ("Ctrl+L",)),
    ActionSpec("inspect", QT_TRANSLATE_NOOP("actions", "&Inspect the last token"), "token", ("Ctrl+T",)),
    ActionSpec("pause", QT_TRANSLATE_NOOP("actions", "&Pause, or go on"), "token", ("F6",), starts_group=True),
    ActionSpec("step", QT_TRANSLATE_NOOP("actions", "&Step: draw one token"), "token", ("F7",)),
    ActionSpec(
        "compare", QT_TRANSLATE_NOOP("actions", "&Temperatures side by side…"), "token", ("Ctrl+Shift+B",), starts_group=True
    ),
    ActionSpec("step_csv", QT_TRANSLATE_NOOP("actions", "Copy the step as &CSV"), "token", starts_group=True),
    ActionSpec("step_json", QT_TRANSLATE_NOOP("actions", "Copy the step as &JSON"), "token"),
    ActionSpec("copy_picture", QT_TRANSLATE_NOOP("actions", "Copy the panel as a pict&ure"), "token"),
    ActionSpec("save_picture", QT_TRANSLATE_NOOP("actions", "Save the panel as PNG or S&VG…"), "token"),
    ActionSpec("open_model", QT_TRANSLATE_NOOP("actions", "&Open a model folder…"), "model", ("Ctrl+O",)),
    ActionSpec("other_models", QT_TRANSLATE_NOOP("actions", "Where to &find other models…"), "model"),
    ActionSpec("bundled_model", QT_TRANSLATE_NOOP("actions", "Use the &bundled model"), "model"),
    ActionSpec("shortcuts", QT_TRANSLATE_NOOP("actions", "&Keyboard shortcuts"), "help", ("F1",)),
    ActionSpec("system_info", QT_TRANSLATE_NOOP("actions", "Copy &system information"), "help"),
    ActionSpec("install_launcher", QT_TRANSLATE_NOOP("actions", "Add Glassbox to the a&pplications menu"), "help"),
    ActionSpec(
        "about",
        QT_TRANSLATE_NOOP("actions", "&About Glassbox"),
        "help",
        starts_group=True,
        role=QAction.MenuRole.AboutRole,
    ),
)

# Keys that belong to a widget, not to a command; listed on the F1 page beside the commands.
WIDGET_KEYS = (
    (QT_TRANSLATE_NOOP("actions", "Send the message"), "Enter"),
    (QT_TRANSLATE_NOOP("actions", "New line in the message"), "Shift+Enter"),
    (QT_TRANSLATE_NOOP("actions", "Bring back the last message sent"), "↑"),
    (QT_TRANSLATE_NOOP("actions", "Hold the panel on a token"), QT_TRANSLATE_NOOP("actions", "Click, Enter")),
    (QT_TRANSLATE_NOOP("actions", "Open the menu of a message and its tokens"), QT_TRANSLATE_NOOP("actions", "Shift+F10")),
    (QT_TRANSLATE_NOOP("actions", "Walk from token to token, from the one held"), "← →"),
    (QT_TRANSLATE_NOOP("actions", "Take a row of the panel: the next token, or a branch"), "1 … 9"),
    (QT_TRANSLATE_NOOP("actions", "Choose a row and take it"), QT_TRANSLATE_NOOP("actions", "↑ ↓ Enter")),
    (QT_TRANSLATE_NOOP("actions", "Draw one token while paused (in the panel)"), QT_TRANSLATE_NOOP("actions", "Space")),
    (QT_TRANSLATE_NOOP("actions", "Stop the answer, or follow the newest token again"), "Esc"),
)


def translated(text: str) -> str:
    """A declared text in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)


def make_actions(parent: QObject) -> dict[str, QAction]:
    """One QAction per declaration, by key."""
    actions, choices = {}, {}
    for spec in ACTIONS:
        text = translated(spec.text)
        action = QAction(f"{text}\t{spec.keys_hint}" if spec.keys_hint else text, parent)
        action.setObjectName(spec.key)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.setCheckable(spec.is_checkable)
        action.setMenuRole(spec.role)
        if spec.choice:
            choices.setdefault(spec.choice, QActionGroup(parent)).addAction(action)
        actions[spec.key] = action
    return actions


def fill_menu_bar(bar: QMenuBar, actions: dict[str, QAction]) -> dict[str, QMenu]:
    """The menus with their actions, by key."""
    menus = {key: bar.addMenu(translated(title)) for key, title in MENUS.items()}
    for spec in ACTIONS:
        if spec.submenu:
            menus[spec.submenu] = QMenu(bar)
            actions[spec.key].setMenu(menus[spec.submenu])
        if spec.starts_group:
            menus[spec.menu].addSeparator()
        menus[spec.menu].addAction(actions[spec.key])
    return menus


def shortcut_table() -> list[tuple[str, str]]:
    """(what it does, keys) for every command with a shortcut and every key of a widget."""
    rows = [(translated(text), translated(keys)) for text, keys in WIDGET_KEYS]
    for spec in ACTIONS:
        if spec.shortcuts:
            keys = QKeySequence(spec.shortcuts[0]).toString(QKeySequence.SequenceFormat.NativeText)
            rows.append((translated(spec.text).replace("&", "").rstrip("…"), keys))
    return rows
