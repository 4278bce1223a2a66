"""interrupt.py SIGNAL FOLDER PATTERN COMMAND...: sends the signal to a build as soon as a file of FOLDER, or of a folder in
it, matches PATTERN, and tells how it ended. `SIGNAL:ignored` starts it with that signal ignored.

The build writes into FOLDER/out, which is a copy of FOLDER/old before, and must have left that or, if it was in time, what is
in FOLDER/new; and nothing in FOLDER/tmp and FOLDER/none."""
import filecmp
import fnmatch
import os
import shutil
import signal
import subprocess
import sys
import time

name, _, how = sys.argv[1].partition(":")
number, folder, pattern = getattr(signal, name), sys.argv[2], sys.argv[3]


def is_there():
    return any(fnmatch.fnmatch(name, pattern) for _, folders, files in os.walk(folder) for name in folders + files)


def is_as(one, other):
    names = sorted(os.listdir(other))
    return sorted(os.listdir(one)) == names and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


def attempt():
    out, old, new = [folder + "/" + name for name in ("out", "old", "new")]
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(old, out)
    process = subprocess.Popen(sys.argv[4:], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while process.poll() is None and not is_there():
        if time.monotonic() > end:
            process.kill()
            sys.exit("no file matches " + pattern)
    process.send_signal(number)
    code = process.wait(timeout=60)
    if not is_as(out, old) and not is_as(out, new):
        sys.exit("there are " + ", ".join(os.listdir(out)))
    for name in ("tmp", "none"):
        left = [file for _, _, files in os.walk(folder + "/" + name) for file in files]
        if left and "libm.so" in left and not any("tmp" in file for file in left):
            return 0  # all files had their names when the signal came
        if os.listdir(folder + "/" + name):
            sys.exit("%s holds %s" % (name, ", ".join(left or os.listdir(folder + "/" + name))))
    return code


# What this was started with must not decide.
signal.signal(number, signal.SIG_IGN if how == "ignored" else signal.SIG_DFL)
for _ in range(10):
    code = attempt()
    if code or how == "ignored":
        break
    shutil.rmtree(folder + "/none/of", ignore_errors=True)  # it was done before the signal came
print("ended by " + signal.Signals(-code).name if code < 0 else "ended with %d" % code)
