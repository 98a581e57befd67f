PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROGRAMS := promtool prometheus prometheus-alertmanager amtool initdb mariadb-install-db faketime strace iptables ip tc
PACKAGES := prometheus prometheus-alertmanager postgresql mariadb-server faketime strace iptables iproute2
GO_PROGRAMS := github.com/yannh/kubeconform/cmd/kubeconform@v0.6.7 sigs.k8s.io/kustomize/kustomize/v5@v5.6.0

.DEFAULT_GOAL := help
.PHONY: help demo test test-stack check lint generate goldens lock bench soak secrets programs clean
.PHONY: wheel sbom audit release-notes pin-images
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' exporter/__init__.py)

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: $(VENV)/runtime ## install and run a simulated company and its exporter, with Prometheus and Grafana if they are on PATH
	@$(BIN)/kpi-exporter demo $(ARGS)

test: $(VENV)/tests .venv-release/ready programs ## install and run all tests; COVER=1 also measures branch coverage
	@$(BIN)/pytest -n 2 --dist loadfile $(if $(COVER),--cov --cov-report=json:.coverage.json) $(ARGS)
	@$(if $(COVER),$(BIN)/python -m tests.branches .coverage.json)

test-stack: PROGRAMS += docker dockerd docker-compose debootstrap
test-stack: PACKAGES += docker.io docker-compose debootstrap
test-stack: $(VENV)/tests programs ## build the image, start the compose file in a Docker engine, and test it
	@$(BIN)/pytest -m stack --durations=8 tests/stack $(ARGS)

check: $(VENV)/tests ## check lint, types, imports, spelling and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/kpi-exporter check --config config/kpis.yaml --strict
	$(BIN)/kpi-exporter generate --config config/kpis.yaml --out dashboards/generated --check

generate: $(VENV)/runtime ## write dashboards, rules and provisioning of config/kpis.yaml, and what documents take from the code
	$(BIN)/kpi-exporter generate --config config/kpis.yaml --out dashboards/generated
	$(BIN)/kpi-exporter schema > config/kpis.schema.json
	$(BIN)/python -m tests.docs

goldens: $(VENV)/tests ## update the expected outputs of tests; review the diff before you commit
	UPDATE_GOLDENS=1 $(BIN)/pytest $(ARGS)

bench: $(VENV)/runtime .venv-peers/ready ## measure each budget next to its peer
	$(BIN)/python -m tests.bench $(ARGS)

soak: $(VENV)/tests ## run 30 minutes under faults with a real Prometheus; ARGS="--minutes 3" for less, --write for the docs
	@$(BIN)/python -m tests.soak $(ARGS)

wheel: .venv-release/ready ## build the wheel in dist/; the same commit gives the same bytes
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} .venv-release/bin/python -m hatchling build -t wheel -d dist

sbom: .venv-image/ready ## write what the image contains to dist/, in the CycloneDX format
	@mkdir -p dist; .venv-release/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
	  --output-file dist/kpi-exporter-$(VERSION).cdx.json .venv-image
	@python3 -m tests.release.bill dist/kpi-exporter-$(VERSION).cdx.json $(VERSION)

audit: .venv-release/ready ## look for known vulnerabilities in the dependencies; fails if it could not look
	@python3 -m tests.release.audit .venv-release/bin/pip-audit $(ARGS)

release-notes: ## print the section of the changelog for VERSION
	@python3 -m tests.release.notes $(VERSION)

pin-images: $(VENV)/runtime ## ask registries for the digests of all images, and pin them
	@$(BIN)/python -m tests.release.images $(ARGS)

secrets: ## create Grafana's admin password for the compose file, and restrict who can read secrets/
	@gid=$$(id -g); [ "$$gid" != 0 ] || gid=65532; umask 027; mkdir -p secrets/sources secrets/contacts; \
	test -s secrets/grafana_admin_password || \
	  head -c 24 /dev/urandom | base64 | tr -d '/+=\n' > secrets/grafana_admin_password; \
	chgrp -R "$$gid" secrets && chmod -R u=rwX,g=rX,o= secrets; \
	touch .env; { grep -v '^SECRETS_GID=' .env; echo "SECRETS_GID=$$gid"; } > .env.new; mv .env.new .env
	@echo "Grafana's admin password is in secrets/grafana_admin_password. Put your own into secrets/sources and secrets/contacts, and run this again."

lock: ## pin all dependencies again
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --all-extras pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" --all-extras --group test --group lint pyproject.toml \
	  -c requirements.lock -o requirements-tests.lock
	for group in build release; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --group $$group -c requirements-tests.lock -o requirements-$$group.lock; done

programs: ## install what tests need and the project does not bring, as far as that is possible
	@absent() { for p in $(PROGRAMS); do \
	  (PATH="$$PATH:/usr/sbin"; command -v $$p) >/dev/null || ls /usr/lib/postgresql/*/bin/$$p >/dev/null 2>&1 || echo $$p; done; }; \
	missing=$$(absent); \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing $(PACKAGES)"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES); } \
	    >.programs.log 2>&1 || { tail -5 .programs.log; }; \
	fi; \
	missing=$$(absent); \
	if [ -n "$$missing" ]; then echo "not on PATH:" $$missing "- tests that need them are skipped and listed at the end"; \
	  [ -z "$$CI" ] || exit 1; fi
	@for p in $(GO_PROGRAMS); do name=$${p##*/}; case $$p in */kustomize/*) name=kustomize;; *) name=$${name%@*};; esac; \
	  test -x $(BIN)/$$name || ! command -v go >/dev/null || { echo "building $$name"; \
	  GOBIN=$(abspath $(BIN)) GOTOOLCHAIN=local go install $$p >.programs.log 2>&1 || tail -5 .programs.log; }; \
	  test -x $(BIN)/$$name || unbuilt="$$unbuilt $$name"; done; \
	if [ -n "$$unbuilt" ]; then echo "not built:$$unbuilt (they need Go) - tests that need them are skipped and listed at the end"; \
	  [ -z "$$CI" ] || exit 1; fi

$(VENV)/runtime: requirements.lock requirements-build.lock pyproject.toml
	@echo "installing into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements.lock -r requirements-build.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-release/ready: requirements-release.lock requirements-build.lock
	@echo "installing the tools of a release"
	@test -x .venv-release/bin/python || $(PYTHON) -m venv .venv-release
	@.venv-release/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements-release.lock -r requirements-build.lock
	@touch $@

.venv-image/ready: .venv-release/ready requirements.lock pyproject.toml
	@echo "installing what the image contains"
	@rm -rf .venv-image && $(PYTHON) -m venv .venv-image
	@.venv-image/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@rm -rf .venv-image/wheel && .venv-release/bin/python -m hatchling build -t wheel -d .venv-image/wheel >/dev/null
	@.venv-image/bin/pip install --quiet --disable-pip-version-check --no-deps .venv-image/wheel/*.whl
	@.venv-image/bin/pip uninstall --quiet --yes pip setuptools
	@touch $@

$(VENV)/tests: $(VENV)/runtime requirements-tests.lock tests/deploy/schemas.txt
	@echo "installing the test tools"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-tests.lock
	@$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r tests/deploy/schemas.txt -d $(VENV)/schemas
	@touch $@

.venv-peers/ready: tests/bench/peers.txt
	@echo "installing the peers of the benchmarks into their own environment"
	@test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/pip install --quiet --disable-pip-version-check -r tests/bench/peers.txt
	@touch $@

clean: ## remove environments and caches
	rm -rf .venv .venv-* .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
