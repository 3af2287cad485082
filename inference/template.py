"""A checkpoint's chat template: Jinja as transformers runs it, in a sandbox that also bounds time and memory.

The template is hostile input. Jinja's sandbox stops code but not cost, so this one leaves out what chat templates do
not need (most filters, attributes of anything but text, lists and dictionaries, formatting with widths) and meters the rest.

Bounded: the length of the template, every text, list and number it makes, their sum, loop rounds and calls, and
CPU time, read on every loop round, call, filter, test, comparison, arithmetic operator and output. The longest
stretch between two readings is one operation on values of bounded size, or plain attribute look-ups, whose number is
bounded by the template's length. Works in any thread.
Not bounded: the time Jinja takes to compile a template of the largest size, and the stack it needs for deep nesting
(Python's recursion limit ends both with an error). A defect of Python itself is not guarded against: only a
process of its own would do that.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import FILTERS, do_indent, do_trim
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError, safe_range
from jinja2.tests import TESTS
from jinja2.utils import Namespace

from inference.errors import TemplateError
from inference.template_limits import (
    LARGEST_OUTPUT_CHARACTERS,
    LARGEST_TEMPLATE_CHARACTERS,
    Meter,
    MeteredNodes,
    check_joined,
    check_operator,
    check_text_method,
    value_size,
)

FILTER_NAMES = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "groupby", "int", "items"),
    *("last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "safe", "select"),
    *("selectattr", "sort", "title", "unique", "upper"),
)
TEXT_METHODS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal"),
        *("isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition"),
        *("removeprefix", "removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split"),
        *("splitlines", "startswith", "strip", "swapcase", "title", "upper"),
    }
)
SAFE_ATTRIBUTES: tuple[tuple[type, frozenset[str]], ...] = (
    (str, TEXT_METHODS),
    (dict, frozenset({"get", "items", "keys", "values"})),
    (list, frozenset({"count", "index"})),
    (tuple, frozenset({"count", "index", "grouper", "list"})),  # the last two name the parts of a group
)


class ConversationRefusedError(TemplateError):
    """The template itself called raise_exception: it does not take this conversation."""


class ChatTemplate:
    """One compiled template. Raises TemplateError when it is broken; use by one thread at a time.

    `variables` are what transformers gives a template besides the messages: bos_token and its like.
    """

    def __init__(self, source: str, variables: Mapping[str, str]):
        if len(source) > LARGEST_TEMPLATE_CHARACTERS:
            raise TemplateError(
                f"The chat template has {len(source):,} characters; at most {LARGEST_TEMPLATE_CHARACTERS:,} are read."
            )
        self._environment = _MeteredEnvironment()
        self._variables = dict(variables)
        self._template: jinja2.Template = _translating(lambda: self._environment.from_string(source))

    def render(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> str:
        """The prompt's text. Raises ConversationRefusedError, or TemplateError for a broken template or limit."""
        self._environment.meter = Meter()
        values = {"messages": [dict(message) for message in messages], "tools": None, "documents": None}
        values |= {"add_generation_prompt": add_generation_prompt}
        return _translating(lambda: self._render(self._variables | values))

    def _render(self, values: Mapping[str, Any]) -> str:
        chunks: list[str] = []
        room = LARGEST_OUTPUT_CHARACTERS
        for chunk in self._template.generate(values):
            chunks.append(chunk)
            room -= len(chunk)
            if room < 0:
                raise TemplateError(f"The chat template writes more than {LARGEST_OUTPUT_CHARACTERS:,} characters.")
        return "".join(chunks)


def _translating(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except TemplateError:
        raise
    except SecurityError as error:
        raise TemplateError(f"The chat template tries something that templates may not do: {error!s:.300}") from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"The chat template is broken in line {error.lineno}: {error.message or '':.300}") from error
    except Exception as error:  # a template can make any operation fail in any way
        raise TemplateError(f"The chat template fails: {type(error).__name__}: {error!s:.300}") from error


class _GenerationTag(Extension):
    """`{% generation %}…{% endgeneration %}`, by which transformers marks answers for training: its content only."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _MeteredEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox of transformers (`_compile_jinja_template`), with every operation that can cost much behind a check."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # the optimiser works constant expressions out without a meter
            extensions=[_GenerationTag, loopcontrols],
            finalize=self.output,
            cache_size=0,
        )
        self.meter = Meter()
        guarded = {"join": self._join, "indent": self._indent, "replace": self._replace, "string": self.to_text}
        guarded |= {"tojson": self._tojson, "trim": self._trim}
        self.filters = {name: self._metered(FILTERS[name]) for name in FILTER_NAMES}
        self.filters |= {name: self._metered(function) for name, function in guarded.items()}
        self.tests = {name: self._metered(function) for name, function in TESTS.items()}
        self.globals = {"range": safe_range, "namespace": Namespace, "dict": _make_dict}
        self.globals |= {"raise_exception": _raise_exception, "strftime_now": _strftime_now}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = MeteredNodes().visit(super()._parse(source, name, filename))
        template.set_environment(self)
        return template

    # What MeteredNodes puts into the template calls these.

    def tick(self, written: int = 0) -> bool:
        """A loop round or macro call begins, which writes at most so many characters of the template."""
        self.meter.spend(written)
        return True

    def noted(self, value: Any) -> Any:
        """The left side of a comparison."""
        self.meter.spend()
        return value

    def checked(self, value: list | tuple | dict) -> list | tuple | dict:
        """A list, tuple or dictionary that the template made."""
        return self._produced(value)

    def slice_of(self, value: Any, start: Any, stop: Any, step: Any) -> Any:
        """`value[start:stop:step]`."""
        return self._produced(value[start:stop:step])

    def concatenate(self, *values: Any) -> str:
        """`a ~ b`."""
        return self._produced("".join([self.to_text(value) for value in values]))

    @jinja2.pass_context  # so that no output is worked out before the meter runs
    def output(self, _context: Context, value: Any) -> str:
        """`{{ value }}`."""
        return self._produced(self.to_text(value))

    def to_text(self, value: Any) -> str:
        """str(value) for the kinds of values that templates may show."""
        if isinstance(value, str):
            return value
        value_size(value)
        return str(value)

    # What Jinja itself asks the environment.

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        self.meter.spend()
        owner = getattr(function, "__self__", None)
        if owner is self:
            return function(*args)
        if isinstance(owner, str):
            args = check_text_method(owner, function.__name__, args, kwargs)
        return self._produced(super().call(context, function, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: D102
        self.meter.spend()
        check_operator(operator, left, right)
        return self._produced(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: D102
        for kind, names in SAFE_ATTRIBUTES:
            if isinstance(obj, kind):
                return attr in names
        return isinstance(obj, LoopContext | Namespace | TemplateReference) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """No str.format: a width in it can ask for any amount of memory."""

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """Refuse at once, where Jinja would show an empty text."""
        raise SecurityError(f"the attribute {attribute!r:.60} of a {type(obj).__name__}")

    def _produced(self, value: Any) -> Any:
        """Charge for a new value and check its size."""
        if isinstance(value, str | list | tuple | dict):
            self.meter.spend(len(value))
        if isinstance(value, str | list | tuple | dict | int):
            value_size(value)
        return value

    def _metered(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)  # with the marks that tell Jinja what to pass first
        def run(*args: Any, **kwargs: Any) -> Any:
            self.meter.spend()
            return self._produced(function(*args, **kwargs))

        return run

    def _join(self, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
        items = list(value)
        if attribute is not None:
            items = [self.getitem(item, attribute) for item in items]
        texts = [self.to_text(item) for item in items]
        check_joined(d, texts)
        return d.join(texts)

    def _indent(self, s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
        margin = " " * min(width, 100) if isinstance(width, int) else width
        check_joined(margin, s.splitlines())
        return do_indent(s, margin, first, blank)

    def _replace(self, s: str, old: str, new: str, count: int = -1) -> str:
        text = self.to_text(s)
        check_text_method(text, "replace", (old, new), {})
        return text.replace(old, new, count)

    def _trim(self, value: str, chars: str | None = None) -> str:
        text = self.to_text(value)
        check_text_method(text, "strip", (chars,), {})
        return do_trim(text, chars)

    def _tojson(
        self, value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
    ) -> str:
        """As in transformers: no escapes for HTML."""
        size = value_size(value)
        if (indent or separators) and (size > 200_000 or indent not in range(17) or len("".join(separators or ())) > 16):
            raise TemplateError("The chat template writes JSON with more room than is allowed.")
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _make_dict(*args: Any, **kwargs: Any) -> dict:
    return dict(*args, **kwargs)


def _raise_exception(message: Any) -> NoReturn:
    raise ConversationRefusedError(f"The model's chat template refuses this conversation: {message!s:.300}")


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format[:200])
