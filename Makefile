# Every target sets up what it needs in an own .venv; a machine needs Python >= 3.11, make and git.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: run chat test check lint format faults bench lock clean

run: .venv/ready  ## the bot with its web chat, on the embedded database
	@$(BIN)/posbot serve

chat: .venv/ready  ## talk to the bot in the terminal
	@$(BIN)/posbot chat

test: .venv/ready-dev  ## all tests, two files side by side
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: lint test  ## everything that must hold before a commit

lint: .venv/ready-dev  ## format, style, types, layers, knowledge
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/posbot kb check

format: .venv/ready-dev  ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

faults: .venv/ready-dev  ## the long form of the fault tests: kills by the dozen, thousands of messages (minutes)
	POSBOT_FAULTS=long $(BIN)/python -m pytest tests/faults $(addprefix tests/telegram/test_,kills.py fuzz.py forum_fuzz.py trouble.py) -p no:cacheprovider --timeout 3600

bench: .venv/ready-bench  ## speed, memory and quality beside the alternatives; PART=understanding or PART=delivery for a part
	$(BIN)/python -m tests.bench $(PART) $(if $(FILE),--messages $(FILE))

lock: .venv/ready-dev  ## renew the locked versions
	$(PIP) install uv
	$(BIN)/uv pip compile $(LOCK) --extra build -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra build --extra dev -o requirements-dev.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra build --extra dev --extra bench -o requirements-bench.txt pyproject.toml
LOCK := --upgrade --universal --generate-hashes --no-emit-index-url --no-header --quiet

clean:  ## forget the environment and all caches
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: requirements.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/posbot kb learn >/dev/null || true  # the first message need not wait; a broken knowledge base is reported when it is used
	@touch $@

.venv/ready-%: requirements-%.txt .venv/ready
	$(PIP) install --require-hashes -r $<
	@touch $@
