"""What must hold of events and of the work that follows from them."""

from apps.core.audit import Check

CHECKS = (
    Check(
        name="the outbox is drained within a minute",
        sql="SELECT event_id, type, written_at FROM events_outbox WHERE written_at < clock_timestamp() - interval '1 minute'",
        strict_only=True,
    ),
    Check(
        name="no delivery that is due waits for longer than two minutes",
        sql="""SELECT id, endpoint_id, poke_at FROM events_delivery
               WHERE state = 'pending' AND poke_at < clock_timestamp() - interval '2 minutes'""",
        strict_only=True,
    ),
    Check(
        name="no consequence that is due waits for longer than two minutes",
        sql="""SELECT id, task, poke_at FROM events_consequence
               WHERE state = 'pending' AND poke_at < clock_timestamp() - interval '2 minutes'""",
        strict_only=True,
    ),
    Check(
        name="nothing is parked",
        sql="""SELECT id, task AS what, last_error FROM events_consequence WHERE state = 'parked'
               UNION ALL SELECT id, 'delivery', last_error FROM events_delivery WHERE state = 'parked'""",
        strict_only=True,
    ),
    Check(
        name="every delivery and consequence is of an event that exists",
        sql="""SELECT d.id FROM events_delivery d WHERE NOT EXISTS (
                   SELECT FROM events_event e WHERE e.id = d.event_id AND e.created = d.event_created)
               UNION ALL SELECT c.id FROM events_consequence c WHERE NOT EXISTS (
                   SELECT FROM events_event e WHERE e.id = c.event_id AND e.created = c.event_created)""",
    ),
)
