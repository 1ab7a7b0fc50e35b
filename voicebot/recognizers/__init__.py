"""Speech into words: one port, one adapter per engine, and the pool that keeps them off the event loop."""
