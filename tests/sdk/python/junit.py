"""Parses a JUnit report and checks its counts: junit.py FILE TESTS FAILURES NAME

Python's XML parser checks that it is XML. junitparser, which many report tools use, checks that it is JUnit.
"""

import sys
import xml.etree.ElementTree as ElementTree

from junitparser import Failure, JUnitXml

path, tests, failures, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]

cases = ElementTree.parse(path).getroot().findall("./testsuite/testcase")
assert len(cases) == tests, cases
assert any(case.get("name") == name for case in cases), [case.get("name") for case in cases]

report = JUnitXml.fromfile(path)
assert (report.tests, report.failures, report.errors) == (tests, failures, 0), report
found = [result for suite in report for case in suite for result in case.result]
assert len(found) == failures and all(isinstance(result, Failure) for result in found), found
assert all(result.message and result.text for result in found), found
for suite in report:
    assert (suite.tests, suite.failures) == (tests, failures), suite
print(f"junit: {tests} tests, {failures} failures")
