{# Text that quotes data or a file's name, for dbt to print: characters that a terminal obeys or hides are written as
   JSON writes them, \u001b. As dwell/runtime/terminal.py does for dwell's commands. #}
{% macro escaped(text) %}
    {%- set shown = namespace(text=text | string) -%}
    {%- for character in modules.re.findall(dwell.unsafe_characters(), shown.text) | unique(case_sensitive=true) -%}
        {#- JSON leaves DEL as it is -#}
        {%- set shown.text = shown.text | replace(
            character, '\\u007f' if character == '\x7f' else tojson(character)[1:-1]
        ) -%}
    {%- endfor -%}
    {{- return(shown.text) -}}
{% endmacro %}


{# Control characters; bidirectional and zero-width ones; halves of surrogate pairs; separators of lines. Not spelled as such:
   an editor would obey or hide them. #}
{% macro unsafe_characters() %}
    {{- return(
        '[\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb]'
    ) -}}
{% endmacro %}
