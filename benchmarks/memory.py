"""How much memory an action holds at one time, counted by torch and not by the system."""

import json
import tempfile
from pathlib import Path

from torch.profiler import ProfilerActivity, profile


def peak(action):
    """The most bytes that action holds at one time, beyond those held when it begins."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as watched:
        action()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        watched.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    return most_held(events)


def most_held(events):
    """The largest running sum of what the [memory] events of a trace take and give back."""
    changes = [e for e in events if e.get("name") == "[memory]"]
    held = most = 0
    for event in sorted(changes, key=lambda e: e["ts"]):
        held += event["args"]["Bytes"]
        most = max(most, held)
    return most
