"""Webhooks: changes are sent to who asked for them, by one process at a time, until they have arrived."""
