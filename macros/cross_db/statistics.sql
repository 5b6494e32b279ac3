{# The density of a normal distribution. Beyond e^-700 PostgreSQL would raise an error, for there is no such double. #}
{% macro normal_density(x, mean, sd) -%}
    exp(greatest(-power({{ x }} - {{ mean }}, 2) / (2 * {{ sd }} * {{ sd }}), {{ dwell.double(-700) }}))
    / ({{ sd }} * {{ dwell.sqrt_2_pi() }})
{%- endmacro %}


{# Its logarithm, also where the density is too small for a number. #}
{% macro normal_log_density(x, mean, sd) -%}
    (-power({{ x }} - {{ mean }}, 2) / (2 * {{ sd }} * {{ sd }}) - ln({{ sd }} * {{ dwell.sqrt_2_pi() }}))
{%- endmacro %}


{# The root of 2 pi; not every engine knows pi. #}
{% macro sqrt_2_pi() -%}
    {{ dwell.double('2.5066282746310002') }}
{%- endmacro %}


{# A standard deviation from weighted sums. It is never less than a bin's width, or a component could shrink to a single
   bin. #}
{% macro standard_deviation(weight, total, squares) -%}
    greatest(
        sqrt(greatest({{ squares }} / {{ weight }} - power({{ total }} / {{ weight }}, 2), {{ dwell.double(0) }})),
        {{ dwell.double('0.05') }}
    )
{%- endmacro %}


{% macro log10(x) -%}
    {{- return(adapter.dispatch('log10', 'dwell')(x)) -}}
{%- endmacro %}

{% macro default__log10(x) -%}
    log10({{ x }})
{%- endmacro %}


{# A value as a double: what one engine takes for a double is a decimal to another. #}
{% macro double(value) -%}
    cast({{ value }} as {{ dwell.type_double() }})
{%- endmacro %}
