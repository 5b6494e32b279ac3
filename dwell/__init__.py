"""The Python around the dbt project: it runs dbt, and no model depends on it."""
