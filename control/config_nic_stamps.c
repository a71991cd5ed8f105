/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_nic.h"
#include <string.h>
#include <strings.h>

/* What `nic` lines say about time stamps. */

#define PHC_PREFIX "/dev/ptp"
#define PHC_MAX    65534

bool config_nic_stamps(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	static const char *const words[] = {[CONFIG_NIC_STAMPS_AUTO] = "auto",
		[CONFIG_NIC_STAMPS_NIC] = "nic",
		[CONFIG_NIC_STAMPS_XDP] = "xdp"};
	const char *word;

	if (config_nic_is_virtual(nic) || config_nic_is_taken_over(nic)) {
		config_error(parser, "`%s` is for interfaces: DPDK's drivers stamp where they can",
			name);
		return false;
	}
	word = config_word_required(parser, "who stamps (auto, nic or xdp)");
	for (uint8_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		nic->stamps = i;
		if (strcasecmp(word, words[i]) == 0)
			return true;
	}
	if (word != NULL)
		config_error(parser, "stamps '%s' is not known (allowed: auto, nic, xdp)", word);
	return false;
}

bool config_nic_phc(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	static const char digits[] = "0123456789";
	unsigned int index = 0;
	const char *word;
	int length = 0;

	if (config_nic_is_virtual(nic) || config_nic_is_taken_over(nic)) {
		config_error(
			parser, "`%s` is for interfaces: DPDK's drivers know their clock", name);
		return false;
	}
	word = config_word_required(parser, "the clock (/dev/ptpN)");
	if (word == NULL)
		return false;
	if (sscanf(word, PHC_PREFIX "%5u%n", &index, &length) != 1 || word[length] != '\0' ||
		strspn(word + strlen(PHC_PREFIX), digits) == 0 || index > PHC_MAX) {
		config_error(parser,
			"phc '%s' is not a PTP clock (" PHC_PREFIX "0 to " PHC_PREFIX "%d)", word,
			PHC_MAX);
		return false;
	}
	nic->phc = (uint16_t)(index + 1);
	return true;
}

static bool ns_parse(struct config_parser *parser, const char *name, int32_t *ret_ns)
{
	double value;

	if (!config_number(parser, name, -MERIDIAN_POLICY_COMP_MAX_NS, MERIDIAN_POLICY_COMP_MAX_NS,
		    true, &value))
		return false;
	*ret_ns = (int32_t)value;
	return true;
}

bool config_nic_rxcomp(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	return ns_parse(parser, name, &nic->rxcomp_ns);
}

bool config_nic_txcomp(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	return ns_parse(parser, name, &nic->txcomp_ns);
}

bool config_nic_txtime(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	double value;

	if (!config_nic_is_virtual(nic) && !config_nic_is_taken_over(nic)) {
		config_error(
			parser, "`txtime` is for NICs that are taken over: AF_XDP sends at once");
		return false;
	}
	if (!config_number(
		    parser, name, MERIDIAN_TXTIME_MIN_NS, MERIDIAN_TXTIME_MAX_NS, true, &value))
		return false;
	nic->txtime_ns = (uint32_t)value;
	return true;
}

bool config_nic_delivery(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	double value;

	if (!config_number(
		    parser, name, MERIDIAN_DELIVERY_MIN_US, MERIDIAN_DELIVERY_MAX_US, true, &value))
		return false;
	nic->delivery_us = (uint32_t)value;
	return true;
}
