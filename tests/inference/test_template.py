"""The template sandbox: what transformers renders is rendered alike, and neither code nor cost gets out of it."""

import threading
import time
import tracemalloc

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from inference import template_limits
from inference.errors import TemplateError
from inference.template import ChatTemplate, ConversationRefusedError

MESSAGES = [
    {"role": "system", "content": "Be <brief> & kind."},
    {"role": "user", "content": "  Hello, 'world' \n"},
    {"role": "assistant", "content": "你好 🐉"},
    {"role": "user", "content": "1\n2\n3"},
]
VARIABLES = {"bos_token": "<s>", "eos_token": "</s>"}

SAME_AS_TRANSFORMERS = {
    "blocks trimmed": "{% for m in messages %}\n  {% if true %}\n{{ m.role }}: {{ m['content'] }}\n  {% endif %}\n{% endfor %}\n",
    "tojson": "{{ messages | tojson }} {{ messages | tojson(indent=2) }} {{ {'b': 1, 'a': '<'} | tojson(sort_keys=true) }}",
    "loop controls": "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% break %}{% endfor %}",
    "generation": "{% for m in messages %}{% generation %}{% set x = m.role %}{{ x }}{% endgeneration %}{{ x }}{% endfor %}",
    "namespace": "{% set ns = namespace(n=0) %}"
    "{% for m in messages %}{% set ns.n = ns.n + m.content|length %}{% endfor %}{{ ns.n }}",
    "macro": "{% macro turn(m, end='') %}[{{ m.role }}]{{ caller() if caller else end }}{% endmacro %}"
    "{{ turn(messages[0], '!') }}{% call turn(messages[1]) %}inner{% endcall %}",
    "filters": "{{ messages | map(attribute='role') | unique | sort | join(', ') }}"
    " {{ messages | selectattr('role', 'equalto', 'user')"
    " | list | length }} {{ 'a-b' | replace('-', '+') | upper }} {{ 'x\ny' | indent(3) }} {{ [3, 1] | max }}"
    " {{ none | default('d', true) }}"
    " {{ 7 | string ~ 'x' }} {{ {'b': 1, 'a': 2} | dictsort }} {{ {'k': 'v'} | items | list }}"
    " {{ ' t ' | trim }} {{ '7' | int + 1 }}",
    "methods": "{{ messages[1].content.strip().split(',')[0] }} {{ 'a'.join(['1', '2']) }} {{ 'abc'.startswith(('a', 'x')) }}"
    " {{ messages[0].get('tool_calls', 'none') }} {% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}"
    " {{ 'a</think>b'.split('</think>')[-1].lstrip('\n') }} {{ 'abcabc'.replace('b', '', 1) }} {{ 'ab'.upper().find('B') }}",
    "slices": "{{ messages[1:]|length }}{{ messages[::-1][0].content }}{{ 'abcdef'[1:4] }}{{ (messages | last).role[:-1] }}",
    "comparisons": "{{ 1 < 2 < 3 }} {{ 'user' in ['user', 'x'] }} {{ messages[0].role == 'system' and not tools }}"
    " {{ tools is none }}"
    " {{ nothing is defined }} {{ messages is iterable }} {{ 'a' is string }} {{ (1, 2) == (1, 2) }}",
    "loop filter": "{% for m in messages if m.role == 'user' %}{{ loop.index0 }}{{ loop.last }}{{ m.content }}{% else"
    " %}-{% endfor %}",
    "set block": "{% set text %}a{{ messages[0].content }}{% endset %}{{ text }}{{ text|length }}{% filter upper"
    " %}x{% endfilter %}",
    "variables": "{{ bos_token }}{{ eos_token }}{{ unknown }}{% if add_generation_prompt %}go{% endif %}{{ documents }}",
    "recursion": "{% for i in [[1, [2]], 3] recursive %}{% if i is iterable %}({{ loop(i) }}){% else %}{{ i }}{%"
    " endif %}{% endfor %}",
    "numbers": "{{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 10 }} {{ 'ab' * 3 }} {{ [0] * 2 }} {{ 1 - 3 }} {{ 7 / 2 }}"
    " {{ range(3) | list }} {{ range(3) }}",
    "arguments": "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, a=2) }}{% set a, b = 1, 2 %}{{ b }}{{"
    " dict(x=1) }}",
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_AS_TRANSFORMERS)
def test_renders_as_transformers_does(name):
    """Every construct that published templates use gives exactly the text that transformers gives."""
    source = SAME_AS_TRANSFORMERS[name]
    [expected], _ = render_jinja_template([MESSAGES], chat_template=source, add_generation_prompt=True, **VARIABLES)
    assert ChatTemplate(source, VARIABLES).render(MESSAGES) == expected


def test_generation_prompt_can_be_left_out():
    """The template is told whether an answer is to follow."""
    template = ChatTemplate("{{ add_generation_prompt }}", {})
    assert template.render([]) == "True"
    assert template.render([], add_generation_prompt=False) == "False"


def test_strftime_now():
    """The date is the local one, as in transformers."""
    assert ChatTemplate("{{ strftime_now('%Y-%m') }}", {}).render([]) == time.strftime("%Y-%m")


ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ (1).__class__ }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ messages.__class__ }}",
    "{{ messages[0].content.__class__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ namespace().__class__ }}",
    "{{ range.__globals__ }}",
    "{{ raise_exception.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ messages | attr('__class__') }}",
    "{{ ['a'] | map(attribute='__class__') | list }}",
    "{{ ['a'] | map(attribute='__class__.__mro__') | list }}",
    "{{ ['a'] | map('attr', '__class__') | list }}",
    "{{ ['a'] | groupby('__class__') }}",
    "{{ [''] | sort(attribute='__class__') }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0.__class__.__mro__}' | format(1) }}",
    "{{ '%s' % messages }}",
    "{{ ''.format_map({}) }}",
    "{{ ''['format']() }}",
    "{{ messages.append(1) }}",
    "{{ messages[0].update({'role': 'x'}) }}",
    "{{ messages[0].pop('role') }}",
    "{{ (1).to_bytes(9, 'big') }}",
    "{% for m in messages %}{{ loop.__class__ }}{% endfor %}",
    "{% for m in messages %}{{ loop._iterator }}{% endfor %}",
    "{% macro m() %}{% endmacro %}{{ m._func }}",
    "{% macro m() %}{% endmacro %}{{ m.__class__ }}",
    "{% macro m() %}{{ caller.__class__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "{{ namespace }}",
    "{{ raise_exception }}",
    "{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}",
    "{% set ns = namespace() %}{% set ns.ns = ns %}{{ [ns] }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% from 'x' import y %}",
    "{% extends '/etc/passwd' %}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_escapes_from_the_sandbox_are_errors(source):
    """Every known way to reach Python from a template ends in a TemplateError."""
    with pytest.raises(TemplateError):
        ChatTemplate(source, {}).render(MESSAGES)


NS = "{% set ns = namespace(x='a', l=[1]) %}"
# Each would take gigabytes, minutes or the interpreter's stack.
BOMBS = {
    "repeated text": "{{ 'a' * 300000000 }}",
    "repeated text, not shown": "{{ ('a' * 300000000) | length }}",
    "repeated list": "{{ ([0] * 300000000) | length }}",
    "power": "{{ 2 ** 100000000 }}",
    "power of power": "{{ 9 ** (9 ** 9) }}",
    "product": "{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "doubled with ~": NS + "{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "doubled with +": NS + "{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubled by block": NS + "{% for i in range(60) %}{% set t %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = t %}{% endfor %}",
    "doubled by replace": NS + "{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aa') %}{% endfor %}",
    "doubled by join": NS + "{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | join %}{% endfor %}",
    "doubled list": NS + "{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
    "billion laughs, list": NS + "{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
    "billion laughs, tuple": NS + "{% for i in range(60) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ ns.l }}",
    "billion laughs, dict": NS + "{% for i in range(60) %}{% set ns.l = {1: ns.l, 2: ns.l} %}{% endfor %}{{ ns.l }}",
    "billion laughs, dict()": NS + "{% for i in range(60) %}{% set ns.l = dict(a=ns.l, b=ns.l) %}{% endfor %}{{ ns.l }}",
    "billion laughs, arguments": "{% macro m() %}{% set x = varargs %}{{ m(x, x) }}{% endmacro %}{{ m() }}",
    "deep list": NS + "{% for i in range(10000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
    "kept copies": NS + "{% set x = 'a' * 4000000 %}{% for i in range(1000) %}{% set ns.l = ns.l + [x[1:]] %}{% endfor %}",
    "copies one by one": "{% set x = 'a' * 4000000 %}{% for i in range(100000) %}{% set y = x[1:] %}{% endfor %}",
    "nested loops": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "nested loops that skip": "{% for a in range(100000) %}{% for b in range(100000) if a == 1 %}{% endfor %}{% endfor %}",
    "loop over a text": "{% for a in 'a' * 4000000 %}{% for b in range(100) %}{% endfor %}{% endfor %}",
    "wide output": "{% for a in range(100000) %}" + "x" * 1000 + "{% endfor %}",
    "wide block": "{% set t %}{% for a in range(100000) %}" + "x" * 100_000 + "{% endfor %}{% endset %}",
    "wide macro": "{% macro m() %}" + "x" * 100_000 + "{% endmacro %}{% for a in range(100000) %}{% set t = m() %}{% endfor %}",
    "wide constants": "{% set t %}{% for a in range(100000) %}{{ '" + "x" * 100_000 + "' }}{% endfor %}{% endset %}",
    "endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "endless loop": "{% for m in messages recursive %}{{ loop([m]) }}{% endfor %}",
    "many filters": "{{ range(100000) | map('string') | map('upper') | sort | join | length }}" * 1000,
    "long comparisons": "{% set x = 'a' * 4000000 %}{% set y = x[1:] ~ 'a' %}"
    "{% for a in range(100000) %}{{ x == y }}{% endfor %}",
    "long tests": "{% set x = 'a' * 4000000 %}{% set y = x[1:] ~ 'a' %}{% for a in range(100000) %}{{ x is eq y }}{% endfor %}",
    "backward search": "{{ ('a' * 4000000).rfind('b' ~ 'a' * 2000000) }}",
    "trim": "{{ ('a' * 4000000) | trim('b' * 2000000 ~ 'a') }}",
    "replace": "{{ ('a' * 4000000) | replace('a', 'b' * 1000) }}",
    "replace nothing": "{{ ('a' * 4000000).replace('', 'b' * 100) }}",
    "join": "{{ range(100000) | join('a' * 10000) }}",
    "join method": "{{ ('a' * 1000000).join(range(100) | map('string')) }}",
    "indent": "{{ ('\n' * 100000) | indent(1000, true, true) }}",
    "json indent": "{{ [1] | tojson(indent=1000000000) }}",
    "json separators": "{{ range(100000) | list | tojson(separators=('a' * 1000000, ':')) }}",
    "center": "{{ 'a' | center(1000000000) }}",
    "center method": "{{ 'a'.center(1000000000) }}",
    "zfill": "{{ 'a'.zfill(1000000000) }}",
    "expandtabs": "{{ '\t'.expandtabs(1000000000) }}",
    "percent width": "{{ '%1000000000d' % 1 }}",
    "format width": "{{ '{:1000000000}'.format(1) }}",
    "lipsum": "{{ lipsum(n=1000000) }}",
    "round": "{{ 1.5 | round(1000000000, 'ceil') }}",
    "batch": "{{ [1] | batch(1000000000, 0) | list }}",
    "slice": "{{ [1] | slice(1000000000) | list }}",
    "range": "{{ range(1000000000) | list }}",
    "split": "{{ ('a ' * 2000000).split() }}",
    "huge number": "{{ ('f' * 1000000) | int(0, 16) }}",
    "long date": "{{ strftime_now('%Y' * 4000000) | length }}{{ 2 ** 9999 }}",
    "brackets": "{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}",
    "sums": "{{ " + "1+" * 20_000 + "1 }}",
    "ifs": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "fors": "{% for a in [1] %}" * 50 + "{% endfor %}" * 50,
    "attributes": "{{ a" + ".b" * 20_000 + " }}",
    "long template": "a" * (256 << 10) + "b",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_costly_templates_are_errors(name, monkeypatch):
    """What would take gigabytes or minutes ends in a TemplateError soon after the limit, also off the main thread."""
    monkeypatch.setattr(template_limits, "MOST_CPU_S", 0.3)
    outcome: list[object] = []

    def run() -> None:
        started = time.thread_time()
        try:
            ChatTemplate(BOMBS[name], {}).render(MESSAGES)
        except TemplateError as error:
            outcome.append(error)
        outcome.append(time.thread_time() - started)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert isinstance(outcome[0], TemplateError)
    assert outcome[1] < 3


@pytest.mark.parametrize("name", ["repeated list", "doubled by replace", "kept copies", "wide block", "replace", "join", "split"])
def test_costly_templates_stay_small(name):
    """None of them holds more than a bounded amount of memory at any time."""
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError):
            ChatTemplate(BOMBS[name], {}).render(MESSAGES)
        assert tracemalloc.get_traced_memory()[1] < 300 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% if %}", "broken in line 1"),
        ("ok\n{{ 'a' | nosuch }}", "line 2.*nosuch"),
        ("{{ nothing.at.all }}", "UndefinedError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ messages[99].role }}", "fails"),
        ("{{ messages | tojson(indent=99) }}", "more room"),
    ],
)
def test_broken_templates_say_what_is_wrong(source, message):
    """A broken template is a sentence, not a traceback."""
    with pytest.raises(TemplateError, match=message):
        ChatTemplate(source, {}).render(MESSAGES)


def test_refusal_carries_the_templates_words():
    """raise_exception is told apart from a failure, and its text is bounded."""
    with pytest.raises(ConversationRefusedError, match="refuses this conversation: no system role"):
        ChatTemplate("{{ raise_exception('no system role') }}", {}).render(MESSAGES)
    with pytest.raises(ConversationRefusedError) as caught:
        ChatTemplate("{{ raise_exception('x' * 100000) }}", {}).render(MESSAGES)
    assert len(str(caught.value)) < 500


def test_limits_do_not_hinder_long_conversations():
    """A conversation of 2,000 long messages renders, with a template that looks at all of them each time."""
    source = (
        "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content | trim + '<|end|>' }}"
        "{% if loop.index0 == (messages | length) - 1 %}last{% endif %}{% endfor %}"
    )
    messages = [{"role": ("user", "assistant")[i % 2], "content": f"{i} " * 200} for i in range(2000)]
    text = ChatTemplate(source, {}).render(messages)
    assert text.endswith("1999<|end|>last")
    assert text.count("<|user|>") == 1000


def test_one_rendering_does_not_use_up_the_next():
    """The meter starts afresh for every rendering."""
    template = ChatTemplate("{{ ('a' * 4000000) | length }}" * 8, {})
    assert [template.render([]) for _ in range(3)] == ["4000000" * 8] * 3
