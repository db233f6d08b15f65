# One command per chore; `make help` lists them.
.PHONY: help run test test-embedded fuzz bench openapi check fmt

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

fuzz: ## generated calls of every route, from the OpenAPI document (MAX_EXAMPLES=10, SEED=1)
	@tests/fuzz.sh

openapi: ## write docs/openapi.json from the code
	@cargo run --quiet -p placet-tests --bin openapi

bench: ## how soon an answer reaches its waiters, and what a channel's size costs, on the release build
	@cargo run --quiet --release -p placet-tests --bin bench

check: ## formatting, lints and documentation, as CI checks them
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

fmt: ## format the code
	cargo fmt --all
