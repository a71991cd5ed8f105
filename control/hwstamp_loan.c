/* SPDX-License-Identifier: BSD-3-Clause */
#include "hwstamp_loan.h"
#include "interface.h"
#include <errno.h>
#include <log.h>
#include <meridian/page.h>
#include <net/if.h>

struct setting {
	int32_t tx_type, rx_filter;
};

struct loan {
	uint32_t ifindex; /* 0: none */
	uint32_t whom;    /* HWSTAMP_FOR_* */
	struct setting before, set;
};

struct loan_page {
	struct meridian_page_head head;
	struct loan loan[HWSTAMP_LOANS_MAX];
};

static const struct meridian_page_kind kind = {
	.name = "hwstamps",
	.magic = UINT32_C(0x5348524d), /* bytes "MRHS" in memory */
	.version = 1,
	.min_size = sizeof(struct loan_page),
};

static struct meridian_page page;

static struct loan *loans(void)
{
	return page.addr ? ((struct loan_page *)page.addr)->loan : NULL;
}

int hwstamp_loan_open(const char *rundir, bool make)
{
	int r = make ? 0 : meridian_page_open(&page, rundir, &kind);

	if (!make)
		meridian_page_close(&page);
	if (r == 0)
		r = meridian_page_create(
			&page, rundir, &kind, sizeof(struct loan_page), 0600, NULL);
	for (int i = 0; r == 0 && i < HWSTAMP_LOANS_MAX; i++)
		loans()[i].whom = 0;
	return r;
}

void hwstamp_loan_close(void)
{
	meridian_page_close(&page);
}

static bool same(const struct setting *a, const struct setting *b)
{
	return a->tx_type == b->tx_type && a->rx_filter == b->rx_filter;
}

static int setting_get(const char *name, struct setting *ret_setting)
{
	struct hwtstamp_config config = {.tx_type = 0};
	int r = hwstamp_get(name, &config);

	*ret_setting = (struct setting){config.tx_type, config.rx_filter};
	return r;
}

static struct loan *loan_find(uint32_t ifindex)
{
	for (int i = 0; loans() && i < HWSTAMP_LOANS_MAX; i++) {
		if (loans()[i].ifindex == ifindex)
			return &loans()[i];
	}
	return NULL;
}

/* Notes are complete before they count. */
static void loan_note(struct loan *loan, const struct loan *note)
{
	loan->ifindex = 0;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	loan->whom = note->whom;
	loan->before = note->before;
	loan->set = note->set;
	__atomic_store_n(&loan->ifindex, note->ifindex, __ATOMIC_RELEASE);
}

static void loan_forget(struct loan *loan)
{
	loan_note(loan, &(struct loan){.ifindex = 0});
}

/* What somebody else has set since is theirs, and what is there now is to be given back. */
static struct loan *loan_of(uint32_t ifindex, const struct setting *now)
{
	struct loan *loan = loan_find(ifindex);

	if (loan != NULL && !same(now, &loan->set)) {
		loan_forget(loan);
		loan = NULL;
	}
	return loan;
}

static int loan_make(const char *name, struct loan *loan, const struct loan *note)
{
	const struct loan earlier = *loan;
	struct loan made = *note;
	int r;

	loan_note(loan, note);
	r = hwstamp_set(name, note->set.tx_type, note->set.rx_filter);
	if (r < 0) {
		loan_note(loan, &earlier);
		return r;
	}
	/* Drivers may set more than was asked for. */
	if (setting_get(name, &made.set) == 0)
		loan_note(loan, &made);
	return 0;
}

int hwstamp_borrow(const char *name, uint32_t whom, int tx_type, int rx_filter)
{
	struct loan note = {.set = {tx_type, rx_filter}};
	struct loan *loan;
	int ifindex = interface_index(name);

	if (ifindex < 0)
		return ifindex;
	note.ifindex = (uint32_t)ifindex;
	if (loans() == NULL || setting_get(name, &note.before) < 0)
		return hwstamp_set(name, tx_type, rx_filter);
	loan = loan_of(note.ifindex, &note.before);
	if (same(&note.before, &note.set)) {
		if (loan != NULL)
			loan->whom |= whom;
		return 0;
	}
	note.whom = whom;
	if (loan != NULL) {
		note.whom |= loan->whom;
		note.before = loan->before;
	} else {
		loan = loan_find(0);
	}
	return loan != NULL ? loan_make(name, loan, &note) : -ENOSPC;
}

int hwstamp_borrow_receive(const char *name, uint32_t whom, const struct hwstamp *can)
{
	int rx_filter = hwstamp_rx_filter(can);
	struct hwtstamp_config now = {.tx_type = HWTSTAMP_TX_ON}; /* if the driver cannot tell */

	hwstamp_get(name, &now);
	if (now.rx_filter == HWTSTAMP_FILTER_ALL || now.rx_filter == HWTSTAMP_FILTER_NTP_ALL)
		rx_filter = now.rx_filter;
	if (rx_filter == HWTSTAMP_FILTER_NONE)
		return -EOPNOTSUPP;
	return hwstamp_borrow(name, whom, now.tx_type, rx_filter);
}

/* Of an interface that is gone so are its settings. One that cannot be set now stays noted. */
static void loan_return(struct loan *loan)
{
	char name[IF_NAMESIZE];
	struct setting now;
	int r;

	if (if_indextoname(loan->ifindex, name) == NULL) {
		loan_forget(loan);
		return;
	}
	r = setting_get(name, &now);
	if (r == 0 && !same(&now, &loan->set)) {
		log_notice("%s: somebody else has set how it stamps: this stays", name);
		loan_forget(loan);
		return;
	}
	if (r == 0)
		r = hwstamp_set(name, loan->before.tx_type, loan->before.rx_filter);
	if (r < 0) {
		log_errno(r, "%s: cannot have it stamp as before", name);
		return;
	}
	log_info("%s: stamps as before (as `hwstamp_ctl -i %s -t %d -r %d`)", name, name,
		loan->before.tx_type, loan->before.rx_filter);
	loan_forget(loan);
}

void hwstamp_give_back(uint32_t ifindex, uint32_t whom)
{
	struct loan *loan = ifindex != 0 ? loan_find(ifindex) : NULL;

	if (loan == NULL)
		return;
	loan->whom &= ~whom;
	if (loan->whom == 0)
		loan_return(loan);
}

void hwstamp_give_back_rest(void)
{
	for (int i = 0; loans() && i < HWSTAMP_LOANS_MAX; i++) {
		if (loans()[i].ifindex != 0 && loans()[i].whom == 0)
			loan_return(&loans()[i]);
	}
}

size_t hwstamp_loans(
	uint32_t ifindex[HWSTAMP_LOANS_MAX], struct hwtstamp_config before[HWSTAMP_LOANS_MAX])
{
	size_t count = 0;

	for (int i = 0; loans() && i < HWSTAMP_LOANS_MAX; i++) {
		const struct loan *loan = &loans()[i];

		if (loan->ifindex == 0)
			continue;
		ifindex[count] = loan->ifindex;
		before[count++] = (struct hwtstamp_config){
			.tx_type = loan->before.tx_type, .rx_filter = loan->before.rx_filter};
	}
	return count;
}
