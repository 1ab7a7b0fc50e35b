# PressZero: `make` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test unit serve lint format pictures bench fuzz chaos surge words lock clean
PRESSZERO := .venv/bin/presszero

help:  ## List the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo:  ## A call centre at work: real Asterisk, three callers (ONCE=1 ends by itself; PBX=mango: no Asterisk)
	@scripts/bootstrap run
	@$(PRESSZERO) demo $(if $(ONCE),--once) $(if $(PBX),--pbx $(PBX))

test:  ## Every test, the calls over a real PBX included
	@scripts/bootstrap dev
	@scripts/real-parts
	@scripts/build-pages test
	@scripts/run-tests --dist loadscope tests/unit tests/integration
	@scripts/run-tests --dist loadfile tests/house tests/browser

unit:  ## The fast tests only
	@scripts/bootstrap dev
	@.venv/bin/pytest -q --numprocesses 2 --dist loadscope tests/unit

serve:  ## The service alone (settings: PRESSZERO_… environment variables)
	@scripts/bootstrap run
	@$(PRESSZERO) migrate
	@$(PRESSZERO) serve

lint:  ## ruff, mypy --strict, the direction of imports, and the types of the pages' code
	@scripts/bootstrap dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@scripts/build-pages check

format:  ## Put the code into ruff's form
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

words:  ## Collect the pages' texts for their translators (cti/web/languages/*.po)
	@scripts/bootstrap dev
	@.venv/bin/python -m cti.web.languages.collect

pictures:  ## Take the pictures of docs/desk.md anew, in a real Chromium from a real centre at work
	@scripts/bootstrap dev
	@$(PRESSZERO) pbx install
	@.venv/bin/python -m tests.browser.pictures

bench:  ## Speed and memory, each figure beside a baseline of the same run
	@scripts/bootstrap dev
	@$(PRESSZERO) pbx install
	@.venv/bin/python -m bench

chaos:  ## The tests at length, and every fault at every moment of a call (HOURS=24: a day of calls, compressed)
	@scripts/bootstrap dev
	@$(PRESSZERO) pbx install
	@PRESSZERO_THOROUGH=1 .venv/bin/pytest -q --numprocesses 2 --dist loadscope tests/unit
	@PRESSZERO_THOROUGH=1 .venv/bin/pytest -q tests/house/test_many_conversations.py
	@.venv/bin/python -m tests.house.faults $(if $(HOURS),--hours $(HOURS))

surge:  ## A steady load, then twenty times as many callers, over a real PBX with SIPp (ARGS="--steady 3" …)
	@scripts/bootstrap dev
	@$(PRESSZERO) pbx install
	@.venv/bin/python -m tests.house.surge $(ARGS)

fuzz:  ## A million spoilt inputs for the parsers of all doors: no crash, no hang, no leak
	@scripts/bootstrap dev
	@.venv/bin/python -m tests.fuzz

lock:  ## Choose the newest versions anew and write requirements/*.lock
	@scripts/bootstrap dev
	@scripts/lock

clean:  ## Remove what the commands made in this folder
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis var bench/results cti/web/page/node_modules cti/web/static/built
