"""The switchboard's side of virtual PBXs: services that route calls, tell of it, take commands.

    vendor ──webhook──→ door ─→ intake (kept, then answered) ─→ teller ─→ the ledger, desks, tickets
    vendor ←─command─── the vendor's file in `vendors/`  ←─ desk, routing
    vendor ←─questions─ reconciler: what was not told          tapes: recordings

What every vendor owes is in `contract.py`; how to add one is in docs/virtual-pbx.md.
"""
