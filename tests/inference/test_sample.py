"""The prompt sheet, the questions kept for judging, and the measures of answers."""

import json

import pytest

import inference
from inference.training.nearness import NEAR, bare, nearest_shares, trained_questions
from inference.training.sample import answer, main, measures, read_lines, repetition, sampled
from tests.tiny import tiny_checkpoint

FACTS = ("facts.jsonl", "facts-unseen.jsonl")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("model"), "llama")


@pytest.fixture(scope="module")
def engine(model):
    return inference.load(model, threads=1)


def test_the_sheet_has_sixty_prompts():
    """The sheet is fixed: a change of it makes cards incomparable."""
    prompts = [line["prompt"] for line in read_lines("prompts.jsonl")]
    assert len(prompts) == len(set(map(bare, prompts))) == 60


@pytest.mark.parametrize("name", FACTS)
def test_there_are_a_hundred_facts_each_with_its_points(name):
    facts = read_lines(name)
    assert len(facts) == len({bare(fact["question"]) for fact in facts}) == 100
    for fact in facts:
        assert set(fact) == {"question", "points"}
        assert fact["points"]
        assert all(point.strip() for point in fact["points"])


def test_no_question_to_be_judged_was_trained_on():
    """Whatever the casing and the marks, none of the hundred questions is a phrasing of the training data."""
    trained = set(map(bare, trained_questions()))
    assert [fact["question"] for fact in read_lines("facts.jsonl") if bare(fact["question"]) in trained] == []


def test_no_question_to_be_judged_is_nearly_one_of_the_training():
    """With none of the training questions does one of the hundred share three quarters of their words."""
    facts = [fact["question"] for fact in read_lines("facts.jsonl")]
    nearest = nearest_shares(facts, trained_questions())
    assert [question for question, share in zip(facts, nearest, strict=True) if share >= NEAR] == []


def test_nearness_worked_out_by_hand():
    """Of the five words "what is a token now" four are asked; nothing in common is 0, casing and order count for nothing."""
    trained = ["What is a token now?", "Good-bye!"]
    shares = nearest_shares(["what is a token", "NOW a token is what?", "Unheard of."], trained)
    assert shares.tolist() == pytest.approx([0.8, 1.0, 0.0])


def test_repetition_counts_runs_that_stood_there_before():
    """Of "a b c d a b c d" the last of five 4-word runs was there before; another answer with the same words counts anew."""
    assert repetition(["a b c d a b c d"]) == pytest.approx(1 / 5)
    assert repetition(["a b c d", "a b c d"]) == 0
    assert repetition(["one two"]) == 0


def test_measures_worked_out_by_hand():
    figures = measures(["a b", "a c"])
    assert figures == {
        "answers": 2,
        "words_mean": 2.0,
        "distinct_1": 0.75,
        "distinct_2": 1.0,
        "distinct_3": 0.0,
        "repetition": 0.0,
    }


def test_an_answer_depends_on_its_seed_alone(engine):
    first = answer(engine, "Hello!", 1, 12)
    assert first == answer(engine, "Hello!", 1, 12)
    assert first != answer(engine, "Hello!", 2, 12)


def test_each_round_of_answers_has_a_seed_of_its_own(engine):
    found = list(sampled(engine, ["Hello!", "Bye!"], 4, 12))
    assert len(found) == 4
    assert found[0] != found[2]
    assert found[0] == answer(engine, "Hello!", 1000, 12)


def test_the_command_writes_answers_and_measures(model, tmp_path, monkeypatch, capsys):
    """Sheet, facts with their points, and the figures of the sampled answers are all in the file."""
    out = tmp_path / "out.json"
    arguments = ["sample", str(model), str(out), "--answers", "3", "--max-new-tokens", "3", "--threads", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    result = json.loads(out.read_text())
    assert [row["prompt"] for row in result["sheet"]] == [line["prompt"] for line in read_lines("prompts.jsonl")]
    assert [row["points"] for row in result["facts"]] == [line["points"] for line in read_lines("facts.jsonl")]
    assert [row["question"] for row in result["unseen"]] == [line["question"] for line in read_lines("facts-unseen.jsonl")]
    assert result["sampled"]["answers"] == 3
    assert json.loads(capsys.readouterr().out) == result["sampled"]
