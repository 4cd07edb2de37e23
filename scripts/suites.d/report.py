"""report.py RESULTS ACCEPTED: the table of all runs, and what fails only through the proxy. Exit code 1 where it should not.

ACCEPTED has lines of mode, suite, test and reason, between tabs: what cannot be right in that mode."""
import pathlib
import sys


def results(folder):
    runs = {}
    for file in sorted(pathlib.Path(folder).glob("*.tsv")):
        suite, mode = file.name[: -len(".tsv")].rsplit(".", 1)
        runs[suite, mode] = dict(line.rsplit("\t", 1) for line in file.read_text().splitlines())
    return runs


def accepted(file):
    reasons = {}
    for line in pathlib.Path(file).read_text().splitlines():
        if line and not line.startswith("#"):
            mode, suite, test, reason = line.split("\t")
            reasons[mode, suite, test] = reason
    return reasons


def main(folder, file):
    runs, reasons = results(folder), accepted(file)
    order = {"direct": 0, "session": 1, "transaction": 2}
    print(f"{'suite':16}{'mode':14}{'passed':>8}{'failed':>8}{'skipped':>9}{'only here':>11}{'accepted':>10}")
    wrong, explained, stale = [], [], []
    for suite, mode in sorted(runs, key=lambda run: (run[0], order[run[1]])):
        run, direct = runs[suite, mode], runs[suite, "direct"]
        # One that passes directly and is missing here did not get its turn.
        worse = [test for test in direct if direct[test] == "pass" and run.get(test) != "pass"]
        worse += [test for test in run if test == "the proxy ended"]
        here = [test for test in worse if (mode, suite, test) in reasons]
        explained += [(mode, suite, test) for test in here]
        wrong += [(mode, suite, test) for test in worse if test not in here]
        stale += [key for key in reasons if key[:2] == (mode, suite) and run.get(key[2]) == "pass"]
        counts = [sum(outcome == kind for outcome in run.values()) for kind in ("pass", "fail", "skip")]
        print(f"{suite:16}{mode:14}{counts[0]:8}{counts[1]:8}{counts[2]:9}{len(worse):11}{len(here):10}")
    for title, tests in (("Fails through the proxy and cannot be right", explained),
                         ("Listed as impossible, but passes", stale), ("Fails only through the proxy", wrong)):
        if tests:
            print(f"\n{title}:")
        for key in tests:
            print("  " + " · ".join(key) + (f": {reasons[key]}" if title.startswith("Fails through") else ""))
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
