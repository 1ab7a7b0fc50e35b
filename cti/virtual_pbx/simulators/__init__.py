"""Each vendor as it looks from here: the webhooks of whole calls, and the answers to commands.

For `presszero simulate`, the demo and the tests. What they know of a vendor is in its adapter's file.
"""
