# make wintemp   make the environment and run the main job
# make test      make the environment and pass the tests
# make reference write docs/spl and docs/apps.md from the code
# make truth     hold the built-in apps against real events and their field lists
# make appinspect  Splunk's own checks over the built-in apps
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin

# Compiled modules halve the start-up; images for containers often forbid to write them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: env wintemp test lint types layers bench reference truth appinspect clean

env: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[server,splunk]" --group dev \
		--constraint constraints.txt
	$(BIN)/python -m compileall -q harness tests
	@touch $@

wintemp: env
	$(BIN)/harness run wintemp

test: env
	$(BIN)/python -m pytest -n 2

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

layers: env
	$(BIN)/lint-imports

bench: env
	$(BIN)/python benchmarks/run.py

truth: env
	$(BIN)/python tests/truth/measure.py

reference: env
	$(BIN)/python docs/generate_reference.py
	$(BIN)/python docs/generate_apps_reference.py

appinspect: $(VENV)-appinspect/bin/splunk-appinspect
	$(PYTHON) .ci/appinspect $< harness/builtin

# Its dependencies are old and pinned, so it has an environment of its own.
$(VENV)-appinspect/bin/splunk-appinspect:
	$(PYTHON) -m venv $(VENV)-appinspect
	$(VENV)-appinspect/bin/python -m pip install --quiet --disable-pip-version-check \
		splunk-appinspect==4.3.1

clean:
	rm -rf $(VENV) $(VENV)-appinspect .tox .pytest_cache .mypy_cache .ruff_cache build dist
