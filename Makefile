# Everything a fresh clone needs. Each target prepares what it lacks and does nothing twice.
#   make demo [ARGS="--validators 4"]   a network on this machine and the trading page at port 8080
#   make test                           every test there is
#   make bench [BENCHES="consensus"]    the published figures, as JSON
#   make book                           the documentation as pages, in target/book/html
#   make lint, make page, make clean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := demo
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
CLOCKLESS := $(TARGET)/release/clockless
NEXTEST := 0.9.143
CCXT := 4.5.90
NAUTILUS := 1.231.0
SCHEMATHESIS := 4.32.5
MDBOOK := 0.5.4
BENCHES ?= consensus pricing
CHROMIUM ?= /usr/bin/chromium
AARCH64 := aarch64-unknown-linux-musl
VENV := tests/e2e/.venv
# The newest Python that runs: nautilus_trader needs 3.12 or later, ccxt takes any.
PYTHON = $(shell for it in python3.14 python3.13 python3.12 $$HOME/.pyenv/versions/3.1[2-4].*/bin/python3; do $$it -c 'import ensurepip, venv' 2>/dev/null \
	&& echo $$it && exit; done; echo python3)
NODE_PACKAGES := web/node_modules/.package-lock.json
PAGE := web/dist/index.html
PAGE_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) web/index.html web/package-lock.json \
	web/vite.config.ts web/svelte.config.js web/tsconfig.json
HAS_NODE := $(shell command -v npm)
E2E := $(wildcard tests/e2e/test_*.py)

say = @printf '\n== %s\n' "$(1)"
# What apt needs to never ask, and a message for those who may not use it.
install = if [ "$$(id -u)" = 0 ]; then \
	DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) </dev/null; \
	else echo "missing: $(1). Install it, or run make as root." >&2; exit 1; fi

# What pages of the book link to beside other pages.
BOOK_SOURCES := docs ARCHITECTURE.md GLOSSARY.md ops crates/gateway/api web/src/verify
.PHONY: demo test bench lint page book clean \
	test-rust test-fuzz test-aarch64 test-web test-end-to-end need-nextest need-lab need-postgres need-chromium need-mdbook

demo: page
	$(call say,building clockless)
	cargo build --release --package clockless
	$(CLOCKLESS) demo $(ARGS)

bench: page
	$(call say,building clockless)
	cargo build --release --package clockless
	for bench in $(BENCHES); do printf '\n== bench %s\n' $$bench; $(CLOCKLESS) bench $$bench --json $(ARGS); done

# The page. Without Node the binary is built with a note in its place.
ifeq ($(HAS_NODE),)
page:
	@echo "no Node: the trading page is left out"
else
page: $(PAGE)
endif

$(PAGE): $(PAGE_SOURCES) $(NODE_PACKAGES)
	$(call say,building the trading page)
	cd web && npm run build </dev/null
	@touch $@

$(NODE_PACKAGES): web/package-lock.json
	$(call say,installing the page's packages)
	cd web && npm ci --no-audit --no-fund </dev/null
	@touch $@

# Links lead out of docs, so the book is made of a copy in which they stay inside; then every link is followed.
book: need-mdbook
	$(call say,the book)
	rm -rf target/book
	mkdir -p target/book/src
	cp -r --parents $(BOOK_SOURCES) target/book/src
	sed -e 's|](|](docs/|' -e '/book\/architecture.md/a - [The code map](ARCHITECTURE.md)\n- [Words](GLOSSARY.md)' \
		docs/SUMMARY.md > target/book/src/SUMMARY.md
	mdbook build
	echo '<meta http-equiv="refresh" content="0; url=docs/book/index.html">' > target/book/html/index.html
	cargo xtask links target/book/html

test: test-rust test-fuzz test-aarch64 test-web test-end-to-end
	$(call say,all tests passed)

test-rust: page need-nextest need-lab need-postgres
	$(call say,Rust tests)
	cargo nextest run --workspace --profile ci
	$(call say,documentation tests)
	cargo test --workspace --doc --quiet

# Seeds, cut and changed ones, and what was found before, through every target; libFuzzer itself is not needed. A workspace
# of its own with the versions of this one: what is built for one is built for the other where their features agree.
test-fuzz:
	$(call say,targets of the fuzzers)
	CARGO_TARGET_DIR=$(abspath $(TARGET)) cargo test --locked --quiet --manifest-path fuzz/Cargo.toml

# The hashes of pricing on another architecture, under an emulator. Where there is none this says so and passes.
test-aarch64:
	$(call say,golden hashes of pricing on aarch64)
	@emulator=$$(command -v qemu-aarch64-static || command -v qemu-aarch64) \
		|| { echo "skipped: no qemu-aarch64 (Debian: qemu-user-static)"; exit 0; }; \
	rustup target list --installed 2>/dev/null | grep -qx $(AARCH64) || rustup target add $(AARCH64) \
		|| { echo "skipped: no Rust target $(AARCH64)"; exit 0; }; \
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld \
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER="$$emulator" \
	cargo test --package clockless-pricing --target $(AARCH64) --test golden -- --skip _slow

test-web: $(NODE_PACKAGES) $(PAGE) need-chromium
	$(call say,unit tests of the page)
	cd web && npm test </dev/null
	$(call say,browser tests of the page)
	cd web && CHROMIUM=$(CHROMIUM) npm run e2e </dev/null

# Real clients against a real network. Building the tests builds the binary, and shares all of it with them.
test-end-to-end: page
ifneq ($(E2E),)
test-end-to-end: $(VENV)/ready
	$(call say,end-to-end tests)
	cargo test --workspace --no-run --quiet
	for test in $(E2E); do echo "-- $$test"; \
		CLOCKLESS=$(abspath $(TARGET))/debug/clockless $(VENV)/bin/python $$test </dev/null; done
endif

need-nextest:
	@cargo nextest --version >/dev/null 2>&1 || { echo "== installing cargo-nextest $(NEXTEST)"; \
		cargo install --locked cargo-nextest --version $(NEXTEST); }

# What tests of clocks and networks use; they say so and skip where it cannot be had.
need-lab:
	@{ [ -e /usr/lib/$$(uname -m)-linux-gnu/faketime ] && command -v nft && command -v ip; } >/dev/null || [ "$$(id -u)" != 0 ] \
		|| { echo "== installing faketime, nftables and iproute2"; $(call install,faketime nftables iproute2) || true; }

# What the history is tested against; that test says so and passes where it cannot be had.
need-postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || [ "$$(id -u)" != 0 ] \
		|| { echo "== installing PostgreSQL"; $(call install,postgresql) || true; }

need-mdbook:
	@[ "$$(mdbook --version 2>/dev/null)" = "mdbook v$(MDBOOK)" ] || { echo "== installing mdbook $(MDBOOK)"; \
		cargo install --locked mdbook --version $(MDBOOK); } \
		|| { echo "mdbook $(MDBOOK) cannot be had: the book is not made; its pages can be read in docs/" >&2; exit 1; }

need-chromium:
	@[ -x "$(CHROMIUM)" ] || { echo "== installing Chromium"; $(call install,chromium); }

$(VENV)/ready: Makefile
	$(call say,installing ccxt $(CCXT))
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { $(call install,python3-venv); }
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check ccxt==$(CCXT)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --only-binary=:all: nautilus_trader==$(NAUTILUS) \
		|| echo "nautilus_trader $(NAUTILUS) cannot be had for this Python: its test will be skipped"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check schemathesis==$(SCHEMATHESIS) \
		|| echo "schemathesis $(SCHEMATHESIS) cannot be had: its test will be skipped"
	@touch $@

lint: $(NODE_PACKAGES)
	$(call say,format)
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	$(call say,lints)
	cargo clippy --workspace --all-targets -- -D warnings
	$(call say,lints of the page)
	cd web && npm run lint </dev/null

clean:
	cargo clean
	rm -rf web/dist web/node_modules web/test-results $(VENV) demo-data
