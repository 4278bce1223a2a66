"""interrupt.py SIGNAL FOLDER PATTERN COMMAND...: sends the signal to a command as soon as a file of FOLDER, or of a
folder in it, matches PATTERN (a number instead: after so many seconds), and tells how the command ended. `SIGNAL:ignored`
starts it with that signal ignored."""
import fnmatch
import os
import signal
import subprocess
import sys
import time

name, _, how = sys.argv[1].partition(":")
number, folder, pattern = getattr(signal, name), sys.argv[2], sys.argv[3]


def is_there():
    return any(fnmatch.fnmatch(name, pattern) for _, folders, files in os.walk(folder) for name in folders + files)


# Whatever this was started with.
signal.signal(number, signal.SIG_IGN if how == "ignored" else signal.SIG_DFL)
process = subprocess.Popen(sys.argv[4:])
if pattern.replace(".", "").isdigit():
    time.sleep(float(pattern))
else:
    end = time.monotonic() + 120
    while process.poll() is None and not is_there():
        if time.monotonic() > end:
            process.kill()
            sys.exit("no file matches " + pattern)
process.send_signal(number)
code = process.wait(timeout=120)
print("ended by " + signal.Signals(-code).name if code < 0 else "ended with %d" % code)
