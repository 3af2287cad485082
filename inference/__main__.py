"""Chat with a model in a terminal: `python3 -m inference MODEL "prompt"`; without a prompt, a conversation."""

import argparse
import secrets
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import inference
from inference.engine import Engine
from inference.errors import InferenceError
from inference.types import GenerateRequest, Message, RunFailed, RunFinished, SamplingParams, StepTrace, TokenEvent


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """The command line; sampling options left out take what the model recommends."""
    parser = argparse.ArgumentParser(prog="python3 -m inference", description=__doc__)
    parser.add_argument("model", type=Path, help="folder in Hugging Face layout (safetensors)")
    parser.add_argument("prompt", nargs="?", help="the user's message; without it, messages are read from standard input")
    parser.add_argument("--raw", action="store_true", help="continue the prompt as plain text instead of answering it")
    parser.add_argument("--system", default="", help="system prompt")
    parser.add_argument("--scene", default="", help="text that sets up the chat for a model without chat template")
    parser.add_argument("--temperature", type=float, help="0: always the likeliest token")
    parser.add_argument("--top-k", type=int, help="0: off")
    parser.add_argument("--top-p", type=float, help="1: off")
    parser.add_argument("--min-p", type=float, help="0: off")
    parser.add_argument("--repetition-penalty", type=float, help="1: off")
    parser.add_argument("--seed", type=int, help="the same seed repeats an answer; random if left out")
    parser.add_argument("--max-new-tokens", type=int, default=400, help="0: until the model ends or the context is full")
    parser.add_argument("--probabilities", type=int, default=0, metavar="K", help="print the K likeliest tokens of every step")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, mps")
    parser.add_argument("--dtype", default="auto", help="auto, float32, bfloat16, float16")
    parser.add_argument("--threads", type=int, default=0, help="0: a sensible number")
    return parser.parse_args(argv)


def sampling_params(arguments: argparse.Namespace, recommended: SamplingParams) -> SamplingParams:
    """What the command line says, the model's recommendation for the rest."""
    names = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return replace(recommended, **given)


def print_step(event: TokenEvent, trace: StepTrace) -> None:
    """One line per token: what was drawn, and the likeliest tokens."""
    rows = "  ".join(f"{data!r} {p:.1%}" for data, p in zip(trace.token_bytes, trace.model_probs, strict=True))
    print(f"{event.step:4} {event.token_bytes!r:>16} {trace.chosen_model_prob:6.1%} rank {trace.chosen_rank:<4} | {rows}")


def answer(engine: Engine, request: GenerateRequest, *, show_steps: bool) -> RunFinished:
    """Stream one answer to standard output. Raises InferenceError where the run failed."""
    for event in engine.generate(request):
        match event:
            case TokenEvent(trace=StepTrace() as trace) if show_steps:
                print_step(event, trace)
            case TokenEvent(is_given=False):
                print(event.text, end="", flush=True)
            case RunFinished():
                print(event.text_tail)
                return event
            case RunFailed():
                raise InferenceError(event.message)
    raise AssertionError("a run ends with RunFinished or RunFailed")


def make_request(engine: Engine, arguments: argparse.Namespace, messages: list[Message]) -> GenerateRequest:
    """The request for the next answer."""
    is_raw = arguments.raw
    return GenerateRequest(
        run_id=1,
        messages=() if is_raw else tuple(messages),
        text=messages[-1].content if is_raw else "",
        params=sampling_params(arguments, engine.spec.default_params),
        seed=secrets.randbits(32) if arguments.seed is None else arguments.seed,
        max_new_tokens=arguments.max_new_tokens,
        trace_rows=arguments.probabilities,
        scene=arguments.scene,
    )


def prompts(arguments: argparse.Namespace) -> Iterable[str]:
    """The one prompt of the command line, or the lines of standard input."""
    return [arguments.prompt] if arguments.prompt is not None else (line.rstrip("\n") for line in sys.stdin)


def main(argv: list[str]) -> int:
    """Run; returns the exit code."""
    arguments = parse_arguments(argv)
    try:
        engine = inference.load(arguments.model, arguments.device, arguments.dtype, threads=arguments.threads)
        messages = [Message("system", arguments.system)] if arguments.system else []
        for prompt in prompts(arguments):
            messages.append(Message("user", prompt))
            finished = answer(engine, make_request(engine, arguments, messages), show_steps=arguments.probabilities > 0)
            messages.append(Message("assistant", engine.tokenizer.decode(finished.answer_ids), finished.answer_ids))
            print(f"[{finished.stats.tokens_per_s:.0f} tokens/s, {finished.reason}]", file=sys.stderr)
    except InferenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
