/* SPDX-License-Identifier: BSD-3-Clause */
#include "show.h"
#include "xdp_features.h"
#include <errno.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA 1

/* --- words for both -----------------------------------------------------------------------------
 */

static const char *driver(const struct nic *nic)
{
	return nic->use == NIC_AF_XDP ? nic->card.driver : nic->pci.driver;
}

static const char *filter(const struct nic *nic)
{
	switch (nic->interface[0] != '\0' ? hwstamp_rx_filter(&nic->card.stamping)
					  : HWTSTAMP_FILTER_NONE) {
	case HWTSTAMP_FILTER_NTP_ALL:
		return "ntp";
	case HWTSTAMP_FILTER_ALL:
		return "all";
	default:
		return "none";
	}
}

/* What is set; NULL: the driver does not tell. */
static const char *filter_now(const struct card *card)
{
	if (!card->has_stamps)
		return NULL;
	switch (card->stamps.rx_filter) {
	case HWTSTAMP_FILTER_NONE:
		return "none";
	case HWTSTAMP_FILTER_ALL:
		return "all";
	case HWTSTAMP_FILTER_SOME:
		return "some";
	case HWTSTAMP_FILTER_NTP_ALL:
		return "ntp";
	default:
		return "ptp";
	}
}

static const char *xdp(const struct card *card)
{
	if (!card->has_xdp)
		return "unknown";
	if ((card->xdp & XDP_FEATURES_NATIVE) != XDP_FEATURES_NATIVE)
		return "generic";
	return card->xdp & XDP_FEATURES_ZERO_COPY ? "native, zero-copy" : "native";
}

/* --- text ---------------------------------------------------------------------------------------
 */

static void show_place(const struct nic *nic, FILE *out)
{
	const struct pci *pci = &nic->pci;

	fprintf(out, "%s: ", nic->name);
	if (driver(nic)[0] != '\0')
		fprintf(out, "driver %s", driver(nic));
	else
		fprintf(out, "no driver");
	if (nic->use != NIC_AF_XDP && nic->interface[0] != '\0')
		fprintf(out, ", interface %s", nic->interface);
	if (nic->address[0] == '\0') {
		fprintf(out, ", no PCI device\n");
		return;
	}
	fprintf(out, ", PCI %s", nic->address);
	if (pci->node >= 0)
		fprintf(out, ", NUMA node %d", pci->node);
	if (pci->iommu_group < 0)
		fprintf(out, ", no IOMMU\n");
	else if (pci->others == 0)
		fprintf(out, ", alone in IOMMU group %d\n", pci->iommu_group);
	else
		fprintf(out, ", in IOMMU group %d with %u other%s\n", pci->iommu_group, pci->others,
			pci->others == 1 ? "" : "s");
}

static void show_use(const struct nic *nic, FILE *out)
{
	if (nic->use == NIC_TAKEOVER)
		fprintf(out, "  use: takeover by " PCI_VFIO ": DPDK's own driver has the NIC\n");
	if (nic->use == NIC_TAKEOVER && nic->link.mtu > ETHERMTU)
		fprintf(out, "  MTU: %u, which is the TAP device's to have then\n", nic->link.mtu);
	if (nic->use == NIC_BIFURCATED)
		fprintf(out,
			"  use: bifurcated: the kernel keeps the NIC, DPDK has queues of it; in "
			"the config: nic %s mode bifurcated\n",
			nic->name);
	if (nic->use == NIC_AF_XDP)
		fprintf(out, "  use: AF_XDP; XDP: %s\n",
			nic->card.has_xdp ? xdp(&nic->card) : "not told by this kernel");
}

static void show_card(const struct nic *nic, FILE *out)
{
	const struct card *card = &nic->card;

	fprintf(out, "  queues: %u of %u", card_queues(card), card_queues_max(card));
	if (card->table_size > 0)
		fprintf(out, ", RSS table of %zu", card->table_size);
	fprintf(out, "\n  time stamps: ");
	if (strcmp(filter(nic), "none") == 0)
		fprintf(out, "none of NTP by the card");
	else
		fprintf(out, "by the card, filter %s", filter(nic));
	if (filter_now(card) != NULL)
		fprintf(out, ", now %s", filter_now(card));
	if (card->stamping.phc >= 0)
		fprintf(out, ", clock /dev/ptp%d", card->stamping.phc);
	if (card->xdp_metadata & XDP_FEATURES_STAMPS)
		fprintf(out, ", XDP can have them");
	fputc('\n', out);
}

void show_nic(const struct nic *nic, FILE *out)
{
	show_place(nic, out);
	show_use(nic, out);
	if (nic->interface[0] != '\0')
		show_card(nic, out);
	if (nic->carries_default)
		fprintf(out, "  the default route leads out of it\n");
}

/* --- JSON ---------------------------------------------------------------------------------------
 */

static json_t *number_or_null(int number)
{
	return number >= 0 ? json_integer(number) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

static void card_add(json_t *object, const struct nic *nic)
{
	const struct card *card = &nic->card;

	json_object_set_new(object, "queues", json_integer(card_queues(card)));
	json_object_set_new(object, "queues_max", json_integer(card_queues_max(card)));
	json_object_set_new(object, "rss_table", json_integer((json_int_t)card->table_size));
	json_object_set_new(object, "xdp", json_string(xdp(card)));
	json_object_set_new(
		object, "xdp_stamps", json_boolean(card->xdp_metadata & XDP_FEATURES_STAMPS));
	json_object_set_new(object, "stamp_filter", json_string(filter(nic)));
	json_object_set_new(object, "stamp_filter_now", text_or_null(filter_now(card)));
	json_object_set_new(object, "phc", number_or_null(card->stamping.phc));
}

static json_t *nic_json(const struct nic *nic)
{
	json_t *object = json_object();

	json_object_set_new(object, "nic", json_string(nic->name));
	json_object_set_new(object, "use", json_string(nic_use_name(nic->use)));
	json_object_set_new(object, "driver", text_or_null(driver(nic)));
	json_object_set_new(object, "interface", text_or_null(nic->interface));
	json_object_set_new(object, "pci", text_or_null(nic->address));
	json_object_set_new(object, "default_route", json_boolean(nic->carries_default));
	if (nic->address[0] != '\0') {
		json_object_set_new(object, "numa_node", number_or_null(nic->pci.node));
		json_object_set_new(object, "iommu_group", number_or_null(nic->pci.iommu_group));
		json_object_set_new(object, "iommu_others", json_integer(nic->pci.others));
	}
	if (nic->interface[0] != '\0')
		card_add(object, nic);
	return object;
}

/* The commands of a step, as an array of lines. */
static void commands_add(json_t *array, const struct step *step)
{
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (stream == NULL)
		return;
	step_print(step, false, "", stream);
	fclose(stream);
	for (line = text; line && *line != '\0'; line = rest) {
		rest = line + strcspn(line, "\n");
		if (*rest != '\0')
			*rest++ = '\0';
		json_array_append_new(array, json_string(line));
	}
	free(text);
}

int show_json(const struct nic *nics, size_t count, const struct steps *steps, const char *refusal,
	FILE *out)
{
	json_t *list = json_array(), *plan = json_array(), *object;
	int r;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, nic_json(&nics[i]));
	for (size_t i = 0; i < steps->count; i++)
		commands_add(plan, &steps->step[i]);
	object = json_pack("{si so so so}", "schema", SCHEMA, "nics", list, "plan", plan, "refused",
		text_or_null(refusal));
	r = object != NULL && json_dumpf(object, out, JSON_INDENT(2)) == 0 ? 0 : -ENOMEM;
	fputc('\n', out);
	json_decref(object);
	return r;
}
