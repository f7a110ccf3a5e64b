# What one does with this repository. `make help` lists it.

SOURCE ?=
BUF = .tools/node_modules/.bin/buf
BUF_VERSION = 1.75.0

.PHONY: help setup build demo up test soak bench-svn bench-cvs bench-bzr bench-hg bench-queue bench-registry lint fmt fuzz deny clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: PostgreSQL, git, a C linker (apt, on Debian)
	@scripts/setup

build: setup ## Build all programs
	cargo build --workspace --locked

demo: build ## Import a real repository on this machine and show the result (SOURCE=URL for another)
	@scripts/demo "$(SOURCE)"

up: build ## PostgreSQL, registry, queue and worker on this machine, until Ctrl-C
	target/debug/codeimport up

# --all-targets: with the features that tests ask of dependencies, so that `cargo test` builds nothing a second time.
test: setup $(BUF) ## All tests, against a real PostgreSQL and real foreign tools
	cargo build --workspace --all-targets --locked
	target/debug/with-postgres cargo test --workspace --locked

SOAK_ARGS ?=
soak: ## Kill, stop and cut off workers, queue and PostgreSQL for ten minutes, and prove that no lease broke (SOAK_ARGS='--seconds 60')
	@scripts/setup
	cargo build --release --locked -p codeimport-queue -p codeimport-integration-tests --bin codeimport-queue --bin soak
	target/release/soak $(SOAK_ARGS)

BENCH_ARGS ?=
bench-svn: ## Measure Subversion conversion beside git svn, over svn:// and http:// (BENCH_ARGS='--json FILE')
	@scripts/setup
	cargo run --release --locked -p codeimport-convert --example bench-svn -- $(BENCH_ARGS)

bench-cvs: ## Measure CVS conversion beside git cvsimport and cvs-fast-export (BENCH_ARGS='--repository FOLDER' of ,v files)
	@scripts/setup
	cargo run --release --locked -p codeimport-convert --example bench-cvs -- $(BENCH_ARGS)

bench-bzr: ## Measure Bazaar conversion beside brz push --lossy and brz fast-export (BENCH_ARGS='--branch FOLDER')
	@scripts/setup
	cargo run --release --locked -p codeimport-convert --example bench-bzr -- $(BENCH_ARGS)

bench-hg: ## Measure Mercurial conversion beside git-remote-hg and hg-git (BENCH_ARGS='--repository FOLDER')
	@scripts/setup
	cargo run --release --locked -p codeimport-convert --example bench-hg -- $(BENCH_ARGS)

# A workspace of its own, so that what its peers depend on stays out of the product's.
bench-queue: ## Measure the queue over gRPC beside other queues (BENCH_ARGS='--only batch,unary', or --full for an hour)
	@scripts/setup
	cargo build --release --locked -p codeimport-queue --bin codeimport-queue
	cargo run --release --locked --manifest-path bench/queue/Cargo.toml --target-dir target -- $(BENCH_ARGS)

bench-registry: ## Measure a scan of 1,000,000 commits beside a bare COPY, 100,000 definitions, pages at depth (BENCH_ARGS='--commits 100000')
	@scripts/setup
	cargo build --release --locked -p codeimport-registry -p codeimport-cli
	cargo run --release --locked --manifest-path bench/registry/Cargo.toml --target-dir target -- $(BENCH_ARGS)

lint: $(BUF) ## Formatting, clippy, and the contract's own rules
	cargo fmt --all --check
	for bench in bench/*/Cargo.toml; do cargo fmt --manifest-path $$bench --check || exit 1; done
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd proto && ../$(BUF) lint && ../$(BUF) format --diff --exit-code

fmt: $(BUF) ## Format everything
	cargo fmt --all
	cd proto && ../$(BUF) format -w

FUZZ_SECONDS ?= 60
fuzz: ## Throw bytes at the parsers for a while (FUZZ_SECONDS each; needs a nightly compiler)
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	cd crates/codeimport-convert && for target in svn_dump svndiff svn_replay svn_dav_replay cvs_rcs cvs_rlog cvs_server hg_bundle hg_texts bzr_stream bzr_answer; do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -rss_limit_mb=1024 || exit 1; done

deny: ## Licences, sources and the architecture's bans on dependencies
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --offline check bans licenses sources

clean: ## Remove everything that was built, and the demo's data
	cargo clean
	rm -rf .demo .tools

# buf comes as an npm package with its binary inside; an install script is not needed.
$(BUF):
	@scripts/setup npm
	@mkdir -p .tools && printf '{"private":true}\n' > .tools/package.json
	cd .tools && npm install --no-fund --no-audit --ignore-scripts @bufbuild/buf@$(BUF_VERSION)
