{# Rows whose value is less than the minimum. The name and the argument are those of dbt_utils, whose other arguments dwell
   does not need. #}
{% test accepted_range(model, column_name, min_value) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ min_value }}
{% endtest %}
