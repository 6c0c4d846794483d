# Two commands: `make demo` and `make test`. Everything they need is made here.

PYTHON ?= python3.11
VENV := .venv
RUN := $(VENV)/bin
BPY_VERSIONS := 4.5.15 5.0.1
GLTF_VALIDATOR := build/gltf-validator
EXPORTS := build/blender-exports
ADDON := build/hd_human-$(shell sed -n 's/^version = "\(.*\)"/\1/p' blender_addon/blender_manifest.toml).zip
ADDON_SOURCES := $(shell find blender_addon -name '*.py') blender_addon/blender_manifest.toml blender_addon/LICENSE
# Libraries that bpy loads on a bare Debian; the last two let Workbench render without a display.
BPY_LIBRARIES := libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 libxxf86vm1 libgomp1 \
    libegl1 libgl1-mesa-dri
PIP := -m pip install --quiet --disable-pip-version-check --constraint

export HD_REQUIRE_ALL = 1
# One thread per small matrix: two threads on a busy machine are far slower than one.
export OMP_NUM_THREADS ?= 1

# Without this make deletes the stamps of the Blender environments, which only a pattern rule names.
.SECONDARY:
.PHONY: demo test lint test-core test-blender addon system clean

demo: $(VENV)/installed
	$(RUN)/hd-core reconstruct examples/data/dancer.mp4 --output out/demo --progress none --overwrite \
	    --size 256 --formats usdc glb --passes

test: lint test-core test-blender

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python $(PIP) constraints.txt --editable .
	touch $@

$(VENV)/installed-tests: $(VENV)/installed
	$(RUN)/python $(PIP) constraints.txt --editable '.[test,lint]'
	touch $@

lint: $(VENV)/installed-tests
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

test-core: $(VENV)/installed-tests $(GLTF_VALIDATOR)/node_modules
	HD_GLTF_VALIDATOR=$(GLTF_VALIDATOR) $(RUN)/python -m pytest --numprocesses 2 --dist loadfile

$(GLTF_VALIDATOR)/node_modules:
	command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq nodejs npm; }
	npm install --silent --no-audit --no-fund --prefix $(GLTF_VALIDATOR) gltf-validator@2.0.0-dev.3.10

test-blender: $(BPY_VERSIONS:%=test-bpy-%)

test-bpy-%: .venv-bpy-%/installed $(EXPORTS)/expected.json $(ADDON)
	HD_BLENDER_EXPORTS=$(EXPORTS) HD_ADDON_ZIP=$(ADDON) HD_CORE=$(abspath $(RUN)/hd-core) \
	    .venv-bpy-$*/bin/python -m pytest -c tests/blender/pytest.ini tests/blender

addon: $(ADDON)

$(ADDON): tools/build_addon.py $(ADDON_SOURCES)
	$(PYTHON) tools/build_addon.py build

.venv-bpy-%/installed: constraints-bpy.txt | system
	$(PYTHON) -m venv .venv-bpy-$*
	.venv-bpy-$*/bin/python $(PIP) constraints-bpy.txt bpy==$* pytest
	touch $@

$(EXPORTS)/expected.json: $(VENV)/installed-tests $(wildcard hd_core/export/*.py hd_core/mesh/*.py tests/*.py tests/blender/*.py)
	$(RUN)/python tests/blender/make_exports.py $(EXPORTS)

system:
	@missing=$$(for p in $(BPY_LIBRARIES); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ]; then apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; fi

clean:
	rm -rf $(VENV) .venv-bpy-* build out
