"""How text is cut into pre-tokens before BPE: the shapes of tokenizer.json that can be kept exactly, as patterns."""

import re

from inference.errors import TokenizerError

LARGEST_PATTERN_CHARACTERS = 10_000
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
ONLY_BPE = "Only byte-level BPE tokenizers are supported, the kind that GPT-2, Llama 3 and Qwen use."


def read_pre_tokenizer(pre_tokenizer: dict | None) -> tuple[tuple[str, ...], bool]:
    """The splitting patterns, at least one, and whether a blank goes before a text that begins without one."""
    steps = flatten_steps(pre_tokenizer, "pretokenizers")
    if not steps or steps[-1]["type"] != "ByteLevel":
        raise TokenizerError(f"The tokenizer splits text by {_shape(steps) or 'nothing'}. {ONLY_BPE}")
    patterns = [_split_pattern(step, steps) for step in steps[:-1]]
    if steps[-1].get("use_regex", True):
        patterns.append(GPT2_PATTERN)
    adds_prefix_space = bool(steps[-1].get("add_prefix_space", True))
    if adds_prefix_space and len(steps) > 1:
        raise TokenizerError(f"The tokenizer splits text by {_shape(steps)} and then adds blanks, which is not supported.")
    return tuple(patterns or [r"[\s\S]+"]), adds_prefix_space


def _split_pattern(step: dict, steps: list[dict]) -> str:
    """One splitting step as a pattern whose matches, and the stretches between them, are the pieces."""
    if step["type"] == "Digits":
        return r"\p{N}" if step.get("individual_digits") else r"\p{N}+"
    if step["type"] != "Split":
        raise TokenizerError(f"The tokenizer splits text by {_shape(steps)}. {ONLY_BPE}")
    if step.get("behavior") != "Isolated" or step.get("invert"):
        kind = f"behavior {step.get('behavior')!r}, invert {step.get('invert')!r}"
        raise TokenizerError(f"The tokenizer splits text by {_shape(steps)} with {kind}, which is not supported.")
    pattern = step["pattern"]
    if "String" in pattern:
        return re.sub(r"([\\.+*?()|\[\]{}^$#&~-])", r"\\\1", pattern["String"])
    return _checked_regex(pattern["Regex"])


def _checked_regex(pattern: str) -> str:
    """Refuse what Oniguruma, which wrote the pattern, and our engines read differently."""
    if len(pattern) > LARGEST_PATTERN_CHARACTERS:
        raise TokenizerError(f"The tokenizer's splitting pattern has {len(pattern):,} characters.")
    bare = re.sub(r"\\[pP]\{[^}]*\}|\\[^hHRXGKQE]|\[(?:\\[^hHRXGKQE]|[^\]\\])*\]", "", pattern)
    differing = re.search(r"[\^$\\]|\}\+|\(\?(?![:=!>]|<[=!]|i:)", bare)
    if differing:
        raise TokenizerError(f"The tokenizer splits text by a pattern that uses {differing.group()!r}, which is not supported.")
    return pattern


def flatten_steps(step: dict | None, children: str, depth: int = 0) -> list[dict]:
    """The steps of a Sequence, which may hold Sequences under the key `children`, in order."""
    if step is None:
        return []
    if step["type"] != "Sequence":
        return [step]
    if depth > 8:
        raise TokenizerError("The tokenizer nests its steps too deeply.")
    return [inner for child in step[children] for inner in flatten_steps(child, children, depth + 1)]


def _shape(steps: list[dict]) -> str:
    return ", then ".join(str(step["type"])[:40] for step in steps[:8])
