#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The check of the tree finds what it is there to find: python3 -m unittest, with small trees made for it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class Checked(unittest.TestCase):
    def check(self, files):
        """What the check says of a tree of these files, built as one library of each folder; and its exit status."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            subprocess.run(["git", "init", "-q", root], check=True)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(LICENCE + text, encoding="utf-8")
                if name.endswith(".c"):
                    program, rest = name.split("/", 1)
                    made = root / "build" / program / "CMakeFiles" / "lib.dir" / f"{rest}.o"
                    made.parent.mkdir(parents=True, exist_ok=True)
                    subprocess.run(["cc", "-c", "-I", root, "-o", made, path], check=True)
            run = subprocess.run([sys.executable, HERE / "check_tree.py", root, root / "build"], capture_output=True, text=True)
            return run.stdout, run.returncode

    def test_a_tree_in_order_passes(self):
        said, status = self.check({"common/base/a.h": "int a(void);\n", "common/base/a.c": "int a(void) { return 1; }\n",
                                   "common/codec/b.c": '#include "common/base/a.h"\nint b(void) { return a(); }\n'})
        self.assertEqual(status, 0, said)

    def test_a_circle_of_includes(self):
        said, status = self.check({"common/base/a.h": '#include "common/base/b.h"\n', "common/base/b.h": '#include "common/base/a.h"\n'})
        self.assertEqual(status, 1)
        self.assertIn("a circle of 2 files: common/base/a, common/base/b", said)

    def test_a_circle_of_calls_without_a_header(self):
        said, status = self.check({"common/base/a.c": "int b(void);\nint a(void) { return b(); }\n",
                                   "common/base/b.c": "int a(void);\nint b(void) { return a(); }\n"})
        self.assertEqual(status, 1)
        self.assertIn("common/base/a.c uses b of common/base/b.c", said)

    def test_a_circle_through_data(self):
        said, status = self.check({"common/base/a.c": "extern int shared;\nint a(void) { return shared; }\n",
                                   "common/base/b.c": "int a(void);\nint shared;\nint b(void) { return a(); }\n"})
        self.assertEqual(status, 1)
        self.assertIn("uses shared of", said)

    def test_an_include_against_the_layers(self):
        said, status = self.check({"gateway/api/a.h": "\n", "gateway/http/b.c": '#include "gateway/api/a.h"\nint b;\n'})
        self.assertEqual(status, 1)
        self.assertIn("against the layers (gateway/http may not use gateway/api): gateway/http/b.c includes gateway/api/a.h", said)

    def test_a_call_against_the_layers(self):
        said, status = self.check({"ingestor/fold/a.c": "int a(void) { return 1; }\n",
                                   "common/store/b.c": "int a(void);\nint b(void) { return a(); }\n"})
        self.assertEqual(status, 1)
        self.assertIn("common/store may not use ingestor/fold", said)

    def test_a_folder_without_a_place_and_a_long_file(self):
        said, status = self.check({"gateway/new/a.c": "int a;\n", "common/base/b.h": "\n" * 501})
        self.assertEqual(status, 1)
        self.assertIn("gateway/new/a.c: its folder is not in LAYERS", said)
        self.assertIn("common/base/b.h has 502 lines", said)


if __name__ == "__main__":
    unittest.main()
