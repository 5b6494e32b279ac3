"""Run the notebook on the sample, and store its output without times and paths of the machine."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("your_own_events.ipynb")

notebook = nbformat.read(NOTEBOOK, as_version=4)
here = {"metadata": {"path": str(NOTEBOOK.parent)}}
NotebookClient(notebook, record_timing=False, resources=here).execute()
notebook.metadata.language_info = {"name": "python"}
nbformat.write(notebook, NOTEBOOK)
