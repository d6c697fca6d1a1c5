# Every target does its own set-up; README.md names `make demo`, `make test` and `make test-asterisk16`.

VENV := .venv
BIN := $(VENV)/bin
SOURCES := config daemon api cli tests bench
# What loads a core goes through one of the workers. One that hangs ends the run.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --max-worker-restart 0

.PHONY: demo test test-asterisk16 check bench lock clean docker image image16

test: check image
	$(PYTEST)

# What runs on the PBX, on the oldest Asterisk that is supported
test-asterisk16: $(VENV)/installed image image16
	ASTERISK=16 $(PYTEST) tests/pbx

demo: $(VENV)/installed image
	$(BIN)/python -m tests.pbx.demo $(if $(ONCE),--once)

check: $(VENV)/installed
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

bench: $(VENV)/installed image
	$(BIN)/python -m bench

image: docker
	tests/pbx/build-image 22

image16: docker
	tests/pbx/build-image 16

docker:
	tests/pbx/ensure-docker

$(VENV)/installed: requirements-dev.lock pyproject.toml
	@tests/make-venv $(VENV)
	$(BIN)/python -m pip install --quiet --use-pep517 --require-hashes \
	  -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The locks are made anew with the newest versions that pyproject.toml allows.
lock:
	python3 -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet uv
	for group in "" "--group dev"; do \
	  $(VENV)-lock/bin/uv pip compile pyproject.toml $$group --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-header --upgrade --quiet \
	    -o requirements$${group:+-dev}.lock || exit 1; \
	done
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
