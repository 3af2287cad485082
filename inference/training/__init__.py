"""How the bundled model was made: tokenizer, data, training loop, evaluation. The application never imports this."""
