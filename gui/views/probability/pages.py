"""The pages under the rows: the choice, the path to it, what if, and questions; each is filled when it is looked at."""

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.views.probability.ask_page import AskPage
from gui.views.probability.choice_page import ChoicePage
from gui.views.probability.path_page import PathPage
from gui.views.probability.style import MARGIN
from gui.views.probability.tabs import Tabs
from gui.views.probability.waiting import Waiting
from gui.views.probability.what_if_page import WhatIfPage
from inference.types import AskAnswered, StepExplained, StepTrace

CHOICE, PATH, WHAT_IF, ASK = range(4)
_GAP = 6
_PATIENCE_MS = 300  # what was shown stays this long while the new is on its way: most answers come sooner


class Pages(QWidget):
    """Tabs and the page they show. Only the choice follows a stream; the others need a step that stands still.

    `details_wanted` is emitted when a page is looked at that lacks the details of the step held: show_explained or
    show_failure answers it. A question is asked again (`asked`) at every step that is held.
    """

    page_changed = Signal(int)
    details_wanted = Signal()
    what_if_changed = Signal(object)
    asked = Signal(str)
    token_taken = Signal(int, bytes)
    text_taken = Signal(object)
    step_by = Signal(int)
    hold_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = ChoicePage(theme)
        self._path = PathPage(theme)
        self._what_if = WhatIfPage(theme)
        self._ask = AskPage(theme)
        self._waiting = Waiting(theme)
        self._pages = (self._choice, self._path, self._what_if, self._ask)
        self.tabs = Tabs([self.tr("Choice"), self.tr("Path"), self.tr("What if"), self.tr("Ask")], theme)
        self._stack = QStackedWidget()
        self._question = ""
        self._is_held = False
        self._fresh: set[int] = set()  # pages that show the step held
        self._awaited: set[int] = set()  # pages whose content was asked for
        self._moving = ""  # what is shown while nothing is held: "live" or "draft"
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(_PATIENCE_MS)
        self._arrange()
        self._connect()

    @property
    def page(self) -> int:
        """The page shown: 0 choice, 1 path, 2 what if, 3 ask."""
        return self.tabs.currentIndex()

    @property
    def is_what_if(self) -> bool:
        """Whether the page is in front that lets one try other settings."""
        return self.page == WHAT_IF

    def show_page(self, index: int) -> None:
        """Show a page."""
        self.tabs.setCurrentIndex(index)

    def enter(self) -> bool:
        """Give the keyboard to the page in front if it is there to be typed into; False where it is not."""
        if self._stack.currentWidget() is self._ask:
            self._ask.setFocus()
        return self._stack.currentWidget() is self._ask

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        for part in (*self._pages, self.tabs, self._waiting):
            part.set_theme(theme)

    def set_taking(self, kind: str) -> None:
        """Whether the answer to a question can be taken; kinds as in Rows.set_taking."""
        self._ask.set_taking(kind)

    def show_choice(self, trace: StepTrace, *, is_next: bool = False) -> None:
        """Fill the page that follows a stream; `is_next`: the choice is still to be made."""
        self._choice.set_trace(trace, is_next=is_next)

    def show_moving(self, kind: str) -> None:
        """The step is one that the next will soon replace: of the text ("live") or after a draft ("draft")."""
        if self._is_held or kind != self._moving:
            self._is_held, self._moving = False, kind
            self._forget()
            self._show_current()

    def show_held(self, *, is_same: bool) -> None:
        """The step is one that stays; `is_same`: it was shown before."""
        self._hold(is_same)
        self._want()

    def show_explained(self, explained: StepExplained, *, is_same: bool) -> None:
        """Fill the pages of a step that stays."""
        self._hold(is_same)
        if explained.details is None:
            self._want()
            return
        self._choice.set_flips(explained.trace, explained.details)
        self._path.show(explained.trace, explained.details)
        self._what_if.show(explained.trace, explained.details, explained.what_if, explained.what_if_details)
        self._arrived({PATH, WHAT_IF})
        self._want()

    def show_answer(self, answer: AskAnswered) -> None:
        """Show the answer to a question."""
        self._ask.show(answer)
        self._arrived({ASK})

    def show_no_answer(self, reason: str) -> None:
        """Say why a question has no answer; plain text."""
        self._ask.show_failure(reason)
        self._arrived({ASK})

    def show_failure(self, reason: str) -> None:
        """Say why the details that were asked for will not come; plain text."""
        self._patience.stop()
        if self._is_missing(self.page) and self.page != ASK:
            self._put_waiting(reason)

    def describe(self) -> None:
        """Tell accessibility about what is shown."""
        self._choice.describe()

    def height_for(self, width: int, page_height: int) -> int:
        """The height of tabs and a page of so many px, or of the choice at this width if that is higher."""
        return self.tabs.sizeHint().height() + _GAP + max(self._choice.height_for(width), page_height)

    def _arrange(self) -> None:
        for page in (*self._pages, self._waiting):
            page.setMinimumHeight(0)
            page.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            self._stack.addWidget(page)
        self._stack.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        head = QHBoxLayout()
        head.setContentsMargins(MARGIN - 2, 0, 0, 0)
        head.addWidget(self.tabs)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(_GAP)
        column.addLayout(head)
        column.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._on_page_changed)
        self._choice.temperature_chosen.connect(self._on_temperature_chosen)
        self._path.step_by.connect(self.step_by)
        self._waiting.step_by.connect(self.step_by)
        self._waiting.hold_requested.connect(self.hold_requested)
        self._what_if.changed.connect(self.what_if_changed)
        self._ask.asked.connect(self._on_asked)
        self._ask.token_taken.connect(self.token_taken)
        self._ask.text_taken.connect(self.text_taken)
        self._patience.timeout.connect(self._on_patience_ended)

    def _hold(self, is_same: bool) -> None:
        if not (is_same and self._is_held):
            self._forget()
        self._is_held = True

    def _forget(self) -> None:
        self._choice.set_flips(None, None)
        self._fresh.clear()
        self._awaited.clear()
        self._patience.stop()

    def _is_missing(self, page: int) -> bool:
        return self._is_held and page != CHOICE and page not in self._fresh

    def _want(self) -> None:
        """Ask for what the page shown lacks, once for every step."""
        page = self.page
        if page == ASK and not self._question:
            self._fresh.add(ASK)
        if not self._is_missing(page):
            self._show_current()
            return
        self._patience.start()
        if page in self._awaited:
            return
        self._awaited |= {ASK} if page == ASK else {PATH, WHAT_IF}
        if page == ASK:
            self.asked.emit(self._question)
        else:
            self.details_wanted.emit()

    def _arrived(self, pages: set[int]) -> None:
        self._fresh |= pages
        self._awaited -= pages
        if self.page in pages:
            self._patience.stop()
            self._show_current()

    def _show_current(self) -> None:
        """Put the page in front whose tab is chosen, or what stands in its place."""
        if self.page == CHOICE or self._is_held:
            self._put(self._pages[self.page])
        else:
            self._put_waiting(self._reason(self.page), can_hold=self._moving == "live")

    def _reason(self, page: int) -> str:
        if self._moving == "draft":
            return self.tr("Here is what belongs to a token of the text. Your draft has no next token yet.")
        reasons = {
            PATH: self.tr("Hold a token to see its path, from what the model believed to what was drawn."),
            WHAT_IF: self.tr("Hold a token to try other settings on it."),
            ASK: self.tr("Hold a token to ask how likely other words would have been in its place."),
        }
        return reasons[page]

    def _put_waiting(self, reason: str, *, can_hold: bool = False) -> None:
        self._waiting.set_text(reason, can_hold=can_hold)
        self._put(self._waiting)

    def _put(self, widget: QWidget) -> None:
        """Change what is in front without losing the keyboard."""
        if self._stack.currentWidget() is widget:
            return
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self._stack.isAncestorOf(focused)
        self._stack.setCurrentWidget(widget)
        if had_focus:
            widget.setFocus()

    @Slot(int)
    def _on_page_changed(self, page: int) -> None:
        self._patience.stop()
        if not self._is_missing(page):
            self._show_current()
        elif page == ASK:
            self._ask.show(None)
            self._put(self._ask)
        else:  # what the page shows is of another step
            self._put_waiting("")
        self.page_changed.emit(page)
        self._want()

    @Slot(float)
    def _on_temperature_chosen(self, temperature: float) -> None:
        """The choice says where it flips; what if is where one sees it."""
        self.show_page(WHAT_IF)
        self._what_if.try_temperature(temperature)
        self._what_if.setFocus()

    @Slot(str)
    def _on_asked(self, text: str) -> None:
        self._question = text
        self.asked.emit(text)

    @Slot()
    def _on_patience_ended(self) -> None:
        if self.page == ASK:
            self._ask.show(None)
        else:
            self._put_waiting(self.tr("Working it out…"))
