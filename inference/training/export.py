"""Write a training run as a Hugging Face checkpoint: `python3 -m inference.training.export RUN_FOLDER TOKENIZER.json OUT_DIR`.

The result loads in this application and in transformers: config.json, model.safetensors, tokenizer.json,
tokenizer_config.json, generation_config.json and chat_template.jinja.
"""

import argparse
import json
import shutil
import tomllib
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor

from inference.config import ModelConfig
from inference.device import DTYPES
from inference.families import FAMILIES, layout
from inference.model import Transformer
from inference.training.averaging import last_weights
from inference.training.corpus import BOS, END, ROLE_TOKENS, SPECIAL_TOKENS
from inference.training.train import decayed_part, make_model

SETTLED = (
    0.9  # from this part of a decay on the average brings nothing any more, as long as the mix stays (see data/ablations.json)
)

# Exactly the layout of `inference.training.corpus.encode_document`: nothing between the marks and the text.
CHAT_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if message['role'] not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('unknown role: ' + message['role']) }}
    {%- endif %}
    {{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|assistant|>' }}
{%- endif %}
"""


def load_run(folder: Path, recipe: dict, average: bool | None = None) -> Transformer:
    """The model of a training run as it was last saved, with its averaged weights or without.

    With None the average is taken where there is one and the run was cut short before its learning rate had settled. Raises
    ValueError where an average is asked for that the run did not keep.
    """
    model = make_model(recipe["model"], recipe["vocab_size"])
    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    if average and "average" not in state:
        raise ValueError(f"the run in {folder} kept no average of its weights")
    if average is None:
        average = "average" in state and decayed_part(recipe, state["counters"]) < SETTLED
    model.load_state_dict(last_weights(state, state["model"]) if average else state["model"])
    return model.eval()


def export_checkpoint(
    model: Transformer,
    tokenizer_file: Path,
    out: Path,
    *,
    name: str,
    dtype: torch.dtype = torch.bfloat16,
    temperature: float = 0.7,
    top_p: float = 0.95,
    penalty: float = 1.1,
) -> None:
    """Write the checkpoint into `out`, which is made where it does not exist; files of the same names are replaced.

    `temperature`, `top_p` and `penalty` (of repetition) are the sampling recommended in generation_config.json.
    Raises ValueError where model and tokenizer do not belong together.
    """
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    missing = [token for token in SPECIAL_TOKENS if tokenizer.token_to_id(token) is None]
    if missing or tokenizer.get_vocab_size() != model.config.vocab_size:
        size = tokenizer.get_vocab_size()
        raise ValueError(f"the tokenizer has {size} tokens, the model {model.config.vocab_size}; missing: {missing}")
    ids = {"bos": tokenizer.token_to_id(BOS), "end": tokenizer.token_to_id(END)}
    out.mkdir(parents=True, exist_ok=True)
    weights = out / "model.safetensors"
    save_file(checkpoint_tensors(model, dtype), weights, metadata={"format": "pt", "name": name})
    weights.chmod(0o644)  # safetensors makes it readable by its owner only
    shutil.copyfile(tokenizer_file, out / "tokenizer.json")
    write_json(out / "config.json", llama_config(model.config, name, dtype, ids))
    write_json(out / "tokenizer_config.json", tokenizer_config(model.config))
    sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p, "repetition_penalty": penalty}
    # Where another message or a new document begins, the answer is over as well; a small model sometimes forgets to end it.
    end_ids = [ids["end"], ids["bos"], *(tokenizer.token_to_id(mark) for mark in ROLE_TOKENS.values())]
    write_json(
        out / "generation_config.json",
        {"bos_token_id": ids["bos"], "eos_token_id": end_ids, "pad_token_id": ids["bos"]} | sampling,
    )
    (out / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def checkpoint_tensors(model: Transformer, dtype: torch.dtype) -> dict[str, Tensor]:
    """The weights under their names in Llama checkpoints, stacked matrices in their pieces again."""
    prefix = FAMILIES["llama"].prefix
    parameters = dict(model.named_parameters())
    tensors = {}
    for ours, parts in layout("llama", model).items():
        pieces = parameters[ours].detach().split([part.shape[0] for part in parts])
        for part, piece in zip(parts, pieces, strict=True):
            name = part.name if part.name.startswith("lm_head") else prefix + part.name
            tensors[name] = piece.to(dtype).clone()
    return tensors


def llama_config(config: ModelConfig, name: str, dtype: torch.dtype, ids: dict[str, int]) -> dict:
    """config.json of a model of this shape, in the terms of transformers 5 and, for the rotary base, of older readers."""
    return {
        "_name_or_path": name,
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.width,
        "intermediate_size": config.mlp_width,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_width,
        "hidden_act": "silu",
        "max_position_embeddings": config.context_tokens,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": config.tied_embeddings,
        "bos_token_id": ids["bos"],
        "eos_token_id": ids["end"],
        "pad_token_id": ids["bos"],
        "dtype": str(dtype).removeprefix("torch."),
    }


def tokenizer_config(config: ModelConfig) -> dict:
    """tokenizer_config.json: which tokens begin and end, and how much text the model can see."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": END,
        "pad_token": BOS,
        "model_max_length": config.context_tokens,
        "clean_up_tokenization_spaces": False,
    }


def write_json(path: Path, value: dict) -> None:
    """One JSON document, UTF-8, readable."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run, with its state.pt")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json the run was trained with")
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", required=True, help="what the model is called")
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_name("recipe.toml"), help="recipe of the run")
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--temperature", type=float, default=0.7, help="recommended to users of the model")
    parser.add_argument("--top-p", type=float, default=0.95, help="recommended to users of the model")
    parser.add_argument("--penalty", type=float, default=1.1, help="of repetition, recommended to users of the model; 1: none")
    parser.add_argument(
        "--average",
        action=argparse.BooleanOptionalAction,
        help="take the averaged weights, or the last; if not said, the average of a run that was cut short before its decay",
    )
    arguments = parser.parse_args()
    recipe = tomllib.loads(arguments.recipe.read_text(encoding="utf-8"))
    model = load_run(arguments.run, recipe, arguments.average)
    export_checkpoint(
        model,
        arguments.tokenizer,
        arguments.out,
        name=arguments.name,
        dtype=DTYPES[arguments.dtype],
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        penalty=arguments.penalty,
    )
    size = (arguments.out / "model.safetensors").stat().st_size
    print(f"{arguments.out}: {model.config.parameter_count:,} parameters, {size / 1e6:.1f} MB of weights")


if __name__ == "__main__":
    main()
