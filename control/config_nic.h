/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_NIC_H
#define CONTROL_CONFIG_NIC_H

/* Options of the `nic` directive. */

#include "config_table.h"

struct config_nic_option {
	const char *name; /* NULL: the table ends */
	/* Takes its value from the line. Returns false after reporting what is wrong. */
	bool (*parse)(struct config_parser *parser, struct config_nic *nic, const char *name);
	const char *value; /* what follows the name */
	const char *text;  /* the manual's sentences */
};

extern const struct config_nic_option config_nic_options[];

/* Those about time stamps. */
bool config_nic_stamps(struct config_parser *parser, struct config_nic *nic, const char *name);
bool config_nic_phc(struct config_parser *parser, struct config_nic *nic, const char *name);
bool config_nic_rxcomp(struct config_parser *parser, struct config_nic *nic, const char *name);
bool config_nic_txcomp(struct config_parser *parser, struct config_nic *nic, const char *name);
bool config_nic_txtime(struct config_parser *parser, struct config_nic *nic, const char *name);
bool config_nic_delivery(struct config_parser *parser, struct config_nic *nic, const char *name);

#endif
