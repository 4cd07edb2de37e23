"""junit.py FILE: the results in a JUnit file as lines of test, tab, and pass, fail or skip."""
import re
import sys
import xml.etree.ElementTree as tree

outcomes = {}
for case in tree.parse(sys.argv[1]).iter("testcase"):
    # SQLAlchemy puts the server's version into the names of classes.
    family = re.sub(r"_\d+_\d+$", "", case.get("classname", ""))
    name = re.sub(r"\s+", " ", f"{family}::{case.get('name', '')}")
    kinds = {child.tag for child in case}
    outcome = "fail" if kinds & {"failure", "error"} else "skip" if "skipped" in kinds else "pass"
    # A case that fails and then fails in its clean-up too is there twice.
    if outcomes.get(name) != "fail":
        outcomes[name] = outcome
if not outcomes:
    sys.exit("no test ran")
for name, outcome in outcomes.items():
    print(name, outcome, sep="\t")
