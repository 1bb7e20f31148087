#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The check of the style finds what it is there to find."""
import pathlib
import unittest

import check_style


class Checked(unittest.TestCase):
    def bare(self, text):
        return list(check_style.bare_members(text.split("\n")))

    def test_a_member_with_a_comment_behind_or_before_it(self):
        self.assertEqual(self.bare("struct a {\n    int b; /* It counts. */\n    /* It counts, too. */\n    int c;\n};"), [])

    def test_a_member_without_a_comment(self):
        self.assertEqual(self.bare("struct a {\n    /* One. */\n    int b;\n    int c;\n\n    int d;\n};"), [4, 6])

    def test_a_comment_before_a_gap_is_of_no_member(self):
        self.assertEqual(self.bare("struct a {\n    /* What follows is private. */\n\n    int b;\n};"), [4])

    def test_a_member_over_several_lines(self):
        members = "    /* Does it. */\n    int (*b)(int c,\n             int d);\n    int (*e)(int c,\n             int d);\n"
        self.assertEqual(self.bare("struct a {\n" + members + "};"), [6])

    def test_a_comment_over_several_lines(self):
        self.assertEqual(self.bare("struct a {\n    int b; /* It counts\n              far. */\n    int c;\n};"), [4])

    def test_what_is_not_a_struct(self):
        self.assertEqual(self.bare("enum a {\n    B,\n};\nint c(void);\nstatic inline int d(void)\n{\n    return 1;\n}"), [])

    def test_a_long_function(self):
        lines = ["int a(void)", "{", *["    a();"] * 58, "}", "{", *["    a();"] * 59, "}"]
        self.assertEqual(list(check_style.long_functions(lines)), [(62, 61)])

    def test_what_exports_may_begin_with(self):
        begins = check_style.prefixes(pathlib.Path("ingestor/source/redis/redis_records"))
        for symbol in ("redis_open", "redis_record_read", "source_name"):
            self.assertTrue(symbol.startswith(begins), symbol)
        self.assertFalse("record_read".startswith(begins))


if __name__ == "__main__":
    unittest.main()
