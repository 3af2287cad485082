"""Which step the panel shows: the newest while text streams, the one the reader holds, or the one that comes next."""

from dataclasses import replace
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal, Slot

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.models.conversation import ChatMessage, Conversation, TokenRecord
from gui.views.probability.panel import ProbabilityPanel
from gui.views.transcript.view import Transcript
from inference.types import (
    AskAnswered,
    AskRequest,
    ExplainRequest,
    RunFailed,
    SamplingParams,
    StepExplained,
    StepTrace,
    TokenEvent,
)

CHOICE_PAGE = 0  # of the panel
DETAILED_PAGES = (1, 2)  # the path, and what if


class Step(NamedTuple):
    """What a question is about, whatever moves on screen meanwhile: a token, or None for the one that comes next there."""

    message_id: str
    weights_hash: str
    token: int
    token_id: int | None


class Inspector(QObject):
    """Binds conversation, transcript and panel.

    `held` is (message, token), None while live. A token just past the last one of a paused answer is the step that comes
    next: nothing is chosen there yet. A negative token counts back from the end of the answer's prompt: -1 is its last.
    """

    changed = Signal()

    def __init__(
        self,
        host: EngineHost,
        chat: Chat,
        conversation: Conversation,
        transcript: Transcript,
        panel: ProbabilityPanel,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._host, self._chat, self._conversation = host, chat, conversation
        self._transcript, self._panel = transcript, panel
        self.held: tuple[int, int] | None = None
        self._holds_next = False  # the step held was the next one when it was taken hold of
        self._asked: Step | None = None  # the step whose trace the engine computes again
        self._asked_for_text: Step | None = None  # the step at which a text was asked about
        self._explained: tuple[Step, StepExplained] | None = None  # the last answer, and the step it is about
        self._what_if: SamplingParams | None = None
        host.tokens_arrived.connect(self._on_tokens_arrived)  # after the chat, which has put them into the conversation
        host.step_explained.connect(self._on_step_explained)
        host.explain_failed.connect(self._on_explain_failed)
        host.asked.connect(self._on_asked)
        host.ask_failed.connect(self._on_ask_failed)
        chat.answer_ended.connect(self._on_answer_ended)
        conversation.cleared.connect(self._on_cleared)
        conversation.path_changed.connect(self._on_path_changed)
        transcript.token_clicked.connect(self.hold)
        panel.step_by.connect(self.step_by)
        panel.live_requested.connect(self.release)
        panel.hold_requested.connect(self.hold_newest)
        panel.page_changed.connect(self._on_page_changed)
        panel.details_wanted.connect(self._on_details_wanted)
        panel.what_if_changed.connect(self._on_what_if_changed)
        panel.asked.connect(self._on_text_asked)

    # -- what the reader does ------------------------------------------------------------------------------------------

    @Slot(int, int)
    def hold(self, message: int, token: int) -> None:
        """Hold the panel on one token, or on the one that comes next; settings that are tried out are tried there, too."""
        self.held = (message, token)
        self._holds_next = self.is_next
        if self._record() is None:
            self._transcript.release()
        else:
            self._transcript.hold(message, token)
        self._show_held()
        self.changed.emit()

    @Slot()
    def hold_newest(self) -> None:
        """Hold the newest token and give the panel the keyboard, so that the arrow keys walk from there."""
        newest = self._conversation.last_token()
        if newest is not None:
            self.hold(*newest)
            self._panel.setFocus()

    def hold_next(self) -> None:
        """Hold the step that comes next in the paused answer."""
        paused = self._chat.paused
        if paused is not None:
            self.hold(paused, len(self._conversation.messages[paused].tokens))

    @Slot()
    def release(self) -> None:
        """Follow the newest token again; what was tried out is over."""
        self.held = self._what_if = None
        self._holds_next = False
        self._transcript.release()
        self.show_newest()
        self.changed.emit()

    @Slot(int)
    def step_by(self, delta: int) -> None:
        """Walk `delta` tokens from the one shown, across messages."""
        if self.held is None:
            start, delta = self._conversation.last_token(), min(0, delta)
        else:
            start = self.held
        target = self._step_from(start, delta) if start else None
        if target:
            self.hold(*target)

    def _step_from(self, start: tuple[int, int], delta: int) -> tuple[int, int] | None:
        message, token = start
        if token < 0:
            return self._step_in_prompt(message, token + delta)
        paused = self._chat.paused
        if message == paused and token + delta == len(self._conversation.messages[message].tokens):
            return message, token + delta
        if self.is_next:
            newest = self._conversation.last_token()
            return newest and self._conversation.step_from(*newest, delta + 1)
        return self._conversation.step_from(message, token, delta)

    def _step_in_prompt(self, message: int, token: int) -> tuple[int, int] | None:
        """The prompt's tokens follow one another up to the answer's first; nothing is before the second."""
        answer = self._conversation.messages[message]
        return (message, token) if -len(answer.prompt_ids) < token < len(answer.tokens) else None

    # -- what is shown -------------------------------------------------------------------------------------------------

    @property
    def was_next(self) -> bool:
        """Whether the step held came next when it was taken hold of; it may have been drawn since."""
        return self.held is not None and self._holds_next

    @property
    def is_next(self) -> bool:
        """Whether the step held is the one that comes next: nothing is chosen there yet."""
        return self.held is not None and self.held[1] >= len(self._conversation.messages[self.held[0]].tokens)

    @property
    def is_prompt(self) -> bool:
        """Whether the step held is one of an answer's prompt, which was never chosen."""
        return self.held is not None and self.held[1] < 0

    @property
    def held_message(self) -> ChatMessage | None:
        """The message whose token is held."""
        return None if self.held is None else self._conversation.messages[self.held[0]]

    def _record(self) -> TokenRecord | None:
        """The token held, where it is one of a message."""
        tokens = self.held_message.tokens
        return tokens[self.held[1]] if 0 <= self.held[1] < len(tokens) else None

    def shown(self) -> tuple[ChatMessage, int, StepExplained | StepTrace] | None:
        """(message, token, what is known of it): the step that the panel shows; None where it shows none."""
        place = self.held or self._conversation.last_traced()
        if place is None:
            return None
        message, token = self._conversation.messages[place[0]], place[1]
        if self._explained is not None and self._explained[0] == self._step_at(*place):
            return message, token, self._explained[1]
        trace = message.tokens[token].trace if 0 <= token < len(message.tokens) else None
        return trace and (message, token, trace)

    def refresh(self) -> None:
        """Show the step held, or the newest, once more: the model that can explain it may be there now."""
        if self.held is None:
            self.show_newest()
        else:
            self._show_held()

    def show_newest(self) -> None:
        """Show the newest token, or what to do to get one."""
        newest = self._conversation.last_traced()
        if newest is not None:
            message, token = newest
            self._panel.show_trace(self._conversation.messages[message].tokens[token].trace, token + 1, True)
        else:
            self._panel.show_empty(self._empty_text())

    def _empty_text(self) -> str:
        if self._conversation.last_token() is not None:  # made while the panel was closed
            return self.tr("Click a word of an answer to see what else the model could have said there.")
        if self._chat.spec is None:
            return self.tr("The model is not loaded yet.")
        return self.tr("Send a message and watch the model choose, token by token.")

    def _show_held(self) -> None:
        """Show what is known of the held step at once, and have the rest computed."""
        record = self._record()
        trace = record.trace if record else None
        if trace is not None or not self._ask():
            self._panel.show_trace(trace, self._step(*self.held), False, self._why_not())
            self._ask_for_flips()

    def _ask_for_flips(self) -> None:
        """The choice page says where the choice held flips; that is worked out once no answer is being made."""
        if self.held is None:
            return
        explained = self._explained
        is_known = explained is not None and explained[0] == self._step_at(*self.held) and explained[1].details is not None
        if self._panel.page == CHOICE_PAGE and not self._chat.is_busy and not is_known:
            self._ask()

    def _step(self, message: int, token: int) -> int:
        """The number of a token in its message, or in the prompt, counted from 1."""
        return token + 1 if token >= 0 else len(self._conversation.messages[message].prompt_ids) + token + 1

    def _step_at(self, message: int, token: int) -> Step:
        shown = self._conversation.messages[message]
        ids = [record.token_id for record in shown.tokens[token : token + 1]] if token >= 0 else shown.prompt_ids[token:]
        return Step(shown.message_id, shown.weights_hash, token, ids[0] if ids else None)

    def _ask(self) -> bool:
        """Have the held step computed from its exact ids; False where the loaded model is not the one that read or drew it."""
        request = self._explain_request()
        if request is None:
            return False
        self._asked = self._step_at(*self.held)
        self._host.explain(request)
        return True

    def _explain_request(self) -> ExplainRequest | None:
        if self._why_not():
            return None
        source, token = self._source()
        record = self._record()
        token_id = source.prompt_ids[token] if token < 0 else record and record.token_id
        params = self._params(source)
        what_if = self._what_if and replace(self._what_if, repetition_penalty=params.repetition_penalty)
        return ExplainRequest(
            run_id=0,
            context_ids=self._context(source, token),
            token_id=token_id,
            params=params,
            seed=source.request.seed if source.request else 0,
            answer_start=len(source.prompt_ids) + min(0, token),
            trace_rows=self._chat.panel_rows,
            is_drawn=source.role == "assistant" and token >= 0 and not (record and record.is_given),
            with_details=self._wants_details,
            what_if=None if what_if == params else what_if,
        )

    @property
    def _wants_details(self) -> bool:
        page = self._panel.page
        return page in DETAILED_PAGES or self._what_if is not None or (page == CHOICE_PAGE and not self._chat.is_busy)

    def _why_not(self) -> str:
        """Why the held step cannot be explained; "" where it can."""
        source, token = self._source()
        if not self._can_explain(source):
            return self.tr("Only the model that wrote this can explain it, and it is not loaded.")
        if not self._context(source, token):
            return self.tr("This is the first token of all: nothing comes before it, so nothing was expected.")
        return ""

    def _params(self, source: ChatMessage) -> SamplingParams:
        return source.request.params if source.request else self._chat.requests.params

    def _can_explain(self, source: ChatMessage) -> bool:
        if source.role == "assistant":
            return self._chat.can_use(source)
        return self._chat.spec is not None and source.weights_hash in ("", self._chat.spec.weights_hash)

    def _source(self) -> tuple[ChatMessage, int]:
        """The message in which the held token was drawn: a branch shares its first tokens with another version."""
        message, token = self.held_message, self.held[1]
        while 0 <= token < message.shared_tokens:
            original = self._conversation.find(message.branch_of)
            if original is None:
                break
            message = original
        return message, token

    def _context(self, source: ChatMessage, token: int) -> tuple[int, ...]:
        """The exact ids before a token."""
        if token < 0:
            return source.prompt_ids[:token]
        return source.prompt_ids + tuple(record.token_id for record in source.tokens[:token])

    # -- answers -------------------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_tokens_arrived(self, events: tuple[TokenEvent, ...]) -> None:
        """Show the newest; tokens of a fast model that came without trace change nothing."""
        if self._holds_next and not self.is_next and not self._chat.is_stepping:  # an answer that was paused goes on
            self.release()
        elif self.held is None and any(event.trace is not None for event in events):
            self.show_newest()

    @Slot(object)
    def _on_step_explained(self, answer: StepExplained) -> None:
        asked, self._asked = self._asked, None
        message = None if asked is None else self._conversation.index_of(asked.message_id)
        if message is None or self._step_at(message, asked.token) != asked:
            return
        self._explained = (asked, answer)
        tokens = self._conversation.messages[message].tokens
        if 0 <= asked.token < len(tokens) and tokens[asked.token].trace is None:
            self._conversation.keep_trace(message, asked.token, answer.trace)
        if self.held == (message, asked.token):
            self._panel.show_explained(answer, self._step(*self.held))

    @Slot(object)
    def _on_explain_failed(self, failure: RunFailed) -> None:
        if self.held is not None and self._step_at(*self.held) == self._asked:
            record = self._record()
            if record is not None and record.trace is not None:
                self._panel.show_no_details(failure.message)
            else:
                self._panel.show_trace(None, self._step(*self.held), False, failure.message)
        self._asked = None

    @Slot(int)
    def _on_page_changed(self, page: int) -> None:
        """Pages that question a step hold one, unless steps are still coming."""
        newest = self._conversation.last_token()
        if page != CHOICE_PAGE and self.held is None and not self._chat.is_busy and newest is not None:
            self.hold(*newest)
        self._ask_for_flips()

    @Slot(int)
    def _on_answer_ended(self, _message: int) -> None:
        self._ask_for_flips()

    @Slot()
    def _on_details_wanted(self) -> None:
        """The panel shows a page that needs more than a trace."""
        if self.held is not None and not self._ask():
            self._panel.show_no_details(self._why_not())

    @Slot(object)
    def _on_what_if_changed(self, params: SamplingParams | None) -> None:
        self._what_if = params
        if self.held is not None:
            self._ask()

    @Slot(str)
    def _on_text_asked(self, text: str) -> None:
        """How likely is this text where the panel stands?"""
        if self.held is None and (newest := self._conversation.last_token()) is not None:
            self.hold(*newest)
        if self.held is None:
            return
        reason = self._why_not()
        if reason:
            self._panel.show_no_answer(reason)
        elif text:
            source, token = self._source()
            self._asked_for_text = self._step_at(*self.held)
            self._host.ask(AskRequest(0, self._context(source, token), text, self._params(source)))

    @Slot(object)
    def _on_asked(self, answer: AskAnswered) -> None:
        if self._is_asked_here():
            self._panel.show_answer(answer)

    @Slot(object)
    def _on_ask_failed(self, failure: RunFailed) -> None:
        if self._is_asked_here():
            self._panel.show_no_answer(failure.message)

    def _is_asked_here(self) -> bool:
        """Whether the text was asked about at the step that is held."""
        return self.held is not None and self._step_at(*self.held) == self._asked_for_text

    # -- the conversation changes --------------------------------------------------------------------------------------

    @Slot(int)
    def _on_path_changed(self, index: int) -> None:
        """What was held may be gone."""
        if self.held is not None and self.held[0] >= index:
            self.held = None
            self.changed.emit()
        if self.held is None:
            self.show_newest()

    @Slot()
    def _on_cleared(self) -> None:
        self._asked = self._explained = None
        self.release()
