# Thin over the CMake presets; `make help` names the targets.

CMAKE ?= cmake
PORT ?= 8080
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := all
.PHONY: all help run test test-long unit conformance asan tsan fuzz bench rooms steps micro lint format install clean \
	build-unit build-asan build-fuzz

all: ## the gateway: build/krakend (release, LTO, hardened)
	@command -v $(CMAKE) >/dev/null && command -v ninja >/dev/null || \
		{ echo "cmake or ninja is missing: scripts/setup build installs what the build needs" >&2; exit 1; }
	$(CMAKE) --preset release -S . >build/.configure.log 2>&1 || { cat build/.configure.log >&2; exit 1; }
	$(CMAKE) --build build/release --target krakend
	@ln -sfn release/krakend build/krakend

all build-unit build-asan build-fuzz tsan micro: | build
build:
	@mkdir -p build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' Makefile | expand -t 22

run: ## install what is missing, build, start on examples/quickstart/krakend.json; PORT=8090 moves it
	@scripts/setup run
	@$(MAKE) --no-print-directory all
	@scripts/quickstart $(PORT)

test: all build-unit build-asan build-fuzz ## units, conformance, smoke fuzzing, sanitizers; under half an hour
	@tests/run

test-long: all build-unit build-asan build-fuzz ## the same with ten minutes a fuzzer and streams of 10 GB
	@tests/run --long

unit: build-unit ## unit tests only
	@tests/run unit

conformance: all ## the recorded cases only, with the list of those that wait
	@tests/run --list conformance

build-unit:
	$(CMAKE) --preset unit -S . >build/.configure-unit.log 2>&1 || { cat build/.configure-unit.log >&2; exit 1; }
	$(CMAKE) --build build/unit

build-asan:
	$(CMAKE) --preset asan -S . >build/.configure-asan.log 2>&1 || { cat build/.configure-asan.log >&2; exit 1; }
	$(CMAKE) --build build/asan

build-fuzz:
	$(CMAKE) --preset fuzz -S . >build/.configure-fuzz.log 2>&1 || { cat build/.configure-fuzz.log >&2; exit 1; }
	$(CMAKE) --build build/fuzz

asan: build-asan ## units and conformance with ASan and UBSan
	@tests/run asan

tsan: ## units with TSan
	$(CMAKE) --preset tsan -S . >build/.configure-tsan.log 2>&1 || { cat build/.configure-tsan.log >&2; exit 1; }
	$(CMAKE) --build build/tsan
	@tests/run tsan

fuzz: build-fuzz ## every fuzzer for ten minutes
	@tests/run --long fuzz

bench: all ## figures beside nginx and haproxy, written to docs/performance.md
	@tests/bench/run.py

rooms: all ## CPU of the modules, each against the same endpoint without it, written to docs/performance.md
	@tests/bench/rooms.py --write

steps: all ## instructions per request of single steps, written to docs/performance.md; fails over budget
	@tests/bench/steps.py --write --check

micro: ## timings of single steps: build/release/micro/*
	$(CMAKE) --preset release -S . >build/.configure.log 2>&1 || { cat build/.configure.log >&2; exit 1; }
	$(CMAKE) --build build/release --target micro

lint: ## format, include direction, rooms complete, sizes
	@scripts/lint

format: ## bring src/ and tests/ into the format that lint wants
	@scripts/lint --fix

install: all ## install under PREFIX (default /usr/local)
	install -D -m 755 -s build/release/krakend $(DESTDIR)$(PREFIX)/bin/krakend
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/bin/krakend|$(PREFIX)/bin/krakend|' packaging/krakend.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/krakend.service

clean: ## remove build/
	rm -rf build
