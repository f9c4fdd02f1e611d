# The two commands that matter: `make run` and `make test`. `make help` lists the rest.
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEV    := $(VENV)/.installed-dev
SIZE   ?= 120x40

.DEFAULT_GOAL := help
.PHONY: help run demo test coverage soak test-fast check format lint types imports bench bench-batch screenshots docs snapshots build clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(VENV)/bin/python:
	sh scripts/make-venv.sh $(VENV)

$(STAMP): pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m compileall -q flux_tui $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') >/dev/null 2>&1 || true
	@touch $@

$(DEV): $(STAMP)
	$(BIN)/python scripts/dev_requirements.py | xargs $(BIN)/python -m pip install --quiet --disable-pip-version-check
	@touch $@

run: $(STAMP)  ## start Flux TUI; with no key it starts on the built-in simulator
	@$(BIN)/flux-tui $(ARGS)

demo: $(STAMP)  ## start on the simulator, keys or not
	@$(BIN)/flux-tui --demo $(ARGS)

test: $(DEV)  ## run all tests
	$(BIN)/python -m pytest -n 2 $(ARGS)

coverage: $(DEV)  ## the core is covered wholly
	$(BIN)/python -m coverage run -m pytest tests/core --hypothesis-seed=0
	$(BIN)/python -m coverage report --include='flux_tui/core/*' --fail-under=100

soak: $(DEV)  ## the conversion tests, about a hundred times longer
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest tests/conversion --timeout 0 $(ARGS)

test-fast: $(DEV)  ## run the tests that take no time
	$(BIN)/python -m pytest -n 2 -m "not slow and not terminal" $(ARGS)

check: $(DEV) lint types imports coverage test  ## everything that is checked before a change lands

format: $(DEV)  ## put the code in its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/pyright

imports: $(DEV)
	$(BIN)/lint-imports

bench: $(DEV)  ## measure conversion, start, streaming, echo and memory beside others
	$(BIN)/python -m bench.conversion
	$(BIN)/python -m bench $(ARGS)

bench-batch: $(DEV)  ## 2,000 prompts through two vendors' batches, killed and resumed
	$(BIN)/python -m bench.batch $(ARGS)

screenshots: $(DEV)  ## make the pictures in screenshots/ anew
	$(BIN)/python -m screenshots $(ARGS)

docs: $(DEV)  ## make the tables of the manual anew from the code
	$(BIN)/python -m scripts.switch_matrix

snapshots: $(DEV)  ## accept the present looks as the reference of the snapshot tests
	$(BIN)/python -m pytest tests/snapshots --snapshot-update

build: $(DEV)  ## make the wheel and the source distribution in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove what was made
	rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
