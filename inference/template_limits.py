"""What keeps a hostile chat template from using the machine up: a meter, bounds on values, and nodes that consult both.

Every list, tuple and dictionary is bounded when it is made by its size written out in full, since a few rounds of
`x = [x, x]` make one that takes for ever to show or compare.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from jinja2 import nodes
from jinja2.runtime import Undefined
from jinja2.visitor import NodeTransformer

from inference.errors import TemplateError

LARGEST_TEMPLATE_CHARACTERS = 256 << 10
LARGEST_OUTPUT_CHARACTERS = 4 << 20
LARGEST_VALUE_CHARACTERS = 4 << 20
ELEMENT_CHARACTERS = 16  # what an element of a list counts, besides its text
DEEPEST_VALUE = 50
LARGEST_INTEGER_BITS = 4096
LARGEST_TOTAL_CHARACTERS = 64 << 20
MOST_STEPS = 2_000_000
MOST_CPU_S = 2.0
MOST_COMPARISONS = 1 << 30  # characters of a text times characters looked for in it


class Meter:
    """What one rendering has used so far."""

    def __init__(self) -> None:
        self._steps = MOST_STEPS
        self._characters = LARGEST_TOTAL_CHARACTERS
        self._deadline_s = time.thread_time() + MOST_CPU_S

    def spend(self, characters: int = 0) -> None:
        """Pay for one step that makes so many characters. Raises TemplateError when nothing is left."""
        self._steps -= 1
        self._characters -= characters
        if self._steps < 0 or self._characters < 0 or time.thread_time() > self._deadline_s:
            raise TemplateError(
                f"The chat template is too costly: it makes too much text or takes over {MOST_CPU_S:g} s to write."
            )


def value_size(value: Any, depth: int = 0) -> int:
    """Characters a value takes when written out, about. Raises TemplateError beyond the bounds and for odd kinds of values."""
    if isinstance(value, str):
        total = len(value)
    elif isinstance(value, list | tuple | dict):
        total = _container_size(value, depth)
    elif isinstance(value, int):
        total = value.bit_length() // 3
        if value.bit_length() > LARGEST_INTEGER_BITS:
            raise TemplateError("The chat template makes a number that is too large.")
    elif value is None or isinstance(value, float | Undefined | range):
        total = 1
    else:
        raise TemplateError(f"The chat template makes text of something that is none: {type(value).__name__}.")
    if total > LARGEST_VALUE_CHARACTERS:
        _too_large()
    return total


def _container_size(value: list | tuple | dict, depth: int) -> int:
    if depth >= DEEPEST_VALUE:
        raise TemplateError(f"The chat template nests lists more than {DEEPEST_VALUE} deep.")
    total = ELEMENT_CHARACTERS * len(value)
    for items in (value.keys(), value.values()) if isinstance(value, dict) else (value,):
        for item in items:
            total += value_size(item, depth + 1)
            if total > LARGEST_VALUE_CHARACTERS:
                _too_large()
    return total


def _too_large() -> NoReturn:
    raise TemplateError(f"The chat template makes a value of more than {LARGEST_VALUE_CHARACTERS:,} characters.")


def check_operator(operator: str, left: Any, right: Any) -> None:
    """Refuse arithmetic whose result would be too large, before it is made."""
    if operator == "%" and isinstance(left, str):
        raise TemplateError("The chat template formats text with %, which is not supported.")
    if operator == "*" and isinstance(left, str | list | tuple):
        left, right = right, left
    if operator == "*" and isinstance(left, int):
        repeated = isinstance(right, str | list | tuple)
        if (repeated and len(right) * left > LARGEST_VALUE_CHARACTERS) or _product_bits(left, right) > LARGEST_INTEGER_BITS:
            _too_large()
    if operator == "**" and isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > LARGEST_INTEGER_BITS:
        _too_large()


def _product_bits(left: int, right: Any) -> int:
    return left.bit_length() + right.bit_length() if isinstance(right, int) else 0


def check_text_method(text: str, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Refuse a method of str that would make too much or search too long; the arguments to call it with."""
    given = [value for value in (*args, *kwargs.values()) if isinstance(value, str)]
    if any(len(text) * len(value) > MOST_COMPARISONS for value in given):
        raise TemplateError("The chat template searches a text too long for another.")
    if name == "replace" and len(given) == 2:
        old, new = given
        if text.count(old) * len(new) > LARGEST_VALUE_CHARACTERS:
            _too_large()
    if name == "join" and args:
        items = list(args[0])
        check_joined(text, [item for item in items if isinstance(item, str)])
        return (items, *args[1:])
    return tuple(args)


def check_joined(separator: str, texts: Sequence[str]) -> None:
    """Refuse to join texts into one that is too long."""
    if len(separator) * len(texts) + sum(map(len, texts)) > LARGEST_VALUE_CHARACTERS:
        _too_large()


class MeteredNodes(NodeTransformer):
    """Rewrites a parsed template so that it calls its environment wherever cost can arise that Jinja shows to nobody."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        """Every round of a loop is a step, also one that the loop's condition skips."""
        self.generic_visit(node)
        _begin_with_tick(node)
        if node.test is not None:
            node.test = nodes.And(_call("tick", [nodes.Const(0)], node), node.test, lineno=node.lineno)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:
        """Every call of a macro is a step."""
        self.generic_visit(node)
        _begin_with_tick(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:
        """Every call of a call block's body is a step."""
        self.generic_visit(node)
        _begin_with_tick(node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:
        """`a ~ b` is checked for size."""
        self.generic_visit(node)
        return _call("concatenate", node.nodes, node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        """`a[b:c]` copies."""
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            return node
        bounds = [bound or nodes.Const(None) for bound in (node.arg.start, node.arg.stop, node.arg.step)]
        return _call("slice_of", [node.node, *bounds], node)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        """A comparison of long values takes time."""
        self.generic_visit(node)
        node.expr = _call("noted", [node.expr], node)
        return node

    def visit_List(self, node: nodes.List) -> nodes.Call:
        """A list is measured when it is made."""
        self.generic_visit(node)
        return _call("checked", [node], node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Call:
        """A dictionary is measured when it is made."""
        self.generic_visit(node)
        return _call("checked", [node], node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:
        """A tuple is measured when it is made, unless it is a target of assignment."""
        self.generic_visit(node)
        return _call("checked", [node], node) if node.ctx == "load" else node

    def visit_Name(self, node: nodes.Name) -> nodes.Expr:
        """A macro's collected arguments are a tuple and a dictionary that no literal made."""
        return _call("checked", [node], node) if node.ctx == "load" and node.name in ("varargs", "kwargs") else node


def _call(method: str, args: list[nodes.Expr], origin: nodes.Node) -> nodes.Call:
    return nodes.Call(nodes.EnvironmentAttribute(method), args, [], None, None, lineno=origin.lineno)


def _begin_with_tick(node: nodes.For | nodes.Macro | nodes.CallBlock) -> None:
    written = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
    node.body.insert(0, nodes.ExprStmt(_call("tick", [nodes.Const(written)], node), lineno=node.lineno))
