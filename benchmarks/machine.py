"""The machine in words: what a reader needs to judge the numbers, and no name of it."""

import os
import platform
import re
import time
from pathlib import Path

import numpy as np
import torch

WIDEST = "amx_bf16 avx512_bf16 avx512f avx2 sve asimd"  # the first that it has tells a kind apart
TELLING = "avx2 fma f16c avx512f avx512_bf16 avx512_fp16 amx_bf16 amx_int8 asimd bf16 i8mm sve"


def describe():
    """What the numbers depend on, by name."""
    about = cpu_facts(_read("/proc/cpuinfo"))
    words = {
        "processor": about.get("model", platform.processor() or platform.machine()),
        "cores": f"{os.cpu_count()}, of which torch uses {torch.get_num_threads()}",
        "instruction sets": about.get("sets", "unknown"),
        "memory": _memory(_read("/proc/meminfo")),
        "system": platform.system(),
        "busy": _busy(),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"NumPy {np.__version__}",
        "measured": time.strftime("%d %B %Y").lstrip("0"),
    }
    if torch.cuda.is_available():
        words["GPU"] = torch.cuda.get_device_name()
    return {name: text for name, text in words.items() if text}


def kind(words):
    """The kind of processor of a machine in words: its name and its widest instructions.

    >>> kind({"processor": "Intel(R) Xeon(R) Processor", "instruction sets": "avx2, avx512f"})
    'Intel Xeon, avx512f'
    """
    name = re.sub(r"\((R|TM)\)|\bProcessor$|\bCPU\b|@.*", "", words["processor"])
    sets = words.get("instruction sets", "").split(", ")
    widest = next((wide for wide in WIDEST.split() if wide in sets), "")
    return ", ".join(filter(None, (" ".join(name.split()), widest)))


def cpu_facts(text):
    """The model and the telling instruction sets, from the text of /proc/cpuinfo."""
    lines = dict(re.findall(r"^([\w ]+?)\s*:\s*(.*)$", text, flags=re.MULTILINE))
    flags = (lines.get("flags") or lines.get("Features") or "").split()
    facts = {"sets": ", ".join(name for name in TELLING.split() if name in flags)}
    facts["model"] = lines.get("model name", "")
    return {name: fact for name, fact in facts.items() if fact}


def _memory(text):
    found = re.search(r"^MemTotal:\s*(\d+) kB", text, flags=re.MULTILINE)
    return f"{int(found[1]) / 2**20:.0f} GiB" if found else ""


def _busy():
    """How many processes wanted a core during the last minute, before these began."""
    try:
        return f"{os.getloadavg()[0]:.1f} processes were running in the minute before"
    except (AttributeError, OSError):
        return ""


def _read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""
