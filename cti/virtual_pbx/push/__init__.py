"""Our calls, told to other help desks: the generic push in the other direction.

    the ledger's changes ─→ outbox ─→ jobs, one for each message and target ─→ sender ─→ their addresses

Whatever a target does, calls go on: nothing here is waited for.
"""
