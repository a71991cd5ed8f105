/* SPDX-License-Identifier: BSD-3-Clause */

/* How cards are set to stamp, lent and given back: the test is the cards' drivers. */

#include "hwstamp_loan.h"
#include "interface.h"
#include "rundir.h"
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TX_OFF HWTSTAMP_TX_OFF
#define TX_ON  HWTSTAMP_TX_ON
#define NONE   HWTSTAMP_FILTER_NONE
#define ALL    HWTSTAMP_FILTER_ALL
#define NTP    HWTSTAMP_FILTER_NTP_ALL
#define PTP_L4 HWTSTAMP_FILTER_PTP_V2_L4_EVENT
#define PTP    HWTSTAMP_FILTER_PTP_V2_EVENT

/* A card; index 0: it is not there. */
static struct card {
	const char *name;
	unsigned int ifindex;
	struct hwtstamp_config now;
	int get_error, set_error;
	unsigned int sets;
} cards[2];

static struct card *card_of(const char *name)
{
	for (size_t i = 0; i < 2; i++) {
		if (cards[i].ifindex != 0 && strcmp(cards[i].name, name) == 0)
			return &cards[i];
	}
	return NULL;
}

int interface_index(const char *name)
{
	struct card *card = card_of(name);

	return card ? (int)card->ifindex : -ENODEV;
}

char *if_indextoname(unsigned int ifindex, char name[IF_NAMESIZE])
{
	for (size_t i = 0; i < 2; i++) {
		if (cards[i].ifindex == ifindex)
			return strcpy(name, cards[i].name);
	}
	return NULL;
}

int hwstamp_get(const char *name, struct hwtstamp_config *ret_config)
{
	struct card *card = card_of(name);

	assert_non_null(card);
	if (card->get_error == 0)
		*ret_config = card->now;
	return card->get_error;
}

/* As igb: more of PTP than was asked for. */
int hwstamp_set(const char *name, int tx_type, int rx_filter)
{
	struct card *card = card_of(name);

	assert_non_null(card);
	if (card->set_error != 0)
		return card->set_error;
	card->now.tx_type = tx_type;
	card->now.rx_filter = rx_filter == PTP_L4 ? PTP : rx_filter;
	card->sets++;
	return 0;
}

int hwstamp_rx_filter(const struct hwstamp *can)
{
	return can->rx_filters == 0 ? NONE : NTP;
}

static void is_set(const struct card *card, int tx_type, int rx_filter)
{
	assert_int_equal(card->now.tx_type, tx_type);
	assert_int_equal(card->now.rx_filter, rx_filter);
}

static const char *rundir;

static void start(void)
{
	assert_int_equal(hwstamp_loan_open(rundir, true), 0);
}

/* A control that is killed gives nothing back; nor does one that is followed. */
static void restart(void)
{
	hwstamp_loan_close();
	start();
}

static size_t loans(void)
{
	uint32_t ifindex[HWSTAMP_LOANS_MAX];
	struct hwtstamp_config before[HWSTAMP_LOANS_MAX];

	return hwstamp_loans(ifindex, before);
}

static void sources_borrow(int rx_filter)
{
	assert_int_equal(hwstamp_borrow("eth0", HWSTAMP_FOR_SOURCES, TX_ON, rx_filter), 0);
}

static void nic_borrows(void)
{
	const struct hwstamp can = {.rx_filters = 1};

	assert_int_equal(hwstamp_borrow_receive("eth0", HWSTAMP_FOR_NIC, &can), 0);
}

static void gives_back_what_was_there(void **state)
{
	(void)state;
	start();
	sources_borrow(PTP_L4);
	is_set(&cards[0], TX_ON, PTP);
	assert_int_equal(loans(), 1);
	hwstamp_give_back(3, HWSTAMP_FOR_NIC); /* who has borrowed nothing */
	is_set(&cards[0], TX_ON, PTP);
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	is_set(&cards[0], TX_OFF, NONE);
	assert_int_equal(loans(), 0);
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	hwstamp_give_back(0, HWSTAMP_FOR_SOURCES);
	assert_int_equal(cards[0].sets, 2);
	assert_int_equal(cards[1].sets, 0);
}

/* What is there already is the operator's. */
static void gives_back_nothing_that_it_found(void **state)
{
	(void)state;
	start();
	cards[0].now = (struct hwtstamp_config){.tx_type = TX_OFF, .rx_filter = ALL};
	nic_borrows();
	assert_int_equal(loans(), 0);
	hwstamp_give_back(3, HWSTAMP_FOR_NIC);
	is_set(&cards[0], TX_OFF, ALL);
	assert_int_equal(cards[0].sets, 0);
}

static void leaves_what_somebody_else_has_set(void **state)
{
	(void)state;
	start();
	nic_borrows();
	is_set(&cards[0], TX_OFF, NTP);
	hwstamp_set("eth0", TX_ON, ALL);
	hwstamp_give_back(3, HWSTAMP_FOR_NIC);
	is_set(&cards[0], TX_ON, ALL);
	assert_int_equal(loans(), 0);
	/* And that is what there was before the next loan. */
	nic_borrows();
	sources_borrow(NONE);
	hwstamp_set("eth0", TX_OFF, PTP);
	sources_borrow(NTP);
	hwstamp_give_back(3, HWSTAMP_FOR_ANYBODY);
	is_set(&cards[0], TX_OFF, PTP);
}

static void gives_back_when_the_last_one_does(void **state)
{
	(void)state;
	start();
	sources_borrow(PTP_L4);
	nic_borrows();
	is_set(&cards[0], TX_ON, NTP);
	assert_int_equal(loans(), 1);
	hwstamp_give_back(3, HWSTAMP_FOR_NIC);
	is_set(&cards[0], TX_ON, NTP);
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	is_set(&cards[0], TX_OFF, NONE);
}

static void gives_back_after_a_kill(void **state)
{
	(void)state;
	start();
	nic_borrows();
	restart();
	assert_int_equal(loans(), 1);
	nic_borrows(); /* is set already */
	assert_int_equal(cards[0].sets, 1);
	hwstamp_give_back_rest(); /* but this is not for nobody */
	is_set(&cards[0], TX_OFF, NTP);
	hwstamp_give_back(3, HWSTAMP_FOR_NIC);
	is_set(&cards[0], TX_OFF, NONE);
	nic_borrows();
	restart(); /* by a config without it */
	hwstamp_give_back_rest();
	is_set(&cards[0], TX_OFF, NONE);
	assert_int_equal(loans(), 0);
}

/* Another one may have got its name. */
static void forgets_an_interface_that_is_gone(void **state)
{
	(void)state;
	start();
	sources_borrow(NTP);
	cards[0].ifindex = 7;
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	assert_int_equal(loans(), 0);
	is_set(&cards[0], TX_ON, NTP);
}

static void leaves_a_card_that_cannot(void **state)
{
	const struct hwstamp cannot = {.rx_filters = 0};

	(void)state;
	start();
	cards[0].set_error = -ERANGE;
	assert_int_equal(hwstamp_borrow("eth0", HWSTAMP_FOR_SOURCES, TX_ON, NTP), -ERANGE);
	assert_int_equal(loans(), 0);
	assert_int_equal(hwstamp_borrow_receive("eth0", HWSTAMP_FOR_NIC, &cannot), -EOPNOTSUPP);
	assert_int_equal(hwstamp_borrow("eth9", HWSTAMP_FOR_SOURCES, TX_ON, NTP), -ENODEV);
	/* One that has lent already and refuses more keeps what it had to give back. */
	cards[0].set_error = 0;
	sources_borrow(PTP_L4);
	cards[0].set_error = -ERANGE;
	assert_int_equal(hwstamp_borrow("eth0", HWSTAMP_FOR_NIC, TX_ON, NTP), -ERANGE);
	cards[0].set_error = 0;
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	is_set(&cards[0], TX_OFF, NONE);
}

/* As a control that is no longer root: whoever comes next can. */
static void keeps_the_note_of_what_it_cannot_give_back(void **state)
{
	(void)state;
	start();
	sources_borrow(NTP);
	cards[0].set_error = -EPERM;
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	assert_int_equal(loans(), 1);
	cards[0].set_error = 0;
	cards[0].get_error = -ENODEV; /* it is suspended */
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	assert_int_equal(loans(), 1);
	cards[0].get_error = 0;
	hwstamp_loan_close();
	assert_int_equal(hwstamp_loan_open(rundir, false), 0);
	hwstamp_give_back(3, HWSTAMP_FOR_ANYBODY);
	is_set(&cards[0], TX_OFF, NONE);
}

/* What was there before such a card was set is not known. */
static void sets_a_card_that_does_not_tell(void **state)
{
	(void)state;
	start();
	cards[0].get_error = -EOPNOTSUPP;
	sources_borrow(NTP);
	is_set(&cards[0], TX_ON, NTP);
	assert_int_equal(loans(), 0);
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	is_set(&cards[0], TX_ON, NTP);
}

/* Nor is there one, and nothing is given back, where none can be made. */
static void makes_no_note_unasked(void **state)
{
	(void)state;
	assert_int_equal(hwstamp_loan_open(rundir, false), -ENOENT);
	sources_borrow(NTP);
	is_set(&cards[0], TX_ON, NTP);
	hwstamp_give_back(3, HWSTAMP_FOR_SOURCES);
	hwstamp_give_back_rest();
	is_set(&cards[0], TX_ON, NTP);
}

static int setup(void **state)
{
	cards[0] = (struct card){.name = "eth0", .ifindex = 3};
	cards[1] = (struct card){.name = "eth1", .ifindex = 4};
	if (rundir_setup(state) != 0)
		return -1;
	rundir = *state;
	return 0;
}

static int teardown(void **state)
{
	hwstamp_loan_close();
	return rundir_teardown(state);
}

#define LOAN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOAN_TEST(gives_back_what_was_there),
		LOAN_TEST(gives_back_nothing_that_it_found),
		LOAN_TEST(leaves_what_somebody_else_has_set),
		LOAN_TEST(gives_back_when_the_last_one_does),
		LOAN_TEST(gives_back_after_a_kill),
		LOAN_TEST(forgets_an_interface_that_is_gone),
		LOAN_TEST(leaves_a_card_that_cannot),
		LOAN_TEST(keeps_the_note_of_what_it_cannot_give_back),
		LOAN_TEST(sets_a_card_that_does_not_tell),
		LOAN_TEST(makes_no_note_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
