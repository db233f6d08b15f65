# One command per chore; `make help` lists them.
.PHONY: help run test test-embedded test-sam test-deploy smoke test-protocols test-browser test-clients screenshots soak fuzz bench bench-cold route-costs openapi compatibility check supply-chain sbom notice check-arm64 lint-template fmt build cli deploy owner migrate restore export import redrive rotate outputs destroy cost

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: ## run placet-serverless on this machine (ARGS="--port 8080" passes options)
	@command -v cargo >/dev/null || { echo "make run needs Rust: install it from https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "make run needs a C compiler (Debian: apt-get install gcc; macOS: xcode-select --install)" >&2; exit 1; }
	@cargo build -p placet-local && exec cargo run --quiet -p placet-local -- $(ARGS)

test: ## run all tests on LocalStack
	@tests/run.sh localstack

test-embedded: ## run all tests on the embedded engines, which is fastest
	@tests/run.sh embedded

test-sam: ## deploy the template to an emulator and run the tests through its gateway
	@tests/sam.sh

test-deploy: .venv-sam ## test the deploy commands on an emulator
	@infra/venv.sh .venv-ministack tests/sam/requirements.txt
	@.venv-sam/bin/python tests/deploy/test_stack.py

smoke: .venv-sam ## deploy to your AWS account, use everything, delete it: an hour, less than $1 (ARGS=--emulator: the same on MiniStack)
	@infra/venv.sh .venv-ministack tests/sam/requirements.txt
	@infra/venv.sh .venv tests/clients/requirements.txt
	@.venv-sam/bin/python tests/smoke/smoke.py $(ARGS)

test-protocols: ## test /mcp and hooks with the official MCP clients and Claude Code
	@tests/protocols.sh

test-browser: ## test the pages in Chromium, including accessibility with axe-core
	@tests/browser.sh

test-clients: ## test the packages in clients/ and the examples, as they are installed
	@tests/packages.sh

screenshots: ## write a screenshot of every page, theme and size to tests/browser/screenshots
	@tests/browser.sh screenshots

soak: ## measure the latency of one caller under five loads of another; run 1,000 races of each kind, and 200 rounds of notifications
	@$(fast) cargo build --quiet --workspace --release --bin soak --bin placet-local
	@timeout 900 $(target)/release/soak
	@ulimit -n 8192; PLACET_TEST_ENGINE=embedded PLACET_TEST_RACES=1000 PLACET_TEST_ROUNDS=200 cargo test --quiet -p placet-tests --test http -- races:: reviews::history consume::of_32 notifications::surfaces notifications::one_outcome --show-output

fuzz: ## test every route with generated requests (MAX_EXAMPLES=10, SEED=1)
	@tests/fuzz.sh

openapi: ## generate docs/openapi.json from the code
	@cargo run --quiet -p test-support --bin openapi

compatibility: ## make the calls of Placet's clients and write their table to docs/COMPATIBILITY.md
	@cargo build --quiet --workspace
	@PLACET_WRITE_DOCS=1 PLACET_TEST_ENGINE=embedded cargo test --quiet -p placet-tests --test http -- compatibility::every

bench: build ## run the benchmarks and write docs/PERFORMANCE.md (PARTS="decisions approvals")
	@$(in_venv) cargo-lambda lambda build --quiet --release --output-format zip $(lambda_target) -p hello
	@$(fast) cargo build --quiet --workspace --release --bin bench --bin placet-local
	@ulimit -n 8192; $(target)/release/bench $(PARTS)

side-by-side: ## measure the local runner and Restate with the same load (downloads Restate)
	@$(fast) cargo build --quiet --workspace --release --bin placet-local
	@BIN=$(abspath $(target)/release/placet-local) bench/side_by_side/ours/run.sh --starts 1 --pending 1000
	@bench/side_by_side/restate/run.sh --starts 1 --pending 1000

bench-cold: ## measure only the size and cold start of each function
	@$(MAKE) bench PARTS=functions

route-costs: ## write the DynamoDB calls and capacity units of each route to docs/PERFORMANCE.md
	@cargo build --quiet --workspace --bin bench
	@$(target)/debug/bench costs

check: ## check formatting, lints, rustdoc and the cost tables, as CI does
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	python3 infra/cost.py --check
	python3 infra/scaling.py --check

supply-chain: ## check advisories, licences and sources of the dependencies; offline only licences and sources
	@python3 tests/supply_chain.py
	@infra/supply_chain.sh

sbom: ## write target/sbom.cdx.json: what the shipped programs are built of, as CycloneDX
	@python3 infra/supply_chain.py sbom target/sbom.cdx.json

notice: ## write target/NOTICE: the licences of what the shipped programs are built of
	@python3 infra/supply_chain.py notice target/NOTICE

lint-template: .venv-sam ## lint the templates with the SAM CLI, cfn-lint and checkov (infra/checkov.yaml)
	@infra/venv.sh .venv-checkov infra/checkov-requirements.txt
	$(in_venv) SAM_CLI_TELEMETRY=0 sam validate --lint --region us-east-1
	$(in_venv) cfn-lint $(templates)
	.venv-checkov/bin/checkov --file $(templates) --framework cloudformation --config-file infra/checkov.yaml --skip-download --compact --quiet

check-arm64: .venv-sam ## build the functions for arm64, if its Rust target is installed
	@if rustup target list --installed 2>/dev/null | grep aarch64-unknown-linux-gnu >/dev/null; then $(MAKE) build ARCHITECTURE=arm64; \
	  else echo "arm64 was not checked: rustup target add aarch64-unknown-linux-gnu"; fi

build: .venv-sam ## build the zips of all functions in target/lambda (ARCHITECTURE=arm64; default x86_64)
	$(in_venv) cargo-lambda lambda build --release --output-format zip $(lambda_target) $(functions)

cli: ## build target/cli/placet, the command of agents and scripts: on Linux a static program
	@$(if $(filter Linux,$(shell uname)),RUSTFLAGS="-C target-feature=+crt-static") \
	  cargo build --quiet --release -p placet --target $(host) --target-dir $(target)/static
	@mkdir -p $(target)/cli && cp $(target)/static/$(host)/release/placet $(target)/cli/placet

deploy: .venv-sam ## build and deploy to AWS (STACK=placet, ARCHITECTURE=arm64, PLUGINS=directory, PARAMETERS="Key=value", TAGS="key=value", YES=1 to ask nothing)
	@$(stack) deploy $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE)) $(if $(PLUGINS),--plugins "$(PLUGINS)") $(if $(YES),--yes) $(TAGS:%=--tag %) $(PARAMETERS)

owner: .needs-email .venv-sam ## create the owner of a stack, or reset a password (EMAIL=you@example.com)
	@$(stack) owner "$(EMAIL)"

migrate: .venv-sam ## bring the stored items of a stack to the current schema version, page by page
	@$(stack) migrate

restore: .venv-sam ## restore a stack's table to a point in time, without losing its URL (TO=2026-11-24T09:00:00Z, YES=1)
	@$(stack) restore $(if $(TO),--to $(TO)) $(if $(TABLE),--table $(TABLE)) $(if $(YES),--yes)

export: .needs-folder .venv-sam ## copy all that a stack stores into a folder (FOLDER=backup)
	@$(stack) export "$(abspath $(FOLDER))"

import: .needs-folder .venv-sam ## copy all of an export into a new stack (FOLDER=backup)
	@$(stack) import "$(abspath $(FOLDER))"

redrive: .venv-sam ## process a stack's failed stream records again, once their cause is fixed
	@$(stack) redrive

rotate: .venv-sam ## replace a stack's secret (REVOKE=1: what the previous ones signed becomes invalid)
	@$(stack) rotate $(if $(REVOKE),--revoke)

outputs: .venv-sam ## show a stack's URL and resource names
	@$(stack) outputs

destroy: .venv-sam ## delete a stack after a confirmation; its data is kept unless WITH_DATA=yes
	@$(stack) destroy $(if $(filter yes,$(WITH_DATA)),--with-data)

cost: ## compute the tables of docs/COST.md and docs/SCALING.md
	@python3 infra/cost.py
	@python3 infra/scaling.py

fmt: ## format the code
	cargo fmt --all

.PHONY: .needs-email
.needs-email:
	@[ -n "$(EMAIL)" ] || { echo "make owner needs an address: make owner EMAIL=you@example.com" >&2; exit 1; }

.PHONY: .needs-folder
.needs-folder:
	@[ -n "$(FOLDER)" ] || { echo "a folder is missing: FOLDER=backup" >&2; exit 1; }

# The tools of the deploy commands. Recreated when infra/requirements.txt changes.
.PHONY: .venv-sam
.venv-sam:
	@infra/venv.sh $@ infra/requirements.txt

target = $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# The local runner is optimised for speed instead of size, without link-time optimisation, which takes
# minutes, and with symbols for profilers.
fast = CARGO_PROFILE_RELEASE_OPT_LEVEL=3 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
  CARGO_PROFILE_RELEASE_STRIP=none
# A target that is named keeps the flags of a static program away from build scripts.
host = $(shell rustc -vV | sed -n 's/^host: //p')
in_venv = PATH="$(CURDIR)/.venv-sam/bin:$$PATH"
stack = .venv-sam/bin/python infra/stack.py $(if $(STACK),--stack $(STACK))
functions = $(patsubst functions/%/Cargo.toml,-p %,$(wildcard functions/*/Cargo.toml))
templates = infra/template.yaml infra/front.yaml infra/pipeline.yaml
lambda_target = $(if $(filter arm64,$(ARCHITECTURE)),--arm64,$(if $(filter-out x86_64,$(ARCHITECTURE)),$(error ARCHITECTURE is x86_64 or arm64),--x86-64))
