# make setup      make the environment in .venv (uv where it is installed, else pip)
# make demo       train, export, verify and predict on embedded data, offline
# make test       lint and tests; make test-all adds the slow tests
# make lint       ruff, formatting, import contracts and types
# make coverage   the tests, with the share of lines and branches that they run
# make docs       build the documentation site into site/
# make image, tabular, forecast, words, sentences, recommend, generate, segment      the default recipe of a task
# make train RECIPE=my.toml [ARGS="--set train.epochs=3"]
# make release-check           wheel and sdist in fresh environments of every supported Python
# make conversion-matrix       every builder in every precision: docs/conversion.md
# make bench TABLE=image/digits, make bench-all      measure the figures of docs/results.md again

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m applied_dl
STAMP := $(VENV)/.installed
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: setup demo test test-all lint coverage docs image forecast tabular words sentences recommend generate segment train bench bench-all conversion-matrix release-check clean help
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile

$(STAMP): pyproject.toml
	@echo "installing TensorFlow and the tools of development into $(VENV): some minutes"
	@if command -v uv >/dev/null 2>&1; then \
	  { test -x $(BIN)/python || uv venv -q --python $(PYTHON) $(VENV); } && uv pip install -q --compile-bytecode --python $(BIN)/python -e ".[train,dev]"; \
	else \
	  { test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV); } && $(BIN)/pip install -q -e ".[train,dev]"; \
	fi
	@touch $@

setup: $(STAMP)

demo: $(STAMP)
	$(RUN) train pipelines/digits.toml --overwrite
	$(RUN) check saved_models/digits
	$(RUN) predict saved_models/digits docs/images/digit_3.png docs/images/digit_7.png --top 3

image: $(STAMP)
	$(RUN) train pipelines/digits.toml --overwrite
forecast tabular words sentences recommend generate segment: $(STAMP)
	$(RUN) train pipelines/$@.toml --overwrite
train: $(STAMP)
	$(RUN) train $(RECIPE) $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check applied_dl tests benchmarks
	$(BIN)/ruff format --check applied_dl tests benchmarks
	$(BIN)/lint-imports
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
test-all: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m ""

coverage: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term:skip-covered

$(VENV)/.docs: $(STAMP)
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python -e ".[docs]"; else $(BIN)/pip install -q -e ".[docs]"; fi
	@touch $@
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(STAMP)
	$(BIN)/python -m benchmarks.$(subst /,.,$(TABLE))
	$(BIN)/python -m benchmarks.table
bench-all: $(STAMP)
	for script in $(filter-out %/common.py %/cases.py,$(wildcard benchmarks/*/*.py)); do \
	  module=$$(echo $${script%.py} | tr / .); $(BIN)/python -m $$module || echo "$$module failed" >&2; \
	done
	$(BIN)/python -m benchmarks.table

conversion-matrix: $(STAMP)
	$(BIN)/python -m benchmarks.export.conversion_matrix

release-check: $(STAMP)
	$(BIN)/python -m tests.release_check

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache .mypy_cache .coverage site
