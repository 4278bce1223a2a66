"""interrupt-often.py FOLDER OLD NEW COMMAND...: FOLDER, in which the command writes, is each time a copy of OLD. The command is
interrupted later and later, and must leave exactly the files of OLD or those of NEW."""
import filecmp
import os
import shutil
import signal
import subprocess
import sys

folder, old, new = sys.argv[1:4]


def is_as(other):
    names = sorted(os.listdir(other))
    return sorted(os.listdir(folder)) == names and filecmp.cmpfiles(folder, other, names, shallow=False)[0] == names


signal.signal(signal.SIGINT, signal.SIG_DFL)
for i in range(14):
    seconds = 0.01 * 1.4**i
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(old, folder)
    process = subprocess.Popen(sys.argv[4:], stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    code = process.wait()
    if not is_as(new if code == 0 else old) and not is_as(new):
        sys.exit("after %g s, with status %d, there are %s" % (seconds, code, os.listdir(folder)))
