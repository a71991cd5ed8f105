/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device.h"
#include <net/if_arp.h>
#include <string.h>

/* What `ip -d link` says of an interface, and a word of why not; NULL: it is served. */
static const struct {
	struct network_nic found;
	const char *word;
} rows[] = {
	{{.type = ARPHRD_ETHER}, NULL},
	{{.type = ARPHRD_ETHER, .kind = "veth"}, NULL},
	{{.type = ARPHRD_ETHER, .kind = "bridge"}, NULL},
	{{.type = ARPHRD_ETHER, .kind = "macvlan"}, NULL},
	{{.type = ARPHRD_ETHER, .kind = "vlan"}, NULL},
	{{.type = ARPHRD_ETHER, .kind = "tun"}, NULL}, /* a tap */
	{{.type = ARPHRD_ETHER, .kind = "bond"}, "master nic0"},
	{{.type = ARPHRD_ETHER, .kind = "team"}, "master nic0"},
	{{.type = ARPHRD_ETHER, .kind = "ipvlan"}, "macvlan"},
	{{.type = ARPHRD_LOOPBACK}, "leave it out"},
	{{.type = ARPHRD_NONE, .kind = "tun"}, "Ethernet"},
	{{.type = ARPHRD_TUNNEL, .kind = "ipip"}, "Ethernet"},
};

static void tells_what_xdp_can_serve(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char reason[DEVICE_REASON_SIZE] = "";
		bool serves = device_serves("nic0", &rows[i].found, reason);

		print_message("# %s: %s\n", rows[i].found.kind, reason);
		assert_int_equal(serves, rows[i].word == NULL);
		assert_true(serves || strstr(reason, rows[i].word) != NULL);
		assert_true(strlen(reason) < DEVICE_REASON_SIZE - 1);
	}
}

static void tells_ports_from_others(void **state)
{
	(void)state;
	assert_true(device_is_port(&(struct network_nic){.master = 7, .master_kind = "bond"}));
	assert_true(device_is_port(&(struct network_nic){.master = 7, .master_kind = "bridge"}));
	assert_true(device_is_port(&(struct network_nic){.master = 7, .master_kind = "team"}));
	assert_false(device_is_port(&(struct network_nic){.master = 7, .master_kind = "vrf"}));
	assert_false(device_is_port(&(struct network_nic){.master = 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_xdp_can_serve),
		cmocka_unit_test(tells_ports_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
