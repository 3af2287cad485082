"""Every option of the program, declared once: the file, the checks and the dialog are made from these declarations."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from PySide6.QtCore import QT_TRANSLATE_NOOP

from gui.models.option import ChoiceOption, Group, NumberOption, Option, TextOption
from inference.types import SamplingParams

GROUPS = (
    Group(
        "sampling",
        QT_TRANSLATE_NOOP("settings", "Sampling"),
        QT_TRANSLATE_NOOP("settings", "Applied in this order: repetition penalty, temperature, top-k, top-p, min-p."),
        waits_for_answer=True,
    ),
    Group(
        "conversation",
        QT_TRANSLATE_NOOP("settings", "Conversation"),
        QT_TRANSLATE_NOOP("settings", "What the model reads before your first message."),
        waits_for_answer=True,
    ),
    Group("window", QT_TRANSLATE_NOOP("settings", "Window")),
    Group("engine", QT_TRANSLATE_NOOP("settings", "Engine")),
)


def _option(option: Option) -> Any:  # Any: the field has the type of its values, not that of its declaration
    return field(default=option.default, metadata={"option": option})


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force, one field per option; the order of the fields is that of the dialog."""

    temperature: float = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "&Temperature"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "Low values favour the likely tokens, high values give unlikely ones a better chance. 0 always takes the "
                "likeliest token: no chance is involved and the seed is ignored. That the scale ends at 2 is only a "
                "convention; nothing special happens there.",
            ),
            default=0.7,
            minimum=0.0,
            maximum=2.0,
            step=0.05,
        )
    )
    top_k: int = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "Top-&k"),
            help=QT_TRANSLATE_NOOP("settings", "Only this many of the likeliest tokens can be drawn. 0 is off."),
            default=0,
            minimum=0,
            maximum=1000,
            step=1,
            special_value=0,
            special_text=QT_TRANSLATE_NOOP("settings", "off"),
            is_curved=True,
        )
    )
    top_p: float = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "Top-&p"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "Only the likeliest tokens that together reach this probability can be drawn: 0.95 leaves out the unlikely "
                "last 5 %. 1 is off.",
            ),
            default=0.95,
            minimum=0.0,
            maximum=1.0,
            step=0.01,
            special_value=1.0,
            special_text=QT_TRANSLATE_NOOP("settings", "off"),
        )
    )
    min_p: float = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "&Min-p"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "Only tokens at least this fraction as likely as the likeliest one can be drawn: strict where the model is "
                "sure, lenient where it is not. 0 is off.",
            ),
            default=0.0,
            minimum=0.0,
            maximum=1.0,
            step=0.01,
            special_value=0.0,
            special_text=QT_TRANSLATE_NOOP("settings", "off"),
        )
    )
    repetition_penalty: float = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "&Repetition penalty"),
            help=QT_TRANSLATE_NOOP(
                "settings", "Makes tokens that are already in the conversation less likely; small models need it most. 1 is off."
            ),
            default=1.1,
            minimum=1.0,
            maximum=2.0,
            step=0.05,
            special_value=1.0,
            special_text=QT_TRANSLATE_NOOP("settings", "off"),
        )
    )
    seed_mode: str = _option(
        ChoiceOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "&Seed"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "The seed decides every draw. The same conversation, settings and seed give the same answer again.",
            ),
            default="random",
            choices=(
                ("random", QT_TRANSLATE_NOOP("settings", "New for every answer")),
                ("fixed", QT_TRANSLATE_NOOP("settings", "Fixed")),
            ),
        )
    )
    seed: int = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "Fi&xed seed"),
            needs=("seed_mode", "fixed"),
            default=0,
            minimum=0,
            maximum=2**32 - 1,
            step=1,
            has_slider=False,
            draw_text=QT_TRANSLATE_NOOP("settings", "&New seed"),
        )
    )
    max_new_tokens: int = _option(
        NumberOption(
            group="sampling",
            label=QT_TRANSLATE_NOOP("settings", "&Longest answer"),
            help=QT_TRANSLATE_NOOP("settings", "An answer that reaches this length is cut off, even in mid-sentence."),
            default=400,
            minimum=16,
            maximum=4096,
            step=16,
            unit=QT_TRANSLATE_NOOP("settings", "tokens"),
        )
    )
    system_prompt: str = _option(
        TextOption(
            group="conversation",
            label=QT_TRANSLATE_NOOP("settings", "&System prompt"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "An instruction that stands before every conversation, such as the role the model should play. Empty for none.",
            ),
            rows=4,
        )
    )
    scene: str = _option(
        TextOption(
            group="conversation",
            label=QT_TRANSLATE_NOOP("settings", "S&cene"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "For models without a chat template: the text that makes them continue a conversation between a user and an "
                "assistant. Empty for the model's own scene, shown here in grey.",
            ),
            rows=6,
        )
    )
    theme: str = _option(
        ChoiceOption(
            group="window",
            label=QT_TRANSLATE_NOOP("settings", "&Theme"),
            default="system",
            choices=(
                ("system", QT_TRANSLATE_NOOP("settings", "As the system")),
                ("light", QT_TRANSLATE_NOOP("settings", "Light")),
                ("dark", QT_TRANSLATE_NOOP("settings", "Dark")),
            ),
        )
    )
    panel_rows: int = _option(
        NumberOption(
            group="window",
            label=QT_TRANSLATE_NOOP("settings", "&Rows in the panel"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "How many of the likeliest tokens the panel lists, from the next answer on; all others share its last row.",
            ),
            default=12,
            minimum=5,
            maximum=50,
            step=1,
            unit=QT_TRANSLATE_NOOP("settings", "rows"),
        )
    )
    tint: str = _option(
        ChoiceOption(
            group="window",
            label=QT_TRANSLATE_NOOP("settings", "Ti&nt of the text"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "Colours every token by one of its numbers: how likely the model found it, how surprising it was, how many "
                "choices there were.",
            ),
            default="off",
            choices=(
                ("off", QT_TRANSLATE_NOOP("settings", "Off")),
                ("model", QT_TRANSLATE_NOOP("settings", "Model probability")),
                ("sampling", QT_TRANSLATE_NOOP("settings", "Sampling probability")),
                ("surprise", QT_TRANSLATE_NOOP("settings", "Surprise")),
                ("entropy", QT_TRANSLATE_NOOP("settings", "Entropy")),
                ("rank", QT_TRANSLATE_NOOP("settings", "Rank")),
            ),
        )
    )
    strips: str = _option(
        ChoiceOption(
            group="window",
            label=QT_TRANSLATE_NOOP("settings", "&Surprise under messages"),
            help=QT_TRANSLATE_NOOP(
                "settings", "A strip under each message shows how surprising each of its tokens was; a click goes to the token."
            ),
            default="shown",
            choices=(("shown", QT_TRANSLATE_NOOP("settings", "Shown")), ("hidden", QT_TRANSLATE_NOOP("settings", "Hidden"))),
        )
    )
    drafts: str = _option(
        ChoiceOption(
            group="window",
            label=QT_TRANSLATE_NOOP("settings", "&While you write"),
            help=QT_TRANSLATE_NOOP("settings", "The panel can show what the model expects to come after your draft."),
            default="shown",
            choices=(
                ("shown", QT_TRANSLATE_NOOP("settings", "Show what follows the draft")),
                ("hidden", QT_TRANSLATE_NOOP("settings", "Show nothing")),
            ),
        )
    )
    threads: int = _option(
        NumberOption(
            group="engine",
            label=QT_TRANSLATE_NOOP("settings", "&Threads"),
            help=QT_TRANSLATE_NOOP(
                "settings",
                "How many processor cores the model computes on. Automatic suits most computers; fewer leave room for other "
                "programs. A change loads the model again.",
            ),
            default=0,
            minimum=0,
            maximum=64,
            step=1,
            special_value=0,
            special_text=QT_TRANSLATE_NOOP("settings", "automatic"),
        )
    )
    model_path: str = _option(TextOption(max_characters=4096))  # "" is the bundled model; chosen in the model menu

    def sampling_params(self) -> SamplingParams:
        """How the next answer is sampled."""
        return SamplingParams(self.temperature, self.top_k, self.top_p, self.min_p, self.repetition_penalty)


OPTIONS: tuple[Option, ...] = tuple(replace(f.metadata["option"], key=f.name) for f in fields(Settings))
