/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_nic.h"
#include <string.h>
#include <strings.h>

/* The `nic` directive: a kernel interface by name, a NIC to take over by its PCI address, or
 * vdev:DEVICE. */

#define VDEV_PREFIX "vdev:"
#define PUNT_PPS    100000

#define NOT_AN_INTERFACE "is not an interface name (1 to %d characters, no '/' or ':')"

static bool queues_parse(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	double value;

	if (!config_number(parser, name, 1, MERIDIAN_POLICY_QUEUES_MAX, true, &value))
		return false;
	nic->queue_count = (uint16_t)value;
	return true;
}

static bool xdp_parse(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	const char *mode;

	(void)name;
	if (config_nic_is_virtual(nic) || config_nic_is_taken_over(nic)) {
		config_error(parser, "no XDP program is attached to a %s: leave out `xdp`",
			config_nic_is_virtual(nic) ? "virtual device" : "NIC that is taken over");
		return false;
	}
	mode = config_word_required(parser, "xdp mode (auto or generic)");
	if (mode == NULL)
		return false;
	nic->generic = strcasecmp(mode, "generic") == 0;
	if (nic->generic || strcasecmp(mode, "auto") == 0)
		return true;
	config_error(parser, "xdp '%s' is not a mode (allowed: auto, generic)", mode);
	return false;
}

static bool address_parse(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	struct config_address address;
	const char *word, *wrong;

	(void)name;
	if (!config_nic_is_virtual(nic)) {
		config_error(parser,
			"`address` is for virtual devices: an interface has those that the kernel "
			"says");
		return false;
	}
	word = config_word_required(parser, "the address");
	if (word == NULL)
		return false;
	if (!config_address_parse(word, &address)) {
		config_error(parser, "address '%s' is not an IPv4 or IPv6 address", word);
		return false;
	}
	wrong = config_server_address_check(&address);
	if (wrong != NULL) {
		config_error(parser, "address %s %s", word, wrong);
		return false;
	}
	if (nic->address_count == CONFIG_NIC_ADDRESSES_MAX) {
		config_error(parser, "more than %d addresses", CONFIG_NIC_ADDRESSES_MAX);
		return false;
	}
	nic->address[nic->address_count++] = address;
	return true;
}

static bool is_interface_name(const char *name)
{
	return name[0] != '\0' && strlen(name) < MERIDIAN_POLICY_NAME_SIZE &&
		strpbrk(name, "/:") == NULL;
}

/* For the options of such a NIC only. */
static bool taken_over_check(
	struct config_parser *parser, const struct config_nic *nic, const char *name)
{
	if (!config_nic_is_taken_over(nic))
		config_error(parser, "`%s` is for NICs that are taken over, named by a PCI address",
			name);
	return config_nic_is_taken_over(nic);
}

static bool mode_parse(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	const char *mode;

	if (!config_nic_is_taken_over(nic) && !config_nic_is_virtual(nic)) {
		config_error(parser, "`%s` is for PCI addresses and virtual devices", name);
		return false;
	}
	mode = config_word_required(parser, "mode (takeover or bifurcated)");
	if (mode == NULL)
		return false;
	nic->bifurcated = strcasecmp(mode, "bifurcated") == 0;
	if (nic->bifurcated || (strcasecmp(mode, "takeover") == 0 && !config_nic_is_virtual(nic)))
		return true;
	config_error(parser, "mode '%s' is not a mode%s (allowed: %sbifurcated)", mode,
		config_nic_is_virtual(nic) ? " of a virtual device" : "",
		config_nic_is_virtual(nic) ? "" : "takeover, ");
	return false;
}

static bool tap_parse(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	const char *tap;

	if (!taken_over_check(parser, nic, name))
		return false;
	tap = config_word_required(parser, "the TAP device's name");
	if (tap == NULL)
		return false;
	if (!is_interface_name(tap)) {
		config_error(
			parser, "tap '%s' " NOT_AN_INTERFACE, tap, MERIDIAN_POLICY_NAME_SIZE - 1);
		return false;
	}
	memset(nic->tap, 0, sizeof(nic->tap));
	strcpy(nic->tap, tap);
	nic->way_told = true;
	return true;
}

static bool punt_parse(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	double value;

	if (!taken_over_check(parser, nic, name) ||
		!config_number(
			parser, name, MERIDIAN_PUNT_MIN_PPS, MERIDIAN_PUNT_MAX_PPS, true, &value))
		return false;
	nic->punt_pps = (uint32_t)value;
	nic->way_told = true;
	return true;
}

const struct config_nic_option config_nic_options[] = {
	{"queues", queues_parse, "COUNT",
		"Receive queues that are used, 1 to 64. Default: all of an interface, one for each "
		"worker of a PCI address, one of a virtual device."},
	{"xdp", xdp_parse, "auto|generic",
		"Of an interface: generic keeps off the driver's own XDP support."},
	{"stamps", config_nic_stamps, "auto|nic|xdp",
		"Of an interface: who stamps what it receives. auto: the NIC, if its driver gives "
		"XDP the NIC's stamps, it has a clock that the kernel knows, and it can stamp all "
		"packets, which it is then told to; else the XDP program. nic: only the first of "
		"these matters, so that a NIC which stamps without being told can be used. xdp: "
		"always the XDP program. In any case a packet whose stamp is missing or cannot be "
		"right has the program's."},
	{"phc", config_nic_phc, "/dev/ptpN",
		"Of an interface: the clock of the NIC whose stamps it gives. Default: the one "
		"that the interface itself names. With `stamps nic`, for interfaces that pass on "
		"what another one has stamped, such as a veth behind a NIC; that one's filter is "
		"left to whoever set it up."},
	{"rxcomp", config_nic_rxcomp, "NS",
		"Taken off receive stamps: how many nanoseconds earlier a packet came than its "
		"stamp says, -1000000 to 1000000 (default 0)."},
	{"delivery", config_nic_delivery, "US",
		"How many microseconds the NIC may take to show a packet that it has stamped, 10 "
		"to 50000 (default 250). A stamp further before the XDP program's, or before the "
		"queue was last seen empty, is not believed, as the clock may have been set. "
		"A NIC that waits with its interrupts (`ethtool -c`: rx-usecs) needs more than it "
		"waits; `meridianctl nics` shows how long it takes. How far wrong a stamp may be "
		"when the clock is set, for the 0.1 s until that is seen, grows with it."},
	{"txcomp", config_nic_txcomp, "NS",
		"Added to transmit times: how many nanoseconds after it was handed over a reply is "
		"at the interface, -1000000 to 1000000. Default: measured where the NIC stamps "
		"transmissions, else unknown and taken as 0."},
	{"txtime", config_nic_txtime, "NS",
		"Of a PCI address: replies leave NS nanoseconds after they were handed over, 1000 "
		"to 100000, and exactly that is their transmit time. Only where the NIC sends at a "
		"given time of its clock: the dataplane names a driver that does not. So long must "
		"be enough for what lies between: `meridianctl nics` counts those that were late. "
		"While the NIC's clock is not known, replies leave at once, and txcomp counts."},
	{"mode", mode_parse, "takeover|bifurcated",
		"Of a PCI address. takeover (default): the kernel gives the NIC up for DPDK's "
		"driver. bifurcated: the kernel keeps it, with a driver that lets DPDK's in beside "
		"it (mlx5), and flow rules in the NIC bring NTP for served addresses to the "
		"dataplane. Then there is neither `tap` nor `punt`. Of a virtual device: "
		"bifurcated if its driver shares an interface of the kernel so (net_tap with "
		"remote=...), whose addresses are to be given."},
	{"tap", tap_parse, "NAME",
		"Of a PCI address: the TAP device that stands for the NIC in the kernel. Default: "
		"after the address, mnp59s0 for 0000:3b:00.0."},
	{"punt", punt_parse, "RATE",
		"Of a PCI address: how many packets a second the kernel gets, 100 to 10000000 "
		"(default 100000). More are dropped, by classes of which none starves another."},
	{"address", address_parse, "ADDRESS",
		"Of a virtual device, 1 to 16 times: an address that is served there."},
	{.name = NULL},
};

static bool option_parse(struct config_parser *parser, struct config_nic *nic, const char *word)
{
	for (const struct config_nic_option *option = config_nic_options; option->name; option++) {
		if (strcasecmp(option->name, word) == 0)
			return option->parse(parser, nic, option->name);
	}
	config_error(parser, "unknown option '%s'", word);
	return false;
}

struct pci_address {
	unsigned int domain, bus, device, function;
};

static bool pci_parse(const char *word, struct pci_address *ret_pci)
{
	static const char digits[] = "0123456789abcdefABCDEF:.";
	struct pci_address pci = {.domain = 0};
	int length = 0;

	if (word[strspn(word, digits)] != '\0')
		return false;
	if (sscanf(word, "%4x:%2x:%2x.%1x%n", &pci.domain, &pci.bus, &pci.device, &pci.function,
		    &length) != 4) {
		pci.domain = 0;
		if (sscanf(word, "%2x:%2x.%1x%n", &pci.bus, &pci.device, &pci.function, &length) !=
			3)
			return false;
	}
	*ret_pci = pci;
	return word[length] == '\0' && pci.device < 32 && pci.function < 8;
}

/* As systemd names interfaces by where they are: mnp59s0, mnP1p2s3f1. */
static bool tap_name(
	struct config_parser *parser, struct config_nic *nic, const struct pci_address *pci)
{
	char domain[16] = "", function[16] = "";
	int length;

	if (pci->domain != 0)
		snprintf(domain, sizeof(domain), "P%u", pci->domain);
	if (pci->function != 0)
		snprintf(function, sizeof(function), "f%u", pci->function);
	length = snprintf(nic->tap, sizeof(nic->tap), "mn%sp%us%u%s", domain, pci->bus, pci->device,
		function);
	if (length < (int)sizeof(nic->tap))
		return true;
	config_error(parser, "%s: its domain is above 9999", nic->name);
	return false;
}

static bool pci_take(
	struct config_parser *parser, struct config_nic *nic, const struct pci_address *pci)
{
	snprintf(nic->name, sizeof(nic->name), "%04x:%02x:%02x.%x", pci->domain & 0xffff,
		pci->bus & 0xff, pci->device & 31, pci->function & 7);
	nic->punt_pps = PUNT_PPS;
	return tap_name(parser, nic, pci);
}

static bool interface_take(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	struct pci_address pci;

	if (pci_parse(name, &pci))
		return pci_take(parser, nic, &pci);
	if (!is_interface_name(name)) {
		config_error(parser, "'%s' " NOT_AN_INTERFACE "%s", name,
			MERIDIAN_POLICY_NAME_SIZE - 1,
			strchr(name, ':') ? ", nor the PCI address of a NIC (0000:3b:00.0)" : "");
		return false;
	}
	strcpy(nic->name, name);
	return true;
}

/* Driver and number: net_ring0. */
static bool is_device_name(const char *text, size_t length)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const size_t prefix = strlen(MERIDIAN_POLICY_DRIVER_PREFIX);

	return strncmp(text, MERIDIAN_POLICY_DRIVER_PREFIX, prefix) == 0 && length > prefix &&
		length < prefix + MERIDIAN_POLICY_NAME_SIZE && strspn(text, characters) >= length;
}

static bool is_graphic(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

/* What is wrong with `text`, a name of `length` and arguments, as a device; NULL: nothing. */
static const char *device_check(const char *text, size_t length)
{
	static const char af_xdp[] = "net_af_xdp";

	if (!is_device_name(text, length))
		return "is not the name of a virtual device (net_ and 1 to 15 letters, digits or "
		       "'_', such as net_memif0)";
	if (strncmp(text, af_xdp, strlen(af_xdp)) == 0)
		return "is AF_XDP on an interface of the kernel: name the interface instead";
	if (!is_graphic(text))
		return "has arguments with other than printable ASCII characters";
	return NULL;
}

static bool device_take(struct config_parser *parser, struct config_nic *nic, const char *text)
{
	size_t length = strcspn(text, ",");
	const char *wrong = device_check(text, length);

	if (wrong) {
		config_error(parser, VDEV_PREFIX "'%.*s' %s", (int)length, text, wrong);
		return false;
	}
	if (strlen(text) >= sizeof(nic->device.text)) {
		config_error(parser, "%.*s: name and arguments are longer than %zu characters",
			(int)length, text, sizeof(nic->device.text) - 1);
		return false;
	}
	strcpy(nic->device.text, text);
	length -= strlen(MERIDIAN_POLICY_DRIVER_PREFIX);
	memcpy(nic->name, text + strlen(MERIDIAN_POLICY_DRIVER_PREFIX), length);
	return true;
}

/* Names of NICs and of their TAP devices are one namespace. */
static bool name_check(struct config_parser *parser, const char *name)
{
	const struct config *config = parser->config;

	for (size_t i = 0; i < config->nic_count; i++) {
		if (strcmp(config->nic[i].name, name) == 0 ||
			strcmp(config->nic[i].tap, name) == 0) {
			config_error(parser, "%s is there already", name);
			return false;
		}
	}
	return true;
}

static bool name_take(struct config_parser *parser, struct config_nic *nic, const char *word)
{
	const size_t prefix = strlen(VDEV_PREFIX);

	if (strncasecmp(word, VDEV_PREFIX, prefix) == 0) {
		if (!device_take(parser, nic, word + prefix))
			return false;
	} else if (!interface_take(parser, nic, word)) {
		return false;
	}
	return name_check(parser, nic->name);
}

/* In whatever order the options came, a NIC that the kernel keeps has no TAP device. */
static bool mode_check(struct config_parser *parser, struct config_nic *nic)
{
	if (!nic->bifurcated)
		return true;
	if (nic->way_told) {
		config_error(parser,
			"mode bifurcated: the kernel keeps %s: leave out `tap` and `punt`",
			nic->name);
		return false;
	}
	memset(nic->tap, 0, sizeof(nic->tap));
	nic->punt_pps = 0;
	return true;
}

void config_parse_nic(struct config_parser *parser, const struct config_directive *row)
{
	struct config *config = parser->config;
	struct config_nic nic = {.queue_count = 0};
	const char *word = config_word_required(parser, "the interface name");

	(void)row;
	if (word == NULL || !name_take(parser, &nic, word))
		return;
	while ((word = config_word(parser))) {
		if (!option_parse(parser, &nic, word))
			return;
	}
	if (!mode_check(parser, &nic))
		return;
	if (config_nic_is_taken_over(&nic) && !name_check(parser, nic.tap))
		return;
	if (config_nic_is_virtual(&nic) && nic.address_count == 0)
		config_error(parser,
			"%s: an `address` is missing: a virtual device has none of the kernel",
			nic.name);
	else if (config->nic_count == MERIDIAN_POLICY_NICS_MAX)
		config_error(parser, "more than %d interfaces", MERIDIAN_POLICY_NICS_MAX);
	else
		config->nic[config->nic_count++] = nic;
}
