"""What changes rows: events written, turned into work, delivered, worked off."""

from apps.events.services.consequences import work_consequences
from apps.events.services.deliveries import claim_deliveries, record_deliveries, replay
from apps.events.services.endpoints import create_endpoint, delete_endpoint, disable_endpoint, roll_secret, update_endpoint
from apps.events.services.work import Work, relay_batch, sweep_batch
from apps.events.services.writing import emit

__all__ = [
    "Work",
    "claim_deliveries",
    "create_endpoint",
    "delete_endpoint",
    "disable_endpoint",
    "emit",
    "record_deliveries",
    "relay_batch",
    "replay",
    "roll_secret",
    "sweep_batch",
    "update_endpoint",
    "work_consequences",
]
