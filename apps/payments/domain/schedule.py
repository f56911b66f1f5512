"""When the gateway is asked again about a payment whose outcome we do not have. Seconds.

Due times live in the database and go by its clock; these are only the distances between them.
"""

from math import ceil

# After the begin of the attempt: 10 s, 1 min, 5 min, 30 min, 2 h, then daily.
LOOKS_S = (10, 60, 300, 1_800, 7_200)
DAILY_S = 86_400

# A customer is at the bank's page: often at first, because the shop's page is waiting for it.
WAITING_FIRST_S = 5
WAITING_OFTEN_UNTIL_S = 300

# A call starts at most this long after its attempt was begun (or begun again): a process that was
# stopped in between must not send when it wakes up.
SEND_WITHIN_S = 15
_SPARE_S = 5


def last_byte_s(deadline_s: float) -> int:
    """Seconds after the begin beyond which no byte of a call leaves, if a call may take `deadline_s`."""
    return ceil(SEND_WITHIN_S + deadline_s) + _SPARE_S


def next_look_s(looks: int) -> int:
    """Seconds from the look number `looks` (1 is the first) to the one after it."""
    if looks >= len(LOOKS_S):
        return DAILY_S
    return LOOKS_S[looks] - LOOKS_S[looks - 1]


def next_waiting_look_s(age_s: float) -> int:
    """Seconds to the next look at a payment whose customer was asked `age_s` ago: every five at
    first, then a quarter of the age, at most a day."""
    if age_s < WAITING_OFTEN_UNTIL_S:
        return WAITING_FIRST_S
    return int(min(age_s / 4, DAILY_S))
