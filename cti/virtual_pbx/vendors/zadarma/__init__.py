"""Zadarma's virtual PBX: its webhooks' words and what they mean, its API, and the adapter that joins them."""
