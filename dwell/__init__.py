"""The Python that stands beside the dbt project: it runs dbt, and no model knows of it."""
