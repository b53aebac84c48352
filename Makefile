# SPDX-License-Identifier: MIT
# The daily face of the build. The build itself is meson.build; the steps are the scripts in tools/.
# Each target first installs the Debian packages that it needs and that are missing (tools/deps).

BUILD  ?= build
PREFIX ?= /usr/local
export DEPS

all: setup-build $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja: | setup-build
	meson setup $(BUILD) --prefix=$(PREFIX)

# Records a real build and shows where its time went.
demo: all
	@tools/demo $(BUILD)

# Every test; ends with one line: N passed, N failed, N skipped.
test: setup-test all
	@tools/test $(BUILD)

# The tests that need kernel functions, on Debian's 6.1 kernel under emulation. About a minute.
test-guest: setup-guest all
	@tools/test $(BUILD) --suite guest

# Virtual machines that record each other's requests, and dumps of others, under emulation. Minutes.
test-nightly: setup-nightly all
	@tests/nightly/two_hosts.py $(BUILD)/sonde
	@tests/nightly/three_hosts.py $(BUILD)/sonde
	@tests/nightly/crash.py $(BUILD)/sonde
	@tests/nightly/crash_kexec.py $(BUILD)/sonde
	@tests/nightly/crash_arm64.py $(BUILD)/sonde

# Everything that style asks for: both compilers, sanitizers, linters. Takes minutes.
check: setup-check all
	@tools/check

# Speed against the peers; the table goes to docs/benchmarks.md.
bench: setup-bench all
	@bench/run --sonde $(BUILD)/sonde

install: all
	$(if $(filter command line,$(origin PREFIX)),meson configure $(BUILD) -Dprefix=$(PREFIX))
	meson install -C $(BUILD)

# Installs every package that any target needs.
deps:
	@tools/setup build test guest nightly check bench

clean:
	rm -rf $(BUILD)

setup-build:
	@tools/setup build
setup-test: setup-guest
	@tools/setup build test
# Without the kernel these tests are skipped, and say why.
setup-guest:
	@tools/setup build guest
	-@[ "$(DEPS)" = no ] || tools/guest-kernel --fetch >/dev/null
setup-nightly: setup-guest
	@tools/setup build guest nightly
setup-check: setup-guest
	@tools/setup build test check
setup-bench:
	@tools/setup build bench

.PHONY: all demo test test-guest test-nightly check bench install deps clean
.PHONY: setup-build setup-test setup-guest setup-nightly setup-check setup-bench
