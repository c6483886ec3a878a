#!/usr/bin/env python3
"""Runs clang-tidy, as .clang-tidy sets it, over our own files as a compilation database knows them.

  tidy.py BUILD_TREE [FILE ...]

Most of the time goes to headers, so the files of a folder are read together, a dozen at a time, as one translation unit. A dozen
that cannot be (two files have a helper of the same name) is read one by one.
"""
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOGETHER = 12
OURS = re.compile(r"(services|gateway|cli|tests)/.*\.cc$")
FLAG = re.compile(r"-(?:I|D|isystem )(?:\"[^\"]*\"|\\.|\S)+")


def flags_of(commands, files):
    found = dict.fromkeys(flag for file in files for flag in FLAG.findall(commands[file]))
    return [part.replace("\\", "") for flag in found for part in flag.split(" ", 1)] + ["-std=c++20", "-pthread"]


def tidy(unit, flags):
    run = subprocess.run(["clang-tidy-14", "--quiet", unit, "--", *flags], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout


def check(root, commands, files):
    """What clang-tidy says of some files: empty when nothing."""
    with tempfile.TemporaryDirectory() as folder:
        unit = pathlib.Path(folder, "together.cc")
        unit.write_text("".join(f'#include "{root / file}"\n' for file in files), encoding="utf-8")
        # It looks for .clang-tidy above what it reads.
        pathlib.Path(folder, ".clang-tidy").symlink_to(root / ".clang-tidy")
        code, said = tidy(str(unit), flags_of(commands, files))
    if code == 0:
        return ""
    if len(files) > 1 and "[clang-diagnostic-error" in said:
        return "".join(check(root, commands, [file]) for file in files)
    return said or f"{files[0]}: clang-tidy failed\n"


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    database = json.loads(pathlib.Path(sys.argv[1], "compile_commands.json").read_text(encoding="utf-8"))
    commands = {}
    for entry in database:
        file = os.path.relpath(entry["file"], root)
        if OURS.match(file) and not file.endswith("_fuzz.cc"):
            commands[file] = entry["command"]
    wanted = sorted(set(sys.argv[2:]) & set(commands) if sys.argv[2:] else commands)

    batches = []
    def place(file):
        return os.path.dirname(file), file.endswith("_test.cc")

    for _, group in itertools.groupby(sorted(wanted, key=place), key=place):
        group = list(group)
        batches += [group[i:i + TOGETHER] for i in range(0, len(group), TOGETHER)]
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("TIDY_JOBS", os.cpu_count()))) as pool:
        found = 0
        for text in pool.map(lambda batch: check(root, commands, batch), batches):
            found += 1 if text else 0
            print(text, end="", flush=True)
    print(f"{len(wanted)} files read, {found} of {len(batches)} groups with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
