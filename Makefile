# The course's commands. Each one first sees to .venv, which costs a moment when nothing changed.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
VENV := .venv/Scripts/python
else
VENV := .venv/bin/python
endif

.DEFAULT_GOAL := help
.PHONY: help lab test quick check refresh exercises class material grade nbgrader site browser bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: ## study: open JupyterLab on the first notebook
	@$(PYTHON) tools/environment.py course
	@$(VENV) tools/lab.py

test: ## prove every page: run all gates
	@$(PYTHON) tools/environment.py course test nbgrader site
	@$(VENV) tools/gates.py

quick: ## while you work: style, lint, exercises, the tests of what git says has changed
	@$(PYTHON) tools/environment.py course test
	@$(VENV) tools/quick.py

check: ## all that one chapter touches: NOTEBOOK=notebooks/03_attention.ipynb
	@$(PYTHON) tools/environment.py course test
	@$(VENV) tools/quick.py $(NOTEBOOK)

refresh: ## run the notebooks and store their outputs (one: NOTEBOOK=notebooks/02_softmax.ipynb)
	@$(PYTHON) tools/environment.py course test
	@$(VENV) tools/refresh.py $(NOTEBOOK)

exercises: ## make the exercise notebooks (one: NOTEBOOK=solutions/02_softmax.ipynb)
	@$(PYTHON) tools/environment.py course test
	@$(VENV) tools/exercises.py $(NOTEBOOK)

class: ## a zip for students, with no solutions (some: CHAPTERS="02 03"; OUT=my.zip; VARIANTS=students.csv)
	@$(PYTHON) tools/environment.py course classroom
	@$(VENV) -m tantra.classroom class $(if $(CHAPTERS),--chapters "$(CHAPTERS)") $(if $(OUT),--out "$(OUT)") $(if $(VARIANTS),--variants "$(VARIANTS)")

material: ## plans, sheets and slides for each chapter, in teaching/ (some: CHAPTERS="02 03")
	@$(PYTHON) tools/environment.py course classroom
	@$(VENV) -m tantra.classroom material $(if $(CHAPTERS),--chapters "$(CHAPTERS)") $(if $(OUT),--out "$(OUT)")

grade: ## mark a class: EXERCISE=02_softmax FOLDER=submissions (VARIANTS=students.csv)
	@$(PYTHON) tools/environment.py course classroom
	@$(VENV) -m tantra.classroom grade "$(EXERCISE)" "$(FOLDER)" $(if $(VARIANTS),--variants "$(VARIANTS)")

nbgrader: ## an nbgrader course (some chapters: CHAPTERS="02 03"; OUT=my-course); see TEACHING.md
	@$(PYTHON) tools/environment.py course classroom nbgrader
	@$(VENV) -m tantra.classroom nbgrader $(CHAPTERS) $(if $(OUT),--out "$(OUT)")

site: ## the course as pages to read, in build/site: open its index.html, no server needed
	@$(PYTHON) tools/environment.py course site
	@$(VENV) tools/views_pages.py
	@$(VENV) tools/website.py

browser: ## open every notebook, sheet, deck and page in a real browser, and run all cells
	@$(PYTHON) tools/environment.py course test site browser
	@$(VENV) tools/browser.py
	@$(VENV) tools/handouts.py
	@$(VENV) tools/class_pages.py
	@$(VENV) tools/views_pages.py
	@$(VENV) tools/website.py
	@$(VENV) tools/website_look.py

bench: ## measure the library beside its peers (some parts: PARTS="training startup")
	@$(PYTHON) tools/environment.py course bench
	@$(VENV) -m benchmarks $(PARTS)

clean: ## remove .venv and what tools left behind; notebooks and progress stay
	@rm -rf .venv .cache .hypothesis notebooks/.hypothesis .pytest_cache .ruff_cache build dist shots *.egg-info
	@find tantra tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
