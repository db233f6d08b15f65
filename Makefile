# One command per chore; `make help` lists them.
.PHONY: help run test test-embedded test-sam test-browser screenshots soak fuzz bench bench-cold figures openapi check lint-template fmt build deploy owner outputs destroy cost

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: ## start placet-serverless on this machine (ARGS="--port 8080" passes options on)
	@command -v cargo >/dev/null || { echo "make run needs Rust: install it from https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "make run needs a C compiler (Debian: apt-get install gcc; macOS: xcode-select --install)" >&2; exit 1; }
	@cargo build -p placet-local && exec cargo run --quiet -p placet-local -- $(ARGS)

test: ## all tests, against LocalStack
	@tests/run.sh localstack

test-embedded: ## all tests, on the embedded engines: the inner loop
	@tests/run.sh embedded

test-sam: ## all tests, through the gateway of the deployed template on an emulator
	@tests/sam.sh

test-browser: ## the pages, in a real Chromium, with what axe-core finds on them
	@tests/browser.sh

screenshots: ## pictures of every page, desktop and phone, light and dark, in tests/browser/screenshots
	@tests/browser.sh screenshots

soak: ## whether one caller can stop the others: create, answer and webhook of one under five loads of another
	@$(fast) cargo build --quiet --workspace --release --bin soak --bin placet-local
	@timeout 900 $(target)/release/soak

fuzz: ## generated calls of every route, from the OpenAPI document (MAX_EXAMPLES=10, SEED=1)
	@tests/fuzz.sh

openapi: ## write docs/openapi.json from the code
	@cargo run --quiet -p test-support --bin openapi

bench: build ## measure everything that docs/PERFORMANCE.md says, and write it (PARTS="decisions approvals")
	@$(in_venv) cargo-lambda lambda build --quiet --release --output-format zip $(lambda_target) -p hello
	@$(fast) cargo build --quiet --workspace --release --bin bench --bin placet-local
	@ulimit -n 8192; $(target)/release/bench $(PARTS)
	@python3 infra/scaling.py

bench-cold: ## of that, how large each function's zip is and how soon it starts, beside a bare one
	@$(MAKE) bench PARTS=functions

figures: ## write what each route costs in calls and units, without a clock, into docs/PERFORMANCE.md
	@cargo build --quiet --workspace --bin bench
	@$(target)/debug/bench costs

check: ## formatting, lints and documentation, as CI checks them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	python3 infra/cost.py --check
	python3 infra/scaling.py --check

lint-template: .venv-sam ## lint infra/template.yaml, as SAM and as CloudFormation
	$(in_venv) SAM_CLI_TELEMETRY=0 sam validate --lint --region us-east-1
	$(in_venv) cfn-lint infra/template.yaml

build: .venv-sam ## zips of all functions in target/lambda (ARCHITECTURE=arm64; x86_64 unless told)
	$(in_venv) cargo-lambda lambda build --release --output-format zip $(lambda_target) $(functions)

deploy: .venv-sam ## build and deploy to AWS; the first time it asks (STACK=placet, ARCHITECTURE=arm64)
	@$(stack) deploy $(if $(ARCHITECTURE),--architecture $(ARCHITECTURE))

owner: .needs-email .venv-sam ## the first owner of the deployed stack, or a new password for a known address (EMAIL=you@example.com)
	@$(stack) owner "$(EMAIL)"

outputs: .venv-sam ## the deployed stack's URL and the names of what it is made of
	@$(stack) outputs

destroy: .venv-sam ## delete the deployed stack, after asking; its data stays (unless WITH_DATA=yes, which asks again)
	@$(stack) destroy $(if $(filter yes,$(WITH_DATA)),--with-data)

cost: ## write the tables of docs/COST.md and docs/SCALING.md
	@python3 infra/cost.py
	@python3 infra/scaling.py

fmt: ## format the code
	cargo fmt --all

.PHONY: .needs-email
.needs-email:
	@[ -n "$(EMAIL)" ] || { echo "make owner needs an address: make owner EMAIL=you@example.com" >&2; exit 1; }

# What the deploy commands need, from infra/requirements.txt; made anew when that changed.
.PHONY: .venv-sam
.venv-sam:
	@infra/venv.sh $@ infra/requirements.txt

target = $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
# The local runner is no zip: optimised for speed, not for size; not linked as one, which takes
# minutes; and with names for profilers.
fast = CARGO_PROFILE_RELEASE_OPT_LEVEL=3 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
  CARGO_PROFILE_RELEASE_STRIP=none
in_venv = PATH="$(CURDIR)/.venv-sam/bin:$$PATH"
stack = .venv-sam/bin/python infra/stack.py $(if $(STACK),--stack $(STACK))
functions = $(patsubst functions/%/Cargo.toml,-p %,$(wildcard functions/*/Cargo.toml))
lambda_target = $(if $(filter arm64,$(ARCHITECTURE)),--arm64,$(if $(filter-out x86_64,$(ARCHITECTURE)),$(error ARCHITECTURE is x86_64 or arm64),--x86-64))
