"""The outside world of events: mail servers. Webhook endpoints are reached through core.http."""
