/* SPDX-License-Identifier: BSD-3-Clause */

/* Which rule sets are open to everybody, so that no rule need be looked up. */

#include "fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RULES_MAX 3

struct blob {
	struct meridian_policy_blob blob;
	struct meridian_policy_access rule[RULES_MAX];
};

#define IPV4(len, yes)                                                                             \
	{                                                                                          \
		.family = MERIDIAN_FAMILY_IPV4, .prefix_len = len, .allow = yes                    \
	}
#define IPV6(len, yes)                                                                             \
	{                                                                                          \
		.family = MERIDIAN_FAMILY_IPV6, .prefix_len = len, .allow = yes                    \
	}

static const struct {
	struct meridian_policy_access rule[RULES_MAX];
	size_t count;
	bool open_ipv4, open_ipv6;
} cases[] = {
	{{IPV4(0, 0)}, 0, false, false},
	{{IPV4(0, 1)}, 1, true, false},
	{{IPV6(0, 1)}, 1, false, true},
	{{IPV4(0, 1), IPV6(0, 1)}, 2, true, true},
	{{IPV4(0, 1), IPV6(0, 1), IPV4(24, 1)}, 3, true, true},
	{{IPV4(0, 1), IPV6(0, 1), IPV4(32, 0)}, 3, false, true},
	{{IPV4(0, 1), IPV6(0, 1), IPV6(64, 0)}, 3, true, false},
	{{IPV4(1, 1), IPV6(1, 1)}, 2, false, false},
	{{IPV4(0, 0), IPV6(0, 0)}, 2, false, false},
};

static struct responder_policy *policy_of(size_t i)
{
	struct blob all = {.blob = {.generation = 1,
				   .size = sizeof(all),
				   .nics.offset = sizeof(all),
				   .queues.offset = sizeof(all),
				   .workers.offset = sizeof(all),
				   .addresses.offset = sizeof(all),
				   .access = {offsetof(struct blob, rule), cases[i].count},
				   .kod_exempt.offset = UINT64_C(1) << 63}}; /* empty; for UBSan */
	struct responder_policy *policy;

	memcpy(all.rule, cases[i].rule, sizeof(all.rule));
	assert_int_equal(meridian_policy_check(&all.blob, sizeof(all)), 0);
	assert_int_equal(responder_policy_new(&policy, &all.blob), 0);
	return policy;
}

static void is_open_when_all_are_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct responder_policy *policy = policy_of(i);

		assert_int_equal(policy->open_ipv4, cases[i].open_ipv4);
		assert_int_equal(policy->open_ipv6, cases[i].open_ipv6);
		responder_policy_free(policy);
	}
}

/* The rules say the same about any address. */
static void agrees_with_the_rules(void **state)
{
	static const uint8_t address[3][16] = {
		{0}, {0x7f, 0xff, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct responder_policy *policy = policy_of(i);

		for (size_t n = 0; n < 3; n++) {
			if (policy->open_ipv4)
				assert_true(access_allowed(&policy->access, address[n], false));
			if (policy->open_ipv6)
				assert_true(access_allowed(&policy->access, address[n], true));
		}
		responder_policy_free(policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_open_when_all_are_allowed),
		cmocka_unit_test(agrees_with_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
