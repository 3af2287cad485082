"""Questions kept out of the training data, and whether they find the answers of their exchange."""

import json

import pytest

from inference.training.nearness import bare, trained_questions
from inference.training.recall import found, main
from inference.training.sample import read_lines
from inference.training.voice import worded_exchanges
from tests.tiny import tiny_checkpoint

QUESTIONS = read_lines("wordings-heldout.jsonl")


def test_no_question_kept_out_is_trained_on():
    """Each is asked once, and in these words it is in no exchange."""
    asked = [bare(line["question"]) for line in QUESTIONS]
    assert len(asked) == len(set(asked)) >= 150
    assert set(asked) & set(map(bare, trained_questions())) == set()


def test_every_question_kept_out_has_the_answers_of_an_exchange():
    known = {exchange.answer for exchange in worded_exchanges()}
    assert [line["question"] for line in QUESTIONS if tuple(line["answers"]) not in known] == []


def test_an_answer_is_found_by_the_words_it_shares():
    """As near to another is near enough; nearer to another is a miss, and so is an answer with no known word."""
    own = [["a token is a piece"]] * 4
    others = ["a token is a piece", "logits are scores", "a token is a number"]
    answers = ["A token is a piece of text.", "Logits are scores, a token is none.", "Scores!", "…"]
    assert found(answers, own, others) == [True, False, False, False]
    assert found(["a token is"], [["a token is a piece"]], others) == [True]


def test_the_command_prints_a_line_for_each_temperature(tmp_path, monkeypatch, capsys):
    model = tiny_checkpoint(tmp_path, "llama")
    monkeypatch.setattr("inference.training.recall.read_lines", lambda _name: QUESTIONS[:2])
    monkeypatch.setattr("sys.argv", ["recall", str(model), "--temperatures", "0", "0.7", "--seeds", "2", "--threads", "1"])
    main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["temperature"] for line in lines] == [0, 0.7]
    assert all(line["questions"] == 2 and len(line["own_exchange"]) == 2 for line in lines)
    assert lines[0]["own_exchange"][0] == pytest.approx(lines[0]["own_exchange"][1])  # greedy: no seed matters
