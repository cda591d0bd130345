.DEFAULT_GOAL := help
.PHONY: help run test fuzz bench power-cuts fmt image reference-image boot boot-tests clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Play: the service with a private MPD, MQTT broker and sample library
	@ci/demo

test: ## Check everything: format, lints, licences, unit, end-to-end and browser tests
	@ci/test

fuzz: ## Fuzz every parser of outside input, half a minute each
	@ci/fuzz

bench: ## Measure side by side with devices in Python and write docs/performance.md
	@ci/bench/run

power-cuts: ## Cut the power at N=500 writes of an update (SEED=1): nothing may brick and no data be lost
	@ci/power-cuts/run all --cuts $(or $(N),500) --seed $(or $(SEED),1) --report

fmt: ## Format the Rust and Python code
	@ci/format

image: ## Build a board's image from source with Yocto: MACHINE=raspberrypi4-64 (hours, unless mirrors have most of it)
	@ci/yocto/build

reference-image: ## Build the image that is tested, from Debian packages and the layer's files (a quarter of an hour, as root)
	@ci/image/build

boot: reference-image ## Boot the reference image under QEMU: the page on localhost, sound into a file
	@ci/image/boot

boot-tests: reference-image ## Boot it and go through the checklist: root, sound, updates good and bad, factory reset
	@ci/boot-tests/run

clean: ## Remove everything that was built
	@cargo clean --manifest-path amora-service/Cargo.toml
	@rm -rf build
