"""The pages that are made from the code. `python -m scripts.docs` writes them, `--check` compares."""
