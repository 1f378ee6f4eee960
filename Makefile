# SPDX-License-Identifier: MIT
#
# Each target is a line or two over CMake. 'make help' lists them.

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
GENERATOR ?= $(shell command -v ninja >/dev/null && echo Ninja || \
  echo Unix Makefiles)

compile = cmake --build $(BUILD) -j $(JOBS) --target
# One more than there are cores: tests that drive processes wait for most of
# their time, for timers, disks and each other.
run_tests = ctest --test-dir $(BUILD) -j $$(($(JOBS) + 1)) --output-on-failure

.PHONY: all setup configure test test-quick test-full sanitize check format
.PHONY: demo bench npm install dist clean distclean help

all: configure ## build the command, the libraries and the engine
	@$(compile) all

setup: ## install what building needs (done by every target; says what, asks)
	@tools/setup

configure: setup
	@test -f $(BUILD)/build.ninja || test -f $(BUILD)/Makefile || \
	  cmake -S . -B $(BUILD) -G "$(GENERATOR)" $(OPTIONS)

demo: all ## kill a durable program again and again, and see it finish
	@tools/demo --torpor $(BUILD)/torpor

test: all ## every test but the full tier, long ones first
	@$(compile) tests
	@$(run_tests) -LE full

test-quick: all ## the quick tests only
	@$(compile) tests
	@$(run_tests) -L quick

test-full: all ## every test, with long simulations
	@$(compile) tests
	@$(run_tests)

sanitize: all ## the tests under address and undefined-behaviour sanitizers
	@$(compile) tests
	@$(run_tests) -L sanitize

check: setup ## format, arrows, links, licence lines
	@tools/check

format: setup ## rewrite the C, TypeScript and JavaScript as check-format wants
	@tools/check-format --fix

bench: all ## side by side with named peers
	@bench/run $(BUILD)

npm: configure ## the npm package: build/npm/torpor-vm-VERSION.tgz
	@$(compile) npm

install: all ## into PREFIX (/usr/local), under DESTDIR if set
	@cmake --install $(BUILD) --prefix $(PREFIX)

dist: configure ## a source release that needs a C compiler and CMake only
	@$(compile) dist

clean: ## remove what was built, keep what was fetched
	@test ! -f $(BUILD)/CMakeCache.txt || cmake --build $(BUILD) --target clean

distclean: ## remove the build folder
	@rm -rf $(BUILD)

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | \
	  while read -r name text; do \
	    printf '  make %-12s %s\n' "$$name" "$$text"; \
	  done
