"""usage: status.py STATUS COMMAND ...     runs a command, which must end with that exit status"""
import subprocess
import sys

found = subprocess.run(sys.argv[2:]).returncode
if found != int(sys.argv[1]):
    sys.exit("exit status %d" % found)
