"""The weights of an entry in a library, for CPUs and for GPUs, as the code of the loader finds them: device-weights.py LIBRARY"""
import ctypes
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "execute"))
from guarded import Artifact  # runtime/artifact.h

artifact = Artifact.in_dll(ctypes.CDLL(sys.argv[1]), "mad_artifact_v1")
for entry in artifact.entries[: artifact.num_entries]:
    for where, numbers in ("cpu", entry.weights[: entry.num_weights]), (
        "device",
        entry.device_weights[: entry.num_device_weights],
    ):
        names = [artifact.weights[i].name.decode() for i in numbers]
        print(entry.info.name.decode(), where, *names)
