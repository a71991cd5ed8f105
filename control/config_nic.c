/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"
#include <string.h>
#include <strings.h>

/* The `nic` directive: a kernel interface by name, or vdev:DEVICE. */

#define VDEV_PREFIX "vdev:"

static bool queues_parse(struct config_parser *parser, struct config_nic *nic)
{
	double value;

	if (!config_number(parser, "queues", 1, MERIDIAN_POLICY_QUEUES_MAX, true, &value))
		return false;
	nic->queue_count = (uint16_t)value;
	return true;
}

static bool mode_parse(struct config_parser *parser, struct config_nic *nic)
{
	const char *mode;

	if (config_nic_is_virtual(nic)) {
		config_error(parser,
			"no XDP program is attached to a virtual device: leave out "
			"`xdp`");
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

static bool comp_parse(struct config_parser *parser, const char *name, int32_t *ret_ns)
{
	double value;

	if (!config_number(parser, name, -MERIDIAN_POLICY_COMP_MAX_NS, MERIDIAN_POLICY_COMP_MAX_NS,
		    true, &value))
		return false;
	*ret_ns = (int32_t)value;
	return true;
}

static bool address_parse(struct config_parser *parser, struct config_nic *nic)
{
	struct config_address address;
	const char *word, *wrong;

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

static bool option_parse(struct config_parser *parser, struct config_nic *nic, const char *word)
{
	if (strcasecmp(word, "queues") == 0)
		return queues_parse(parser, nic);
	if (strcasecmp(word, "xdp") == 0)
		return mode_parse(parser, nic);
	if (strcasecmp(word, "rxcomp") == 0)
		return comp_parse(parser, "rxcomp", &nic->rxcomp_ns);
	if (strcasecmp(word, "txcomp") == 0)
		return comp_parse(parser, "txcomp", &nic->txcomp_ns);
	if (strcasecmp(word, "address") == 0)
		return address_parse(parser, nic);
	config_error(parser, "unknown option '%s'", word);
	return false;
}

static bool is_pci_address(const char *word)
{
	unsigned int domain, bus, device, function;
	int length = 0;

	if (sscanf(word, "%x:%x:%x.%x%n", &domain, &bus, &device, &function, &length) == 4)
		return word[length] == '\0';
	length = 0;
	return sscanf(word, "%x:%x.%x%n", &bus, &device, &function, &length) == 3 &&
		word[length] == '\0';
}

static bool interface_take(struct config_parser *parser, struct config_nic *nic, const char *name)
{
	if (is_pci_address(name)) {
		config_error(parser,
			"%s: taking over a PCI device is not supported by this version; name the "
			"kernel's interface",
			name);
		return false;
	}
	if (strlen(name) >= MERIDIAN_POLICY_NAME_SIZE || strchr(name, '/')) {
		config_error(parser, "'%s' is not an interface name (1 to %d characters, no '/')",
			name, MERIDIAN_POLICY_NAME_SIZE - 1);
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

static bool name_take(struct config_parser *parser, struct config_nic *nic, const char *word)
{
	const struct config *config = parser->config;
	const size_t prefix = strlen(VDEV_PREFIX);

	if (strncasecmp(word, VDEV_PREFIX, prefix) == 0) {
		if (!device_take(parser, nic, word + prefix))
			return false;
	} else if (!interface_take(parser, nic, word)) {
		return false;
	}
	for (size_t i = 0; i < config->nic_count; i++) {
		if (strcmp(config->nic[i].name, nic->name) == 0) {
			config_error(parser, "%s is there already", nic->name);
			return false;
		}
	}
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
	if (config_nic_is_virtual(&nic) && nic.address_count == 0)
		config_error(parser,
			"%s: an `address` is missing: a virtual device has none of the kernel",
			nic.name);
	else if (config->nic_count == MERIDIAN_POLICY_NICS_MAX)
		config_error(parser, "more than %d interfaces", MERIDIAN_POLICY_NICS_MAX);
	else
		config->nic[config->nic_count++] = nic;
}
