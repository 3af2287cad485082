"""CSV and JSON of steps and messages: nothing is lost, nothing is taken for a formula, everything is strict."""

import csv
import io
import json
import math

import numpy as np
import pytest

from gui.models.export import Origin, message_csv, message_json, step_csv, step_json
from gui.models.message import ChatMessage, TokenRecord
from inference.types import GenerateRequest, RunStats, SamplingParams, TokenNumbers
from tests.gui.probability.conftest import HEADS, make_trace, some_logits
from tests.gui.probability.details_oracle import flip, make_step, no_choice

ORIGIN = Origin('=HYPERLINK("http://x")', "12e45", 2**60 + 1, 17)
PARAMS = SamplingParams(temperature=0.7, top_k=40, top_p=0.8)
NASTY = (b"=1+1", b"+1", b"-1", b"@x", b"\t=1", b"\r\n", b'"a",b', b"\xe4", "王".encode(), b"", b" a", b"\x00", b"2e20")


def read_csv(text: str) -> list[dict[str, str]]:
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def read_json(text: str):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text.encode("utf-8"), parse_constant=refuse)


def drawn_step():
    return make_step(some_logits(1, heads=HEADS), PARAMS, u=0.6, flips=(flip(0.31, 0), None))


def message() -> ChatMessage:
    """An answer with one token of every difficult kind."""
    trace = make_trace(some_logits(1, heads=HEADS), params=PARAMS, chosen=1)
    tokens = [TokenRecord(index, data, index, index + 1) for index, data in enumerate(NASTY)]
    tokens[1].trace = trace
    tokens[2].numbers = TokenNumbers(0.125, math.nan, 3.0, 5.5, 4)
    tokens[2].is_given = True
    tokens[3].numbers = TokenNumbers(0.0, math.nan, math.inf, 5.5, 8192)
    tokens[-1].is_end = True
    request = GenerateRequest(1, prompt_ids=(9, 8), params=PARAMS, seed=2**60 + 1, stop=("\n\n",))
    return ChatMessage(
        "assistant",
        "half a pair: \ud83d",
        tokens=tokens,
        request=request,
        stats=RunStats(2, 0, 3, 0.1, 0.5),
        finish_reason="end",
        author="+model",
        weights_hash="00ab",
        prompt_ids=(9, 8),
        answer_ids=(1, 2),
    )


def test_a_step_as_csv_comes_back_to_the_last_digit():
    """Every number of every row is the same float; rows and others add up to 1; ids, bytes and text come back."""
    trace, _ = drawn_step()
    lines = read_csv(step_csv(trace, ORIGIN))
    rows = [line for line in lines if line["row"] == "token"]
    assert [int(row["token_id"]) for row in rows] == trace.ids.tolist()
    assert tuple(bytes.fromhex(row["bytes"].removeprefix("0x")) for row in rows) == trace.token_bytes
    assert np.array_equal([float(row["model_prob"]) for row in rows], trace.model_probs)
    assert np.array_equal([float(row["sampling_prob"]) for row in rows], trace.sampling_probs)
    assert [row["removed_by"] for row in rows] == list(trace.removed_by)
    assert [row["is_chosen"] for row in rows].count("true") == 1
    assert sum(float(line["model_prob"]) for line in lines) == pytest.approx(1.0, abs=1e-9)
    assert sum(int(line["tokens"]) for line in lines) == trace.vocab_size
    assert lines[-1]["row"] == "others"
    for line in lines:
        assert (float(line["draw_u"]), float(line["draw_low"]), float(line["draw_high"])) == (
            trace.draw_u,
            trace.draw_low,
            trace.draw_high,
        )
        assert (line["seed"], line["step"], line["temperature"], line["top_k"]) == (str(2**60 + 1), "17", "0.7", "40")


def test_a_step_as_json_comes_back_to_the_last_digit():
    """Rows, others, settings, draw, stages and flips are there and exact."""
    trace, details = drawn_step()
    step = read_json(step_json(trace, ORIGIN, details))
    assert [row["model_prob"] for row in step["rows"]] == trace.model_probs.tolist()
    assert [bytes.fromhex(row["bytes"]) for row in step["rows"]] == list(trace.token_bytes)
    assert SamplingParams(**step["settings"]) == PARAMS
    assert (step["seed"], step["step"], step["draw_u"]) == (2**60 + 1, 17, trace.draw_u)
    assert step["model"] == {"name": ORIGIN.model_name, "weights_hash": "12e45"}
    assert [stage["rule"] for stage in step["stages"]] == ["model", "penalty", "temperature", "top-k", "top-p", "min-p"]
    assert step["stages"][0]["row_probs"] == trace.model_probs.tolist()
    assert step["flips"] == {
        "below": {"temperature": 0.31, "token_id": 0, "bytes": b" dragon".hex(), "text": " dragon"},
        "above": None,
    }


def test_what_was_not_drawn_or_chosen_is_null():
    """NaN and a draw that never was are null in JSON and empty in CSV."""
    trace = no_choice(drawn_step()[0])
    step = read_json(step_json(trace))
    names = ("chosen_id", "chosen_rank", "surprise_bits", "draw_u", "draw_low", "draw_high", "seed", "step")
    assert [step[name] for name in names] == [None] * len(names)
    assert all(line["draw_low"] == "" and line["surprise_bits"] == "" for line in read_csv(step_csv(trace)))


@pytest.mark.parametrize("make", [lambda: step_csv(drawn_step()[0], ORIGIN), lambda: message_csv(message())])
def test_no_cell_is_a_formula(make):
    """No cell begins with what a spreadsheet takes for a formula, nor do bytes and hashes read as numbers."""
    for row in csv.reader(io.StringIO(make(), newline="")):
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    for line in read_csv(make()):
        assert line["bytes"] == "" or line["bytes"].startswith("0x")
        assert json.loads(line["weights_hash"]) in ("12e45", "00ab")


def test_tokens_of_a_message_come_back_from_csv():
    """Difficult bytes and texts, quotes, line ends and control characters included, survive the round trip."""
    lines = read_csv(message_csv(message()))
    assert [bytes.fromhex(line["bytes"].removeprefix("0x")) for line in lines] == list(NASTY)
    for line, data in zip(lines, NASTY, strict=True):
        if data == b"\xe4":
            assert line["text"] == ""  # not a whole character
        else:
            assert json.loads(line["text"]) == data.decode()
    assert lines[2]["is_given"] == lines[-1]["is_end"] == "true"
    assert (lines[2]["model_prob"], lines[2]["sampling_prob"], lines[2]["rank"]) == ("0.125", "", "4")
    assert lines[3]["surprise_bits"] == "inf"
    assert lines[4]["rank"] == lines[4]["model_prob"] == ""


def test_numbers_of_a_message_come_from_its_traces_where_there_are_no_others():
    """A token with a trace has that trace's numbers, draw and rule."""
    answer = message()
    trace, line = answer.tokens[1].trace, read_csv(message_csv(answer))[1]
    assert float(line["model_prob"]) == trace.chosen_model_prob
    assert float(line["sampling_prob"]) == trace.chosen_sampling_prob
    assert (float(line["draw_u"]), int(line["rank"])) == (trace.draw_u, trace.chosen_rank)


def test_a_message_as_json_is_strict_and_whole():
    """Settings, seed, ids, stats and tokens are there; infinity is null; half a surrogate pair survives as an escape."""
    answer = message()
    content = read_json(message_json(answer, with_steps=True))
    assert content["text"] == answer.text
    assert SamplingParams(**content["settings"]) == PARAMS
    assert (content["seed"], content["stop"], content["prompt_ids"], content["answer_ids"]) == (
        2**60 + 1,
        ["\n\n"],
        [9, 8],
        [1, 2],
    )
    assert content["model"] == {"name": "+model", "weights_hash": "00ab"}
    assert content["stats"]["new_tokens"] == 3
    assert [bytes.fromhex(token["bytes"]) for token in content["tokens"]] == list(NASTY)
    assert content["tokens"][3]["surprise_bits"] is None
    assert content["tokens"][7]["text"] is None
    assert content["tokens"][1]["step"]["draw_u"] == answer.tokens[1].trace.draw_u
    assert all("step" not in token for token in read_json(message_json(answer))["tokens"])


def test_a_users_message_without_tokens_can_be_exported():
    """What no model has read yet has its text, and a table with a heading only."""
    question = ChatMessage("user", "Hello")
    content = read_json(message_json(question))
    assert (content["text"], content["tokens"], content["settings"], content["seed"]) == ("Hello", [], None, None)
    heading, *lines = message_csv(question).splitlines()
    assert heading == message_csv(message()).splitlines()[0]
    assert lines == []
