# SPDX-License-Identifier: BSD-3-Clause
# The thin front of meson. `make help` lists the targets.

BUILD ?= build
export BUILD

.PHONY: build run test fuzz bench install uninstall clean deps help
.DEFAULT_GOAL := build

build: ## build everything into build/
	@tests/lab/deps build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja -C $(BUILD)

run: ## serve in a lab of network namespaces, or on IFACE=eth1; ends after DURATION=n seconds
	@tests/lab/deps build lab stock
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja --quiet -C $(BUILD)
	@IFACE="$(IFACE)" DURATION="$(DURATION)" NTP_SERVERS="$(NTP_SERVERS)" tests/lab/run

test: ## run every test, or those of TIERS="unit abi sim bpf lint fuzz system vm"
	@tests/lab/deps build lab test stock
	@tests/run $(TIERS)

fuzz: ## run the fuzz targets, ten minutes each or FUZZ_SECONDS=n
	@tests/lab/deps build lab test
	@FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) tests/run fuzz

bench: ## run the benchmarks, half an hour; QUICK=1: one round; CASES="veth idle": some
	@tests/lab/deps build lab bench stock
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@ninja --quiet -C $(BUILD)
	@bench/run $(if $(QUICK),--quick) $(CASES)

install: build ## install (DESTDIR and meson's prefix apply)
	@meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || ldconfig

uninstall: ## remove what the last `make install` put there; config and state stay
	@ninja --quiet -C $(BUILD) uninstall
	@[ -n "$(DESTDIR)" ] || ldconfig

clean: ## remove the build directories and the unpacked stock programs
	@rm -rf build build-asan build-clang build-fuzz

deps: ## install and unpack everything that the other targets need
	@tests/lab/deps build lab test bench stock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18
