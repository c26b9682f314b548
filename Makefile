# klog needs GNU make 4.3, a C11 compiler and the libraries that
# `tests/deps build` names; `make demo` and `make check` install them on
# Debian.  A new .c file in libklog/ or cmd/ needs no line here.
#
#	make			bin/klog-*, build/libklog.a
#	make demo		build, and a guided tour on this machine's own logs
#	make check		the tests; TESTS=tests/produce.bats for some of them
#	make check-asan		the same against tools with ASan and UBSan
#	make check-fault	kills, full disks, failing disks and power cuts
#	make check-fuzz		a million mutated inputs to all that decodes;
#				FUZZ_RUNS=10 for ten times as many
#	make check-kafka	both ways with an Apache Kafka, which is fetched
#	make check-mutants	one rule less each time, and the test that fails
#	make lint bench install uninstall clean
#
# CC, CFLAGS, CPPFLAGS and LDFLAGS are yours; B is another build directory,
# V=1 shows the commands, LTO=1 optimizes across files, WERROR=1 is strict.

PREFIX = /usr/local
bindir = $(PREFIX)/bin
libdir = $(PREFIX)/lib
includedir = $(PREFIX)/include
datadir = $(PREFIX)/share
mandir = $(datadir)/man
bashdir = $(datadir)/bash-completion/completions
zshdir = $(datadir)/zsh/site-functions
fishdir = $(datadir)/fish/vendor_completions.d
docdir = $(datadir)/doc/klog
systemunitdir = $(PREFIX)/lib/systemd/system
userunitdir = $(PREFIX)/lib/systemd/user

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wpedantic -Wformat \
	-Werror=format-security
INSTALL = install
B = build
BIN = $(if $(filter build,$B),bin,$B/bin)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

TOOLS = $(patsubst cmd/%.c,$(BIN)/%,$(wildcard cmd/klog-*.c))
LIB_OBJS = $(patsubst %.c,$B/%.o,$(wildcard libklog/*.c))
CMD_OBJS = $(patsubst %.c,$B/%.o,$(filter-out cmd/klog-%.c,$(wildcard cmd/*.c)))
UNITS = $(patsubst %.c,$B/%,$(wildcard tests/unit/test_*.c))
TEST_TOOLS = $(patsubst %.c,$B/%,$(wildcard tests/tools/*.c))
# These use the library, and are made as it is.
WITH_LIB = $B/tests/fault/grow $B/tests/fault/group-sweep \
	$B/tests/tools/group-owner
BENCHES = $(patsubst %.c,$B/%,$(wildcard tests/bench/*.c))
# lib*.c are loaded into the tools under test, the others run beside them.
FAULT_LIBS = $(patsubst %.c,$B/%.so,$(wildcard tests/fault/lib*.c))
FAULTS = $(FAULT_LIBS) $(patsubst %.c,$B/%,\
	$(filter-out tests/fault/lib%,$(wildcard tests/fault/*.c)))

# Their main is libFuzzer's with FUZZ=1, else that of tests/fuzz/replay.c.
FUZZERS = $(patsubst %.c,$B/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SHARED = $(patsubst %.c,$B/%.o,\
	$(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c)))

.PHONY: all units benches faults fuzzers
all: $(TOOLS) $B/libklog.a ; @:
units: $(UNITS) $(TEST_TOOLS) $(FUZZERS) $B/unit.bats ; @:
benches: $(BENCHES) ; @:
faults: $(FAULTS) ; @:
fuzzers: $(FUZZERS) ; @:

# ---- how it is compiled ---------------------------------------------------

# Each of these is used where the compiler knows it; $B/flags.mk remembers.
# A message cut to its buffer is meant, hence -Wno-format-truncation.
TRY_CFLAGS = -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -mbranch-protection=standard \
	-ftrivial-auto-var-init=zero -fzero-init-padding-bits=all \
	-fstrict-flex-arrays=3 -fno-strict-overflow \
	-fno-delete-null-pointer-checks -Wtrampolines -Wbidi-chars=any \
	-Wno-format-truncation

# Linked from their archives where those are installed: the loader then makes
# half as many system calls before main.  ISA-L has none in Debian.  LZ4's may
# need xxHash's, and one that lacks something else is not used.
ARCHIVES = yaml lz4 zstd jansson
SHARED = isal

ifdef SANITIZE
SAN_FLAGS = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
else
# Without its own optimization the C library warns about FORTIFY.
FORTIFY = $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif
ifdef LTO
LTO_FLAGS = -flto=auto -ffat-lto-objects
AR = gcc-ar
endif
ifdef WERROR
STRICT = -Werror
endif

KLOG_CFLAGS = -std=c11 -pthread $(WARNINGS) $(STRICT) $(PROBED) $(SAN_FLAGS) \
	$(LTO_FLAGS)
KLOG_CPPFLAGS = -D_GNU_SOURCE -I. $(FORTIFY)
KLOG_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack \
	-Wl,-z,separate-code -Wl,--as-needed $(SAN_FLAGS) $(LTO_FLAGS)

COMPILE = $(CC) $(KLOG_CPPFLAGS) $(CPPFLAGS) $(KLOG_CFLAGS) $(CFLAGS) -MMD -MP
LINK = $(CC) $(KLOG_CFLAGS) $(CFLAGS) $(KLOG_LDFLAGS) $(LDFLAGS)

# Everything is made again when it would be made differently.
MADE_WITH := $(COMPILE) | $(LINK)

# These install what is missing, then call make again: until then there may
# be no compiler to ask.
OUTER = demo check check-asan check-fault check-fuzz check-kafka check-mutants \
	bench lint deps clean uninstall
ifneq ($(filter-out $(OUTER),$(or $(MAKECMDGOALS),all)),)
ifneq ($(file <$B/made-with),$(MADE_WITH))
$(shell mkdir -p $B)
$(file >$B/made-with,$(MADE_WITH))
endif
include $B/flags.mk
endif

$B/flags.mk: $B/made-with Makefile
	@command -v $(firstword $(CC)) >/dev/null || { \
		echo "make: no $(CC) here; 'make deps' installs what klog" \
			"needs to be built" >&2; exit 1; }
	@{ printf 'PROBED ='; \
	for f in $(TRY_CFLAGS); do \
		$(CC) -Werror $$f -x c -fsyntax-only /dev/null 2>/dev/null && \
			printf ' %s' "$$f"; \
	done; \
	printf '\nLIBS ='; \
	x=$$($(CC) -print-file-name=libxxhash.a); [ -e "$$x" ] || x=; \
	for l in $(ARCHIVES); do \
		a=$$($(CC) -print-file-name=lib$$l.a); \
		echo 'int main(void) { return 0; }' | $(CC) -x c - -x none \
			-o $B/probe -pthread -Wl,--whole-archive "$$a" \
			-Wl,--no-whole-archive $$x 2>/dev/null || a=-l$$l; \
		printf ' %s' "$$a"; \
	done; \
	printf ' %s\n' "$$x"; } >$@
	@rm -f $B/probe

ifdef V
say =
else
say = @printf '  %-5s %s\n' $(1) $(2);
endif

$B/%.o: %.c $B/flags.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)$(COMPILE) -c -o $@ $<

$B/libklog.a: $(LIB_OBJS)
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

# What the tools share; each takes from it what it uses.
$B/cmd.a: $(CMD_OBJS)
	$(call say,AR,$@)rm -f $@; $(AR) rcs $@ $^

link = $(LINK) -o $@ $(filter %.o %.a,$^) $(LIBS) $(SHARED:%=-l%)

$(BIN)/klog-%: $B/cmd/klog-%.o $B/cmd.a $B/libklog.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(link)

$(UNITS): %: %.o $B/cmd.a $B/libklog.a
	$(call say,LINK,$@)$(link)

# They are not what is tested.
$(filter-out $(WITH_LIB),$(TEST_TOOLS) $(BENCHES) $(FAULTS)): SAN_FLAGS =
$(TEST_TOOLS) $(BENCHES) $(filter-out %.so,$(FAULTS)): %: %.o
	$(call say,LINK,$@)$(link)

$(WITH_LIB): $B/libklog.a

$(FAULT_LIBS): $B/%.so: %.c $B/flags.mk
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(COMPILE) -fPIC -shared -o $@ $< -ldl

ifdef FUZZ
FUZZ_SHARED := $(filter-out %/replay.o,$(FUZZ_SHARED))
FUZZ_MAIN = -fsanitize=fuzzer
endif
$(FUZZERS): %: %.o $(FUZZ_SHARED) $B/cmd.a $B/libklog.a
	$(call say,LINK,$@)$(link) $(FUZZ_MAIN)

# One bats test for each unit program.
$B/unit.bats: $(UNITS) Makefile
	@for u in $(UNITS:$B/tests/unit/test_%=%); do \
		printf '@test "unit: %s" { "$$KLOG_UNIT/test_%s"; }\n' $$u $$u; \
	done >$@

-include $(patsubst %.o,%.d,$(LIB_OBJS) $(CMD_OBJS)) \
	$(patsubst %,%.d,$(UNITS) $(TEST_TOOLS) $(BENCHES) $(FAULTS:.so=)) \
	$(patsubst %,%.d,$(FUZZERS)) $(FUZZ_SHARED:.o=.d) \
	$(patsubst cmd/%.c,$B/cmd/%.d,$(wildcard cmd/klog-*.c))

# ---- what is run ----------------------------------------------------------

.PHONY: demo check check-asan check-fault check-fuzz check-kafka check-mutants \
	bench lint deps clean
again = $(MAKE) --no-print-directory \
	$(if $(findstring -j,$(MAKEFLAGS)),,-j$$(nproc))
TESTS = $(wildcard tests/*.bats)
BATS_FLAGS =
RUN_WITH = KLOG_BIN='$(abspath $(BIN))' KLOG_UNIT='$(abspath $B/tests/unit)' \
	KLOG_TEST_TOOLS='$(abspath $B/tests/tools)' \
	KLOG_FUZZ='$(abspath $B/tests/fuzz)' \
	PATH='$(abspath $(BIN))':"$$PATH"

deps:
	@tests/deps build

demo:
	@tests/deps build
	@$(again) all
	@$(RUN_WITH) tests/demo.sh

check:
	@tests/deps check
	@$(again) all units
	@$(RUN_WITH) bats $(BATS_FLAGS) $(TESTS) \
		$(if $(filter command,$(origin TESTS)),,$B/unit.bats)

# Status 86 is none of klog's, so that no test takes a finding for an answer.
check-asan: export ASAN_OPTIONS = exitcode=86:detect_stack_use_after_return=1
check-asan: export UBSAN_OPTIONS = exitcode=86:print_stacktrace=1
check-asan: export KLOG_SANITIZED = 1
check-asan:
	@$(MAKE) --no-print-directory check B=build/asan \
		CFLAGS='-O1 -g' SANITIZE=address,undefined

# Root and a loop device show more; what lacks them is skipped with a reason.
check-fault: FAULT_TESTS = $(wildcard tests/fault/*.bats)
check-fault:
	@tests/deps fault
	@$(again) all units faults
	@$(RUN_WITH) KLOG_FAULT='$(abspath $B/tests/fault)' \
		bats $(BATS_FLAGS) $(if $(filter command,$(origin TESTS)),$(TESTS),\
		$(FAULT_TESTS))

# It goes to .cache/kafka once; what cannot be fetched is skipped, with a reason.
check-kafka: KAFKA_TESTS = $(wildcard tests/kafka/*.bats)
check-kafka:
	@tests/deps kafka
	@tests/kafka/fetch
	@$(again) all units
	@$(RUN_WITH) bats $(BATS_FLAGS) $(if $(filter command,$(origin TESTS)),\
		$(TESTS),$(KAFKA_TESTS))

# libFuzzer comes with clang.  Each target runs from its kept inputs, as often
# as tests/fuzz/run says; SEED=N for others than the usual ones.
FUZZ_RUNS = 1
check-fuzz:
	@tests/deps fuzz
	@$(again) fuzzers B=build/fuzz CC=clang CFLAGS='-O1 -g' FUZZ=1 \
		SANITIZE=fuzzer-no-link,address,undefined
	@tests/fuzz/run build/fuzz/tests/fuzz $(FUZZ_RUNS)

# See VERIFICATION.md; MUTANTS=tests/mutants/A3.patch for some of them.
check-mutants: MUTANTS =
check-mutants:
	@tests/deps fault
	@$(again) all units faults
	@tests/mutants/run $(MUTANTS)

bench:
	@tests/deps bench
	@$(again) all benches
	@$(RUN_WITH) KLOG_BENCH='$(abspath $B/tests/bench)' tests/bench/run

lint:
	@tests/deps lint
	@tests/lint
	@$(again) all units benches faults B=build/lint-gcc CC=gcc WERROR=1
	@$(again) all units benches faults B=build/lint-clang CC=clang WERROR=1

clean:
	rm -rf build bin

# ---- where it goes --------------------------------------------------------

VERSION = $(shell sed -n 's/^.define KLOG_VERSION "\(.*\)"/\1/p' libklog/klog.h)
NAMES = $(notdir $(TOOLS))
MAN_PAGES = $(wildcard man/*.[157])

$B/klog.pc: libklog/klog.pc.in libklog/klog.h Makefile FORCE
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(libdir)|' \
		-e 's|@INCLUDEDIR@|$(includedir)|' -e 's|@VERSION@|$(VERSION)|' \
		-e 's|@LIBS@|$(patsubst %,-l%,$(ARCHIVES) $(SHARED))|' $< >$@

UNITS_IN = $(wildcard units/*.in)

$B/units/%: units/%.in Makefile FORCE
	@mkdir -p $(@D)
	@sed -e 's|@BINDIR@|$(bindir)|' $< >$@

.PHONY: install uninstall FORCE
install: all $B/klog.pc $(UNITS_IN:%.in=$B/%)
	$(INSTALL) -d $(addprefix $(DESTDIR),$(bindir) $(libdir)/pkgconfig \
		$(includedir) $(bashdir) $(zshdir) $(fishdir) \
		$(systemunitdir) $(userunitdir) $(docdir))
	$(INSTALL) -m 755 $(TOOLS) $(DESTDIR)$(bindir)
	$(INSTALL) -m 644 $B/libklog.a $(DESTDIR)$(libdir)
	$(INSTALL) -m 644 $B/klog.pc $(DESTDIR)$(libdir)/pkgconfig
	$(INSTALL) -m 644 libklog/klog.h $(DESTDIR)$(includedir)
	for page in $(MAN_PAGES); do \
		$(INSTALL) -D -m 644 $$page \
			$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; \
	done
	# bash and fish look a completion up by the name of its command.
	for tool in $(NAMES); do \
		[ ! -e completions/klog.bash ] || $(INSTALL) -m 644 \
			completions/klog.bash $(DESTDIR)$(bashdir)/$$tool || exit; \
		[ ! -e completions/klog.fish ] || $(INSTALL) -m 644 \
			completions/klog.fish $(DESTDIR)$(fishdir)/$$tool.fish || exit; \
	done
	[ ! -e completions/_klog ] || \
		$(INSTALL) -m 644 completions/_klog $(DESTDIR)$(zshdir)
	$(INSTALL) -m 644 $B/units/klog-clean.service units/klog-clean.timer \
		$(DESTDIR)$(systemunitdir)
	$(INSTALL) -m 644 units/klog-clean.timer $(DESTDIR)$(userunitdir)
	$(INSTALL) -m 644 $B/units/klog-clean-user.service \
		$(DESTDIR)$(userunitdir)/klog-clean.service
	$(INSTALL) -m 644 $B/units/klog-clean.cron $(DESTDIR)$(docdir)

uninstall:
	rm -f $(NAMES:%=$(DESTDIR)$(bindir)/%) $(DESTDIR)$(libdir)/libklog.a \
		$(DESTDIR)$(libdir)/pkgconfig/klog.pc \
		$(DESTDIR)$(includedir)/klog.h $(DESTDIR)$(zshdir)/_klog \
		$(DESTDIR)$(systemunitdir)/klog-clean.service \
		$(DESTDIR)$(systemunitdir)/klog-clean.timer \
		$(DESTDIR)$(userunitdir)/klog-clean.service \
		$(DESTDIR)$(userunitdir)/klog-clean.timer \
		$(DESTDIR)$(docdir)/klog-clean.cron \
		$(NAMES:%=$(DESTDIR)$(bashdir)/%) \
		$(NAMES:%=$(DESTDIR)$(fishdir)/%.fish) \
		$(foreach p,$(notdir $(MAN_PAGES)),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $p))/$p)
