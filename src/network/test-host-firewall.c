/* SPDX-License-Identifier: Apache-2.0 */
/* What is changed in the host's chains, as text. */
#include "network/host-firewall.h"

#include "basic/string-util.h"
#include "basic/tests.h"

#define JUMP "-A FORWARD -m comment --comment \"containers, see nft table inet dockerd\" -j DOCKERD-FORWARD\n"
#define RULES "-A DOCKERD-FORWARD -i docker0 -j ACCEPT\n-A DOCKERD-FORWARD -o docker0 -j ACCEPT\n"

static char *docker0[] = { (char *) "docker0", NULL };

static char *plan(const char *listing, char *const *bridges) {
        char *text = NULL;

        ASSERT_OK(host_firewall_plan(listing, "dockerd", bridges, &text));
        return text;
}

TEST(inserted_where_it_drops) {
        _cleanup_free_ char *text = plan("-P INPUT DROP\n-P FORWARD DROP\n-A FORWARD -j ufw-before\n", docker0);

        ASSERT_STREQ(text, "*filter\n:DOCKERD-FORWARD - [0:0]\n" RULES
                           "-I FORWARD 1 -m comment --comment \"containers, see nft table inet dockerd\" "
                           "-j DOCKERD-FORWARD\nCOMMIT\n");
        ASSERT_NULL(plan("-P INPUT DROP\n-P FORWARD ACCEPT\n", docker0));
        ASSERT_NULL(plan("", docker0));
}

TEST(made_again) {
        _cleanup_free_ char *no_jump = plan("-P FORWARD DROP\n-N DOCKERD-FORWARD\n" RULES, docker0),
                            *no_rules = plan("-P FORWARD DROP\n-N DOCKERD-FORWARD\n" JUMP, docker0);

        ASSERT_NULL(plan("-P FORWARD DROP\n-N DOCKERD-FORWARD\n" JUMP RULES, docker0));
        ASSERT_NOT_NULL(strstr(no_jump, "-I FORWARD 1 "));
        ASSERT_NOT_NULL(strstr(no_rules, RULES));
        ASSERT_NULL(strstr(no_rules, "FORWARD 1 "));
}

TEST(removed_with_the_last_bridge) {
        _cleanup_free_ char *text = plan("-P FORWARD DROP\n-N DOCKERD-FORWARD\n" JUMP RULES, NULL);

        ASSERT_STREQ(text, "*filter\n:DOCKERD-FORWARD - [0:0]\n"
                           "-D FORWARD -m comment --comment \"containers, see nft table inet dockerd\" "
                           "-j DOCKERD-FORWARD\n-X DOCKERD-FORWARD\nCOMMIT\n");
        ASSERT_NULL(plan("-P FORWARD DROP\n-N DOCKERD-12345678\n", NULL));
}

TEST(another_engine) {
        _cleanup_free_ char *text = NULL;

        ASSERT_OK(host_firewall_plan("-P FORWARD DROP\n-N DOCKERD-FORWARD\n" JUMP RULES, "dockerd-12345678",
                                     docker0, &text));
        ASSERT_NOT_NULL(strstr(text, "-I FORWARD 1 -m comment --comment \"containers, see nft table inet "
                                     "dockerd-12345678\" -j DOCKERD-12345678\n"));
        ASSERT_NULL(strstr(text, "DOCKERD-FORWARD"));
}

DEFINE_TEST_MAIN()
