"""Payloads at every edge of what is a heartbeat: some are read, some are rejected."""

from support.kafka.landing import payload

BLANKS = " \t\r\n"
READ = {
    "as it should be": payload(),
    "other fields may hold anything": payload(more={"a": [1]}, also=[{}]),
    "braces in a value are text": payload(program_id="{[p]}"),
    "blanks between the fields": payload().replace(",", " ,\r\n\t").replace("{", " { "),
    "blanks around a value": payload(user_id=f"{BLANKS}u{BLANKS}"),
    "blanks before a value": payload(user_id=f"{BLANKS}u"),
    "blanks after a value, one by one": payload(
        user_id="u ", program_id="p\t", device="tv\n", session_id="s\r"
    ),
    "blanks within a value stay": payload(user_id="u v\tw"),
    "numbers and truths are text": payload(user_id=12.50, program_id=True, device=7),
    "of a key that comes twice, the first": payload()[:-1] + ', "user_id": "other"}',
    "escapes are read": payload().replace("user_id", "\\u0075ser_id"),
}
REJECTED = {
    "no JSON": ("{", "unreadable_row"),
    "a list": (f"[{payload()}]", "unreadable_row"),
    "a text": ('"u"', "unreadable_row"),
    "nothing in JSON": ("null", "unreadable_row"),
    "an object as a value": (payload(device={"a": 1}), "unreadable_row"),
    "an object as a value, far apart": (
        payload(device={}).replace('"device": ', '"device" :\t'),
        "unreadable_row",
    ),
    "a list as a value": (payload(device=[]), "unreadable_row"),
    "no fields": ("{}", "missing_user_id"),
    "only blanks": (payload(user_id=BLANKS), "missing_user_id"),
    "an empty value": (payload(program_id=""), "missing_program_id"),
    "a key in other letters": (payload().replace("device", "Device"), "missing_device"),
    "a time of blanks": (payload(event_time=BLANKS), "missing_event_time"),
    "a time that is none": (payload(start_time="soon"), "unreadable_start_time"),
}
