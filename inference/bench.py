"""How fast a model runs here: `python3 -m inference.bench MODEL`; the last line printed is one JSON document.

Reading a prompt, then decoding plainly, with the trace that the panel shows and with the numbers that the tints show, in turn
and several times; medians.
The bandwidth is what decoding achieves if every weight is read once per token: the honest measure of a decoder.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import inference
from inference.engine import Engine
from inference.errors import InferenceError
from inference.types import GenerateRequest, RunFailed, RunFinished, SamplingParams, TokenEvent


def run(
    engine: Engine, prompt: tuple[int, ...], new_tokens: int, seed: int, trace_rows: int = 0, *, with_numbers: bool = False
) -> dict[str, float]:
    """One answer to `prompt` read afresh: seconds of reading, of decoding, to the first token; tokens drawn."""
    engine.session.rewind((0,))
    request = GenerateRequest(
        run_id=1,
        prompt_ids=prompt,
        params=SamplingParams(temperature=1.0, top_p=0.95),
        seed=seed,
        max_new_tokens=new_tokens,
        trace_rows=trace_rows,
        with_numbers=with_numbers,
    )
    started = time.perf_counter()
    first = 0.0
    tokens = 0
    for event in engine.generate(request):
        match event:
            case TokenEvent():
                first = first or time.perf_counter() - started
                tokens += 1
            case RunFinished():
                finished = event
            case RunFailed():
                raise InferenceError(event.message)
    return {
        "prefill_s": finished.stats.prefill_s,
        "decode_s": finished.stats.decode_s,
        "first_s": first,
        "new_tokens": tokens,
    }


def medians(measure: Callable[[int], dict[str, float]], rounds: int) -> dict[str, float]:
    """Medians of several rounds; the first is a warm-up."""
    results = [measure(i) for i in range(rounds + 1)][1:]
    return {name: statistics.median(result[name] for result in results) for name in results[0]}


def seconds_per_token(engine: Engine, prompt: tuple[int, ...], new_tokens: int, rows: int, rounds: int) -> tuple[float, ...]:
    """Seconds per token plainly, with traces, and with numbers, measured in turn: medians over the rounds."""
    kinds = ({}, {"trace_rows": rows}, {"with_numbers": True})
    times: list[list[float]] = [[] for _ in kinds]
    for i in range(rounds + 1):
        for options, collected in zip(kinds, times, strict=True):
            result = run(engine, prompt, new_tokens, i, **options)
            collected.append(result["decode_s"] / max(1, result["new_tokens"]))
    return tuple(statistics.median(collected[1:]) for collected in times)


def bench(engine: Engine, prompt_tokens: int, new_tokens: int, rows: int, rounds: int) -> dict[str, object]:
    """All figures of one model."""
    spec = engine.spec
    new_tokens = min(new_tokens, spec.context_tokens // 2)
    prompt_tokens = min(prompt_tokens, spec.context_tokens - new_tokens - 1)
    prompt = tuple(300 + i % 97 for i in range(prompt_tokens)) if spec.vocab_size > 400 else (1,) * prompt_tokens
    reading = medians(lambda i: run(engine, prompt, 1, i), rounds)
    plain_s, traced_s, numbered_s = seconds_per_token(engine, prompt[:32], new_tokens, rows, rounds)
    return {
        "model": spec.name,
        "parameters": spec.parameter_count,
        "device": spec.device,
        "dtype": spec.dtype,
        "threads": torch.get_num_threads(),
        "load_s": round(spec.load_s, 3),
        "time_to_first_token_s": round(reading["first_s"], 4),
        "prefill_tokens_per_s": round(prompt_tokens / reading["prefill_s"], 1),
        "decode_tokens_per_s": round(1 / plain_s, 1),
        "decode_tokens_per_s_with_trace": round(1 / traced_s, 1),
        "trace_cost_percent": round(100 * (1 - plain_s / traced_s), 2),
        "decode_tokens_per_s_with_numbers": round(1 / numbered_s, 1),
        "numbers_cost_percent": round(100 * (1 - plain_s / numbered_s), 2),
        "bandwidth_gb_per_s": round(spec.weights_bytes / plain_s / 1e9, 2),
    }


def main(argv: list[str]) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m inference.bench", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    arguments = parser.parse_args(argv)
    try:
        engine = inference.load(arguments.model, arguments.device, arguments.dtype, threads=arguments.threads)
        figures = bench(engine, arguments.prompt_tokens, arguments.new_tokens, arguments.rows, arguments.rounds)
    except InferenceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, value in figures.items():
        print(f"{name:34} {value}")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
