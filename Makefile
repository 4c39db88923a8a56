# What people and CI run. `make` alone says what there is; `make demo` and `make test` set up what they need.
.DEFAULT_GOAL := help
.PHONY: help setup demo train-demo test test-fast check format bench docs dist dist-env gpu-bundle clean

BIN := .venv/bin
PACKAGES := schemas filters pipeline jobs vlm demo
# Spark starts the Java of JAVA_HOME: the one that setup found, even where another version stands first on PATH.
JAVA := export JAVA_HOME="$$(setup/java.sh home)";
ARGS ?=

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup:  ## virtual environment, pinned packages, compiler, Java 17 or 21: whatever is missing
	@setup/environment.sh
	@setup/machine.sh java

demo: setup  ## write a small crawl, run recipes/tiny.toml on it, say what came out (about two minutes)
	@$(JAVA) $(BIN)/weft demo $(ARGS)

train-demo: setup  ## train a small vision-language model on generated pages, on the CPU (some minutes)
	@$(BIN)/weft train-demo $(ARGS)

test: setup  ## all tests that this machine can run; the rest is shown as skipped (ARGS="-k name" for some)
	@$(JAVA) $(BIN)/python -m pytest --junitxml=build/tests.xml $(ARGS)

test-fast: setup  ## tests without Spark, training and long runs (a minute and a half)
	@WEFT_EXAMPLES=25 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not spark and not slow and not train and not gpu and not network" $(ARGS)

check: setup  ## what CI checks besides the tests: style, types, imports, spelling, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $$(git ls-files)
	$(BIN)/python -m jobs.docs --check

format: setup  ## bring the code into the form that `make check` asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## measure speed and memory, peers in the same run
	@$(JAVA) $(BIN)/python benchmarks/run.py $(ARGS)

docs: setup  ## write the pages that are generated from schemas, flow and reasons
	@$(BIN)/python -m jobs.docs

dist: setup  ## dist/weft-code.tar.gz (code for executors) and the wheel
	@$(BIN)/python -m jobs.dist dist/weft-code.tar.gz
	@$(BIN)/python -m hatchling build --target wheel --directory dist

dist-env: setup  ## dist/weft-env.tar.gz: code and all packages for executors (EXTRAS=images,safety leaves torch out)
	@setup/pack.sh $(EXTRAS)

gpu-bundle: setup  ## dist/gpu-bundle: wheels and shards for a GPU machine without a network
	@$(BIN)/python benchmarks/loader/gpu_bundle.py dist/gpu-bundle

clean:  ## remove what was built; .venv and out/ stay
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache spark-warehouse
	find $(PACKAGES) tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
