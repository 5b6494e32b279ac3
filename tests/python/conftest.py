"""What all tests share."""

import os

import pytest
from project import Project

os.environ.pop("DBT_ENV_SECRET_DWELL_SALT", None)


@pytest.fixture
def project(tmp_path):
    """Return a way to make a project with settings of its own, on a database of its own."""
    return lambda **settings: Project(tmp_path, **settings)
