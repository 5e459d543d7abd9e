# make demo · make test · make lint · make bench · make docs: each sets itself up in .venv and is quick when run again.
# make exhaustive · make neon · make sanitize: look at the compiled kernel harder than a test has time for.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint format bench docs exhaustive neon sanitize clean

demo: .venv/train
	$(BIN)/logloss demo

test: .venv/dev .venv/browser
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/dev
	$(BIN)/python -m benchmarks

docs: .venv/dev
	$(BIN)/sphinx-build --quiet --fail-on-warning -b html docs docs/_build
	@echo "docs/_build/index.html"

# Every float32 logit, in a few minutes. STEP=1009 looks at every 1009th, in a second.
BOUNDS := from tests.tolerances import BOUNDS; \
	print(*(BOUNDS["plain " + quantity, "float32"].ulp for quantity in ("loss", "gradient")))

exhaustive: build/checks/built
	@build/checks/exhaustive $$($(BIN)/python -c '$(BOUNDS)') $(STEP)

build/checks/built: .venv/dev $(wildcard native/checks/*)
	@$(BIN)/cmake -S . -B build/checks -DLOGLOSS_CHECKS=ON >/dev/null
	@$(BIN)/cmake --build build/checks --parallel 2 >/dev/null
	@touch $@

# The NEON kernel beside AVX2 and AVX-512, to the bit.
neon: build/checks/built
	@sh scripts/check_neon.sh $(BIN)/cmake

# The compiled code where a byte read or written beside an array, or undefined behaviour, ends the run. An environment of
# its own holds it, beside the packages of .venv. Capturing more would swallow what the sanitizers say as they stop.
SANITIZED := build/sanitized
# Beside the sanitizer's library the one that throws, which it has to find at the start.
UNDER := LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so.6)" ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc
SITE := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'

sanitize: $(SANITIZED)/built
	$(UNDER) LOGLOSS_EXAMPLES=1000 $(SANITIZED)/bin/python -m pytest -p no:cacheprovider --capture=sys \
		tests/test_layouts.py tests/test_kernel.py tests/test_edges.py tests/test_truth.py tests/test_tally.py

$(SANITIZED)/built: .venv/dev
	@echo "Building with the sanitizers (a minute or two)"
	@rm -rf $(SANITIZED)
	@$(BIN)/python -m venv --without-pip $(SANITIZED)
	@$(BIN)/python $(SITE) >$$($(SANITIZED)/bin/python $(SITE))/development.pth
	@$(INSTALL) --no-deps --target $$($(SANITIZED)/bin/python $(SITE)) . \
		-C build-dir=build/sanitized-objects -C cmake.build-type=Debug -C install.strip=false \
		-C 'cmake.define.CMAKE_CXX_FLAGS_DEBUG=-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined'
	@touch $@

clean:
	rm -rf .venv build docs/_build

# Each stamp is newer than what it was made from, so an unchanged .venv is used as it is.
PACKAGE := pyproject.toml constraints.txt CMakeLists.txt $(wildcard native/*.?pp)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "logloss needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Say make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/train: .venv/bin/python $(PACKAGE)
	@echo "Setting up .venv (a minute or two, once)"
	$(INSTALL) -e '.[train]'
	@touch $@

.venv/dev: .venv/bin/python $(PACKAGE)
	@echo "Setting up .venv with the development tools (two or three minutes, once)"
	LOGLOSS_JAX=1 $(INSTALL) -e '.[dev]'
	@touch $@ .venv/train

# The report is looked at in a real browser.
.venv/browser: .venv/dev
	@sh scripts/install_browser.sh $(BIN)/python
	@touch $@
