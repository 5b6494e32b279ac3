"""dbt in this process."""
