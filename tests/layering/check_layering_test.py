#!/usr/bin/env python3
"""The layering check itself: each forbidden edge is found, each allowed one passes."""

import unittest

from check_layering import check_file, check_public_headers


class CheckLayering(unittest.TestCase):
    def assert_forbidden(self, name, text):
        self.assertTrue(list(check_file(name, text)), f"{name} with {text!r} should be refused")

    def assert_allowed(self, name, text):
        self.assertEqual(list(check_file(name, text)), [])

    def test_core_includes_nothing_else(self):
        self.assert_forbidden("core/a.cc", '#include "runtime/task.h"\n')
        self.assert_allowed("core/a.cc", '#include "core/status.h"\n#include <vector>\n')

    def test_edges_point_one_way(self):
        self.assert_forbidden("client/a.cc", '#include "node/node.h"\n')
        self.assert_forbidden("node/a.cc", '#include "client/api.h"\n')
        self.assert_forbidden("offline/a.cc", '#include "router/router.h"\n')
        self.assert_allowed("router/a.cc", '#include "client/api.h"\n')

    def test_offline_sees_only_the_record_reader(self):
        self.assert_forbidden("offline/a.cc", '#include "replication/change_log.h"\n')
        self.assert_allowed("offline/a.cc", '#include "replication/segment.h"\n')

    def test_simulation_stays_out_of_programs(self):
        self.assert_forbidden("cli/a.cc", '#include "runtime/sim/sim_world.h"\n')
        self.assert_allowed("tests/a.cc", '#include "runtime/sim/sim_world.h"\n')

    def test_only_mains_wire_the_real_world(self):
        self.assert_forbidden("node/a.cc", '#include "runtime/real/real_runtime.h"\n')
        self.assert_allowed("cli/a.cc", '#include "runtime/real/real_runtime.h"\n')
        self.assert_forbidden("offline/a.cc", '#include "runtime/s3/s3_file_system.h"\n')
        self.assert_allowed("cli/a.cc", '#include "runtime/s3/uri_file_system.h"\n')

    def test_libraries_stay_in_their_folder(self):
        self.assert_forbidden("router/a.cc", "#include <boost/asio/io_context.hpp>\n")
        self.assert_forbidden("offline/a.cc", "#include <curl/curl.h>\n")
        self.assert_allowed("runtime/s3/a.cc", "#include <curl/curl.h>\n")
        self.assert_forbidden("core/a.cc", "#include <arrow/api.h>\n")
        self.assert_allowed("offline/a.cc", "#include <arrow/api.h>\n")

    def test_public_headers_bring_no_heavy_library_along(self):
        private = {"offline/a.cc": ["offline/b.h"], "offline/b.h": ["arrow/api.h"]}
        self.assertEqual(list(check_public_headers(private)), [])
        public = {**private, "cli/c.cc": ["offline/d.h"], "offline/d.h": ["offline/b.h"]}
        self.assertTrue(list(check_public_headers(public)))

    def test_the_world_is_reached_through_the_seam(self):
        for line in (
            "std::thread t;",
            "auto now = std::chrono::system_clock::now();",
            "std::random_device device;",
            "std::ifstream in(path);",
            "std::this_thread::sleep_for(1ms);",
            "#include <fcntl.h>",
        ):
            self.assert_forbidden("node/a.cc", line + "\n")
            self.assert_allowed("runtime/real/a.cc", line + "\n")

    def test_the_view_has_a_thread_of_its_own(self):
        self.assert_allowed("node/view_thread.h", "std::thread t;\n")
        self.assert_forbidden("node/view_thread.h", "std::random_device device;\n")
        self.assert_forbidden("node/view.cc", "std::thread t;\n")

    def test_comments_do_not_count(self):
        self.assert_allowed("node/a.cc", "// never std::thread here\n")

    def test_unknown_folders_are_refused(self):
        self.assert_forbidden("util/a.cc", "int x;\n")


if __name__ == "__main__":
    unittest.main()
