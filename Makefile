# Needs Python 3.11 or newer with its venv module, git, and make. Everything is installed in this folder.
.DEFAULT_GOAL := build
.PHONY: build report test test-duckdb test-long test-malformed test-kills test-engines test-engines-long test-pipelines lint docs notebook diagrams bench bench-heartbeats bench-backlog bench-ledger bench-watch kafka broker warehouses emulators engines flink airflow lock clean help
# passed on unchanged: make must not expand a $ in a value, as in PostHog's properties.$device_id
ifdef EVENTS
override EVENTS := $(value EVENTS)
endif
ifdef VARS
override VARS := $(value VARS)
endif
export EVENTS VARS

PYTHON ?= python3
FLINK_PYTHON ?= python3.11
VENV = .venv/bin
INSTALL = $(VENV)/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes
DUCKDB ?= 2.0.1
REFRESH = $(if $(FULL_REFRESH),--full-refresh)

build: .venv/.core ## build everything and print the four answers (EVENTS=files VARS='{...}' FULL_REFRESH=1)
	@$(VENV)/dwell build $(REFRESH)
	@$(VENV)/dwell answers

report: .venv/.report ## write the answers and their charts as one page, report.html (after make)
	@$(VENV)/dwell report

test: .venv/.test ## run the test suite; it skips tests that need more than is installed, and prints what installs it
	@echo "== pytest: every test of tests/python except loading, three files at a time; about 20 minutes on two cores"
	@$(VENV)/python -m pytest -m "not long" -n 3 --dist loadfile --ignore tests/python/warehouses/test_load.py
	@echo "== not run here: the DAG and the loading of warehouses (make test-pipelines), other engines (make test-engines)"

test-long: .venv/.test ## run the arrival-order tests with ten times as many histories (40 minutes)
	@DWELL_EXAMPLES=10 $(VENV)/python -m pytest tests/python/incremental/test_arrival_order.py tests/python/incremental/test_watch_arrival_order.py

test-duckdb: .venv-duckdb-$(DUCKDB)/.installed ## run the test suite on another DuckDB (DUCKDB=2.0.1 or 1.5.6; TESTS=tests/python/sessions/test_sample.py for some tests)
	@echo "== pytest: the test suite on DuckDB $(DUCKDB), for which there are no extensions to install"
	@.venv-duckdb-$(DUCKDB)/bin/python -m pytest -m "not long" -n 3 --dist loadfile --ignore tests/python/warehouses/test_load.py $(TESTS)

test-malformed: .venv/.test ## test malformed input, with every wrong setting and each file by itself (an hour; DWELL_SEEDS=3)
	@$(VENV)/python -m pytest tests/python/ingest/test_malformed.py

test-kills: .venv/.test ## kill dwell listen and its broker 100 times, and compare with the true streams (30 minutes; needs Java and Maven)
	@DWELL_REQUIRE=all $(VENV)/python -m pytest -s -m long tests/python/streaming/test_listener.py

test-engines: engines emulators ## run the models on every engine, and compare (needs Java 17, Maven, PostgreSQL; ENGINES='not spark')
	@echo "== pytest: the same rows on every engine"
	@DWELL_REQUIRE=all .venv-engines/bin/python -m pytest -v -m "not long" --durations 20 tests/engines $(if $(ENGINES),-k "$(ENGINES)")

test-engines-long: engines emulators ## run the engine tests that take minutes, or resemble others
	@DWELL_REQUIRE=all .venv-engines/bin/python -m pytest -v -m long tests/engines $(if $(ENGINES),-k "$(ENGINES)")

test-pipelines: .venv/.test airflow warehouses emulators ## test the Airflow DAG and the loading of warehouses (8 minutes; needs Java, Maven, PostgreSQL)
	@echo "== pytest: the DAG under a real scheduler, and the loading of warehouses"
	@DWELL_REQUIRE=all $(VENV)/python -m pytest -s -v tests/airflow tests/python/warehouses/test_load.py

lint: .venv/.test ## check Python, SQL, YAML, prose, and the conventions of the models (dbt-bouncer.yml)
	@echo "== ruff, mypy, codespell, yamllint, mdformat, sqlfluff, dbt-bouncer, descriptions"
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@git ls-files -z | xargs -0 $(VENV)/codespell
	@git ls-files -z '*.yml' '*.yaml' | xargs -0 $(VENV)/yamllint --strict
	@$(VENV)/mdformat --check --number --compact-tables docs/adr docs/tutorials
	@$(VENV)/sqlfluff lint models tests/singular analyses
	@$(VENV)/dbt --quiet parse --target-path target/lint
	@output=$$($(VENV)/dbt-bouncer run --show-all-failures 2>&1) || { echo "$$output"; exit 1; }
	@$(VENV)/python -m pytest -q tests/python/docs/test_descriptions.py

docs: .venv/.core ## write the documentation as one file, target/static_index.html
	@vars=$$($(VENV)/dwell vars) && $(VENV)/dbt docs generate --static --vars "$$vars"
	@$(VENV)/dwell docs
	@echo "open target/static_index.html"

notebook: .venv/.notebook ## run notebooks/your_own_events.ipynb on the sample, and store its output
	@$(VENV)/python notebooks/run.py

diagrams: ## redraw docs/architecture/*.svg from the *.dot files (needs Graphviz)
	@command -v dot >/dev/null || { \
	  echo "make diagrams needs Graphviz, and Arial or a font as wide (Debian: apt install graphviz fonts-liberation;"; \
	  echo "macOS: brew install graphviz). The pictures are in docs/architecture; only redrawing them needs it."; exit 1; }
	@for source in docs/architecture/*.dot; do \
	  dot -Tsvg $$source -o $${source%.dot}.svg || exit 1; done

bench: .venv/.bench ## measure against hand-written SQL and Polars (ROWS=10000000)
	@$(VENV)/python bench/run.py $(or $(ROWS),1000000)

bench-heartbeats: .venv/.bench ## the same for watch streams, from landing files (ROWS=5000000)
	@$(VENV)/python bench/heartbeats.py $(or $(ROWS),5000000)

bench-backlog: .venv/.bench ## measure memory and time of a backlog that is loaded in bounded steps (ROWS=10000000)
	@$(VENV)/python bench/backlog.py $(or $(ROWS),10000000)

bench-ledger: .venv/.kafka ## measure the cost of a step of dwell listen with a large ledger
	@$(VENV)/python bench/ledger.py

bench-watch: .venv/.kafka ## measure dwell listen, from a broker to ended streams (needs Java 17 and Maven; HEARTBEATS=3000000)
	@test -d .kafka/libs || kafka/broker.sh jars
	@$(VENV)/python bench/listen.py $(HEARTBEATS)

kafka: .venv/.kafka ## install what ingest, listen, and simulate --topic need in addition to dbt

broker: ## run a Kafka broker on this machine, until interrupted (needs Java 17 and Maven)
	@test -d .kafka/libs || kafka/broker.sh jars
	@kafka/broker.sh run

warehouses: .venv/.warehouses ## install the warehouses' clients, which load needs in addition to dbt

emulators: .venv-bqemulator/.installed .venv-fakesnow/.installed ## install the emulators of BigQuery and Snowflake for tests (1 GB)

flink: .venv-flink/.flink .flink/jars ## install Flink (844 MB) into .venv-flink, for flink/ and its tests (needs Java 17 and Maven)

engines: .venv-engines/.installed .spark/jars ## install dbt for every engine (1.5 GB) into .venv-engines, for tests/engines (needs Java 17 and Maven)

airflow: .venv-airflow/.installed .venv/.kafka ## install Airflow (324 MB) into .venv-airflow, for the DAG in airflow/, and list the models for it
	@$(VENV)/dbt --quiet parse --target-path target/airflow

lock: ## pin all packages again in requirements/ (needs uv)
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group install -o requirements/core.txt
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group kafka -o requirements/kafka.txt
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group report -o requirements/report.txt
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group test -o requirements/test.txt
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group notebook -c requirements/test.txt -o requirements/notebook.txt
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group warehouses -c requirements/test.txt -o requirements/warehouses.txt
	for emulator in bqemulator fakesnow; do uv pip compile -q requirements/$$emulator.in --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" -o requirements/$$emulator.txt; done
	uv pip compile -q pyproject.toml --universal --generate-hashes --custom-compile-command "make lock" --group bench -o requirements/bench.txt
	uv pip compile -q airflow/requirements.in --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" -o requirements/airflow.txt
	for duckdb in 1.5.6 2.0.1; do echo "duckdb==$$duckdb" | uv pip compile -q --universal --generate-hashes --no-annotate --custom-compile-command "make lock" - -o requirements/duckdb-$$duckdb.txt; done
	uv pip compile -q flink/requirements.in --python-version 3.11 --generate-hashes --custom-compile-command "make lock" -o requirements/flink.txt
	uv pip compile -q engines/requirements.in --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" -o requirements/engines.txt

clean: ## remove what make has created, except for the database
	rm -rf .venv .venv-duckdb-* .venv-airflow .venv-flink .flink .venv-engines .spark .venv-bqemulator .venv-fakesnow .kafka .airflow .*.duckdb.build target logs

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' Makefile

.venv/.%: requirements/%.txt
	@$(PYTHON) -c 'import ensurepip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null || { \
	  echo "dwell needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv);"; \
	  echo "name another one: make PYTHON=python3.12"; exit 1; }
	@echo "== installing $*: the packages of $<, into .venv"
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(INSTALL) -r $<
	@$(VENV)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv-flink/.flink: requirements/flink.txt
	@$(FLINK_PYTHON) -c 'import sys; assert sys.version_info[:2] == (3, 11)' 2>/dev/null || { \
	  echo "Flink's packages are pinned for Python 3.11; name one: make flink FLINK_PYTHON=/path/to/python3.11"; exit 1; }
	@echo "== installing Flink: the packages of $<, into .venv-flink; about a minute"
	@$(FLINK_PYTHON) -m venv .venv-flink
	@.venv-flink/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $<
	@touch $@

.venv-duckdb-%/.installed: requirements/test.txt requirements/duckdb-%.txt
	@echo "== installing DuckDB $*, and the packages of requirements/test.txt, into .venv-duckdb-$*"
	@$(PYTHON) -m venv .venv-duckdb-$*
	@for list in $^; do \
	  .venv-duckdb-$*/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $$list || exit 1; done
	@.venv-duckdb-$*/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv-%/.installed: requirements/%.txt
	@echo "== installing $*: the packages of $<, into .venv-$*"
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes -r $<
	@touch $@

.flink/jars: flink/pom.xml flink/jars.sha256
	@flink/jars.sh
	@touch $@

.spark/jars: engines/spark/pom.xml engines/spark/jars.sha256
	@engines/spark/jars.sh
	@touch $@
