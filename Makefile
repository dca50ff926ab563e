# The front door; CMakeLists.txt does the building. `make` alone prints help.

PREFIX ?= /usr/local
PYTHON ?=
PORT ?= 8000
APP ?=
# Recipes read these from the environment, so that any path survives quoting.
export PREFIX PORT APP
ifneq ($(PYTHON),)
export PYTHON
endif

# CMake wants a list separated by semicolons, and without one chooses itself.
configure = cmake -S . -B build -U PYTHON -U 'WSGI_CORE_*' $${PYTHON:+-D PYTHON="$$(echo $$PYTHON | tr ' ' ';')"}
# Without the settings of this make: they are about this file's targets.
compile = env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL cmake --build build

.PHONY: help build install run test bench lint format clean

help:
	@echo 'make run [APP=app.wsgi] [PORT=8000]   serve an application with mod_wsgi-express, here and now'
	@echo 'make test                             run every test'
	@echo 'make build [PYTHON=...]               build the engine, the runtimes and the httpd module'
	@echo 'make install PREFIX=... [PYTHON=...] [DESTDIR=...]'
	@echo '                                      build and install'
	@echo 'make bench                            measure requests and CPU against mod_wsgi'
	@echo 'make lint, make format                check, or correct, format and style'
	@echo 'make clean                            remove everything that was built'
	@echo
	@echo 'PYTHON names one or more interpreters; a runtime is built for each, and the first is the'
	@echo 'default: PYTHON="/usr/bin/python3 /opt/python3.13/bin/python3". Unset, it is the system one.'
	@echo 'To install as root what you built as yourself: make build, then'
	@echo 'sudo cmake --install build --prefix /usr/local'

build:
	@scripts/bootstrap --check build
	@echo '==> configuring'
	@$(configure)
	@$(compile)

install: build
	@echo "==> installing to $$DESTDIR$$(realpath -m -- "$$PREFIX")"
	@cmake --install build --prefix "$$(realpath -m -- "$$PREFIX")"

run:
	@scripts/bootstrap run
	@exec scripts/run --port "$$PORT" --python "$$PYTHON" $${APP:+"$$APP"}

test:
	@scripts/bootstrap test
	@scripts/test

bench:
	@scripts/bootstrap bench
	@scripts/bench

lint:
	@scripts/bootstrap test
	@scripts/test --only lint

format:
	cargo fmt --all
	clang-format -i $$(find c examples/c tests/capi benches -name '*.[ch]' -o -name '*.cc')

clean:
	rm -rf build
