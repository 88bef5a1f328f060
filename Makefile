# SPDX-License-Identifier: GPL-2.0-or-later
# The front door. What happens is in scripts/.

KERNELS := base x86 debug kcsan vm-kasan no-policies uml kasan

.PHONY: help demo check check-debug check-build bench stress series lint clean $(KERNELS)

help:
	@echo 'ioascg: charge each pinned page once per cgroup'
	@echo
	@echo '  make demo         QEMU with two devices, three times, in a VM: the main job'
	@echo '  make check        all tests (make check-debug: with lockdep & co)'
	@echo '  make check-build  compiles what the VM cannot run, for other machines too'
	@echo '  make bench        the benchmarks, to build/bench.json'
	@echo '  make stress       15 minutes of random pins through all sites, on build/debug'
	@echo '                    (MINUTES=, SEED=, KERNEL=)'
	@echo '  make lint         style of the code and the scripts'
	@echo '  make series       the change as patches to mail, in build/series'
	@echo
	@echo '  make base x86     the kernels of the VM: unpatched, patched'
	@echo '  make uml kasan    User Mode Linux; the same with KASAN and lockdep'
	@echo '  make debug kcsan  the patched VM kernel with lockdep and kmemleak; with KCSAN'
	@echo '  make vm-kasan     the same as debug, with KASAN'
	@echo '  make no-policies  the patched VM kernel without the hooks for BPF'
	@echo '  make clean        removes build/; caches stay in'
	@echo '                    $${IOASCG_CACHE:-$${XDG_CACHE_HOME:-~/.cache}/ioascg}'

demo check bench stress series lint:
	@scripts/$@.sh

check-debug:
	@scripts/check.sh --debug

check-build:
	@scripts/check.sh --build

$(KERNELS):
	@scripts/kernel.sh $@

clean:
	rm -rf build
