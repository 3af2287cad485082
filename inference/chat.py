"""Messages to the ids a model reads: by the checkpoint's chat template, or as lines of a scene where there is none."""

from collections.abc import Sequence
from pathlib import Path

from inference.errors import TemplateError
from inference.prompt import Prompt, join_parts
from inference.scene import DEFAULT_SCENE, read_scene
from inference.side_files import read_json_object, read_text
from inference.template import ChatTemplate
from inference.template_parts import TemplateParts
from inference.tokenizer import Tokenizer
from inference.types import Message

LARGEST_FILE_BYTES = 16 << 20  # some tokenizer_config.json list thousands of added tokens


class ChatFormat:
    """How conversations become prompts for one model.

    With a template the ids equal transformers' `apply_chat_template(…, add_generation_prompt=True)`, with three
    differences: what a message says is never read as a special token, an answer with exact ids keeps them, and
    a tokenizer that puts an id first (BOS) has it first exactly once, also where the template forgets it.
    """

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate | None, end_ids: frozenset[int]):
        self.has_template = template is not None
        self.default_scene = "" if self.has_template else DEFAULT_SCENE
        self._tokenizer = tokenizer
        self._template = TemplateParts(template, tokenizer.special_ids) if template is not None else None
        self.end_ids = end_ids | self._closing_ids()

    @classmethod
    def from_folder(cls, folder: Path, tokenizer: Tokenizer) -> "ChatFormat":
        """Read the template and the ids that end an answer. Raises TemplateError, or CheckpointError for a broken file."""
        source = _template_source(folder)
        template = ChatTemplate(source, tokenizer.named_tokens) if source is not None else None
        return cls(tokenizer, template, _end_ids(folder, tokenizer))

    def stop(self, scene: str) -> tuple[str, ...]:
        """Texts that end an answer in a scene ("" for the default one); none with a template.

        The tokens that spell such a text are no part of the answer: a message's `token_ids` leave them out, and the next
        prompt writes the line they begin.
        """
        return () if self.has_template else read_scene(scene or self.default_scene).stop

    def render(self, messages: Sequence[Message], scene: str = "") -> Prompt:
        """The ids up to where the answer begins. Raises TemplateError where the template fails or refuses.

        A scene is used by models without a template only; "" means the default one.
        """
        if self._template is not None:
            parts = self._template.parts(messages)
        else:
            parts = read_scene(scene or self.default_scene).parts(messages)
        return join_parts(self._tokenizer, parts)

    def _closing_ids(self) -> frozenset[int]:
        """The special token that the template writes after an answer, such as <|im_end|>, if it writes one."""
        if self._template is None:
            return frozenset()
        try:
            closing = self._template.closing_text().lstrip()
        except TemplateError:  # it refuses so short a conversation
            return frozenset()
        bos = self._tokenizer.named_tokens.get("bos_token")
        found = [text for text in self._tokenizer.special_ids if text != bos and closing.startswith(text)]
        return frozenset({self._tokenizer.special_ids[max(found, key=len)]} if found else ())


def _template_source(folder: Path) -> str | None:
    """chat_template.jinja, or the template of tokenizer_config.json: a text, or the one named "default" of several."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return read_text(path, LARGEST_FILE_BYTES)
    value = _read(folder / "tokenizer_config.json").get("chat_template")
    if isinstance(value, list):
        value = {entry.get("name"): entry.get("template") for entry in value if isinstance(entry, dict)}
    if isinstance(value, dict):
        if not isinstance(value.get("default"), str):
            names = ", ".join(str(name)[:40] for name in list(value)[:8])
            raise TemplateError(f'The model has no chat template named "default", only: {names}.')
        value = value["default"]
    if value is not None and not isinstance(value, str):
        raise TemplateError(f"The chat template in tokenizer_config.json must be text, not {type(value).__name__}.")
    return value


def _read(path: Path) -> dict:
    return read_json_object(path, LARGEST_FILE_BYTES, is_optional=True)


def _end_ids(folder: Path, tokenizer: Tokenizer) -> frozenset[int]:
    """What generation_config.json, config.json and the tokenizer name as the end of a text."""
    ids: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        value = _read(folder / name).get("eos_token_id")
        values = value if isinstance(value, list) else [value]
        ids |= {item for item in values if isinstance(item, int) and not isinstance(item, bool) and item >= 0}
    eos = tokenizer.special_ids.get(tokenizer.named_tokens.get("eos_token", ""))
    return frozenset(ids if eos is None else ids | {eos})
