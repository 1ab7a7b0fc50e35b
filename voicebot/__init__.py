"""The conversation: call audio, recognisers, understanding, dialogue, voice."""

import os

# From 1.31 on onnxruntime (Piper, Whisper's voice detector) reports to its maker what machine it runs on.
# What runs in a call centre tells nobody. It reads this when it is loaded; children inherit it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
