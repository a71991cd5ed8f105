/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_H
#define CONTROL_CONFIG_H

/*
 * The configuration: chrony's grammar (one directive a line, keywords without regard to case,
 * comments from '!', ';', '#' or '%' at the start of a line), our own directives beside it.
 * One table, in config_table.c, feeds the parser, the manual page and the example.
 */

#include "core/discipline.h"
#include <meridian/keys.h>
#include <meridian/policy.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_PATH_DEFAULT      "/etc/meridian/meridian.conf"
#define CONFIG_PATH_SIZE         256
#define CONFIG_LEAP_LIST_DEFAULT "/usr/share/zoneinfo/leap-seconds.list"
#define CONFIG_NAME_SIZE         256 /* host name, NUL included */
#define CONFIG_PARAMETER_SIZE    200
#define CONFIG_SOURCES_MAX       16
#define CONFIG_REFCLOCKS_MAX     8
#define CONFIG_BIND_MAX          64
#define CONFIG_INCLUDE_MAX       10 /* files in files */
#define CONFIG_DIRECTORIES_MAX   10 /* of a `confdir`, and of all `sourcedir` */
#define CONFIG_FILES_MAX         1000
#define CONFIG_NIC_ADDRESSES_MAX 16

/* Whether and how a source may be selected. */
struct config_select {
	bool prefer, noselect, trust, require;
};

/* A line of the file, or of one that it includes. */
struct config_place {
	unsigned int line; /* 0: none */
	uint16_t file;     /* 0: the file itself */
};

/* What can be said of a source of any kind. */
struct config_source {
	struct config_select written; /* in its line */
	struct config_select select;  /* in effect: `authselectmode` adds to it */
	double offset_s;              /* correction added to each measured offset */
};

/* `presend` is never wanted: no interval is that long. */
#define CONFIG_PRESEND_NEVER 100

struct config_server {
	struct config_source source;
	char name[CONFIG_NAME_SIZE]; /* numeric address or host name, as written */
	uint16_t port;               /* 123 */
	uint32_t key;                /* that signs requests and replies; 0: none */
	struct config_place place;
	bool tolerant;                     /* of `sourcedir`: left out when its key is not there */
	uint8_t version;                   /* of the requests, 4 */
	uint8_t family;                    /* of the addresses wanted, MERIDIAN_FAMILY_*; 0: any */
	int8_t minpoll_log2, maxpoll_log2; /* 6, 10 */
	int8_t presend_log2; /* from this interval on, a request ahead of each that counts */
	uint8_t filter;      /* polls of which the best sample counts, 1 */
	uint8_t max_sources; /* of a pool, 4 */
	bool pool;           /* each source has an address of its own; else there is one source */
	bool iburst, burst, xleave;
	double asymmetry;   /* of the path's queueing: -0.5 all of it there, 0.5 all of it back */
	double max_delay_s; /* above it a sample is not used, 3 */
	double max_delay_ratio;     /* the same, times the least delay; 0: no such limit */
	double max_delay_dev_ratio; /* half the delay above the least one, times the typical error
				       of a sample; 0: no such limit */
};

enum config_refclock_driver {
	CONFIG_REFCLOCK_SHM,
	CONFIG_REFCLOCK_SOCK,
	CONFIG_REFCLOCK_PHC,
	CONFIG_REFCLOCK_PPS,
};

struct config_refclock {
	struct config_source source;
	uint8_t driver;                        /* enum config_refclock_driver */
	char parameter[CONFIG_PARAMETER_SIZE]; /* unit or path, without what is behind a ':' */
	uint32_t refid;                        /* host order */
	uint32_t lock_refid;                   /* whose readings complete the pulses; 0: none */
	int8_t poll_log2, dpoll_log2;          /* 4, 0: a sample, and a look for readings */
	uint8_t filter;                        /* readings kept in a poll, 64 */
	uint8_t stratum;                       /* 0 */
	uint16_t mode;                         /* SHM: permissions of a new segment, 0600 */
	uint16_t rate_hz;                      /* pulses a second, 1 */
	uint16_t max_lock_age;                 /* of a reading to lock to, in pulses, 2 */
	bool pps;                              /* only the part of a second counts */
	bool clear;                            /* PPS and extpps: the falling edge */
	bool tai;                              /* the clock runs in TAI */
	bool nocrossts;                        /* PHC: no cross timestamps */
	bool extpps;                           /* PHC: its stamps of pulses, not its time */
	uint8_t pin, channel;                  /* extpps: where the pulses come in, 0 */
	double delay_s;                        /* added to the root delay, 1e-9 */
	double precision_s;                    /* 0: that of the counter */
	double max_dispersion_s;               /* 0: no limit */
	double width_s;                        /* of a pulse; 0: only one edge is seen */
	struct config_place place;
};

struct config_address {
	uint8_t octets[16];
	uint8_t family; /* MERIDIAN_FAMILY_* */
	uint8_t reserved[3];
	uint32_t scope; /* index of the interface of an IPv6 link-local server; else 0 */
};

enum config_nic_stamps {
	CONFIG_NIC_STAMPS_AUTO, /* by the NIC where it and its driver can, else by XDP */
	CONFIG_NIC_STAMPS_NIC,  /* by the NIC if its driver gives them, whatever else is missing */
	CONFIG_NIC_STAMPS_XDP,
};

struct config_nic {
	char name[MERIDIAN_POLICY_NAME_SIZE]; /* as in the policy */
	uint16_t queue_count; /* 0: all receive queues the interface has; one of a virtual device;
				 one for each worker of a NIC that is named by its PCI address */
	bool generic;         /* force XDP generic mode */
	uint8_t stamps;       /* enum config_nic_stamps */
	uint16_t phc;         /* the NIC's clock is /dev/ptp(phc - 1); 0: whichever it says */
	int32_t rxcomp_ns;    /* packets come so much earlier than their stamps say */
	uint32_t
		delivery_us; /* the NIC keeps packets that it has stamped at most so long; 0: 250 */
	int32_t txcomp_ns;   /* replies are at the interface so much after T3 */
	uint32_t txtime_ns;  /* the NIC sends replies so much after they are handed over; 0: at
				once. Not of a kernel interface */
	/* Of a virtual device: */
	struct meridian_policy_device device;                    /* "": a kernel interface */
	struct config_address address[CONFIG_NIC_ADDRESSES_MAX]; /* served there */
	size_t address_count;
	bool bifurcated; /* DPDK has a PCI or a virtual device beside the kernel */
	/* Of a NIC that is taken over: */
	char tap[MERIDIAN_POLICY_NAME_SIZE]; /* its TAP device; "": another kind of NIC */
	uint32_t punt_pps;                   /* for the kernel, 100000 */
	bool way_told;                       /* one of these stands in the file */
};

static inline bool config_nic_is_virtual(const struct config_nic *nic)
{
	return nic->device.text[0] != '\0';
}

static inline bool config_nic_is_taken_over(const struct config_nic *nic)
{
	return nic->tap[0] != '\0';
}

/* Of a NIC that is named by its PCI address, of either mode. */
static inline bool config_nic_is_pci(const struct config_nic *nic)
{
	return config_nic_is_taken_over(nic) || (nic->bifurcated && !config_nic_is_virtual(nic));
}

#define CONFIG_HWTIMESTAMPS_MAX 8

enum config_rxfilter {
	CONFIG_RXFILTER_AUTO, /* ntp, else all, else none, by what the card can */
	CONFIG_RXFILTER_NONE,
	CONFIG_RXFILTER_NTP,
	CONFIG_RXFILTER_ALL,
	CONFIG_RXFILTER_PTP,
};

/* An interface whose card stamps our packets. */
struct config_hwtimestamp {
	char name[IFNAMSIZ]; /* "*": all that can */
	int8_t minpoll_log2; /* between readings of the card's clock, 0 */
	uint8_t rxfilter;    /* enum config_rxfilter */
	bool nocrossts;
	double precision_s; /* of reading it, 1e-7 */
	double txcomp_s, rxcomp_s;
};

/* What authenticated servers mean for the others. */
enum config_auth_select {
	CONFIG_AUTH_REQUIRE,
	CONFIG_AUTH_PREFER,
	CONFIG_AUTH_MIX,
	CONFIG_AUTH_IGNORE,
};

struct config_rule {
	struct meridian_policy_access access;
	bool all; /* `allow all` / `deny all`: overrides narrower rules given before */
};

struct config {
	char path[CONFIG_PATH_SIZE];
	struct config_server server[CONFIG_SOURCES_MAX];
	size_t server_count;
	struct config_refclock refclock[CONFIG_REFCLOCKS_MAX];
	size_t refclock_count;
	struct config_hwtimestamp hwtimestamp[CONFIG_HWTIMESTAMPS_MAX];
	size_t hwtimestamp_count;
	struct config_nic nic[MERIDIAN_POLICY_NICS_MAX];
	size_t nic_count;
	struct config_rule *rule; /* in the order written; owned */
	size_t rule_count;
	char keyfile[CONFIG_PATH_SIZE];  /* "": none */
	struct meridian_keys_blob *keys; /* what is in it; owned; NULL: no file */
	bool insecure_keys;              /* insecurekeys: MD5 and SHA1 may be */
	uint8_t auth_select;             /* authselectmode: enum config_auth_select */
	int8_t ratelimit_interval_log2;  /* seconds for a request of a source; -5 */
	uint8_t ratelimit_burst;         /* requests at once, 128; 0: no limit */
	uint8_t ratelimit_leak_log2;     /* above it one in 2^this is answered; 0: none */
	uint8_t ratelimit_rollup_log2;   /* an IPv6 /56 has 2^this times a /64's, 3 */
	uint8_t ratelimit_kod_log2;      /* one in 2^this of those dropped is told so, 0: none */
	uint16_t ratelimit_kod_after_s;  /* once its source has been above the limit so long, 240 */
	struct meridian_policy_access kod_exempt[MERIDIAN_POLICY_KOD_EXEMPT_MAX];
	size_t kod_exempt_count;
	bool no_client_log;          /* noclientlog: who asks is not written down */
	bool ntpv5;                  /* ntpv5: version 5 is served too */
	uint32_t interleave_entries; /* interleaved: replies kept, 65536; 0: none */
	uint8_t smear_shape;         /* MERIDIAN_SMEAR_* */
	uint32_t smear_duration_s;
	struct config_address smear[CONFIG_BIND_MAX]; /* addresses where leap seconds are smeared */
	size_t smear_count;
	struct config_address bind[CONFIG_BIND_MAX]; /* bindaddress; none: all served addresses */
	size_t bind_count;
	uint32_t worker_core[MERIDIAN_POLICY_WORKERS_MAX]; /* none: one worker, on the last core */
	size_t worker_count;
	uint8_t local_stratum;      /* 0: no `local` */
	double local_distance_s;    /* root distance above which `local` takes over */
	uint8_t counter_id;         /* MERIDIAN_COUNTER_NONE: choose */
	uint8_t hugepages;          /* MERIDIAN_HUGEPAGES_* */
	uint16_t idle_sleep_us;     /* idlesleep: longest nap that no packet ends, 500; 0: none */
	uint32_t memory_mb;         /* for packet buffers; 0: by need */
	double max_clock_error_ppm; /* maxclockerror: drift a clock may have unseen, 1 */
	double max_distance_s;      /* maxdistance: sources above it are not used, 3 */
	double max_error_s;         /* maxerror: bound above which nothing is served, 3 */
	double max_jitter_s;        /* maxjitter: the same for the jitter of their samples, 1 */
	uint32_t min_sources;       /* minsources: that many must agree, 1 */
	double clock_precision_s;   /* clockprecision; 0: measure */
	bool steer_clock;           /* steerclock: the kernel's clock follows the model */
	struct discipline_config kernel_clock; /* how */
	char script[CONFIG_PATH_SIZE];         /* refclock SCRIPT; "": none */
	uint32_t holdover_s; /* how long the clock goes on without sources, or control, 86400 */
	char rundir[CONFIG_PATH_SIZE];
	char driftfile[CONFIG_PATH_SIZE];      /* "": none */
	char modellog[CONFIG_PATH_SIZE];       /* "": none */
	char leapseclist[CONFIG_PATH_SIZE];    /* "": none */
	char pidfile[CONFIG_PATH_SIZE];        /* "": none */
	char bindcmdaddress[CONFIG_PATH_SIZE]; /* unix socket; "": RUNDIR/control.sock; "/": none */
	struct config_address bindcmd[2];      /* addresses of the UDP command socket, IPv4, IPv6 */
	uint16_t cmdport;                      /* UDP command port; 0: none */
	char user[64];                         /* "": keep running as who started us */
};

/*
 * Reads and checks `path`. On success returns 0 and `config` is complete (give it to
 * config_free()). On failure returns -EINVAL after writing one line per error to `errors`, as
 * "file:line: message", or the negative errno of opening the file, with its line written too.
 * Warnings (directives accepted without effect) go to `errors` as well and do not fail.
 */
int config_load(struct config *config, const char *path, FILE *errors);

/*
 * The same in steps, between which other work is done: config_reader_open() as config_load(), then
 * config_reader_step() for up to `lines` lines at a time until it returns 1: `config` is complete;
 * or a negative errno as config_load(). The check of the whole, with the key file, is part of the
 * last step. Whoever does not get to a 1 gives `config` to config_free() all the same.
 */
struct config_reader;

int config_reader_open(
	struct config_reader **ret_reader, struct config *config, const char *path, FILE *errors);
int config_reader_step(struct config_reader *reader, size_t lines);

/* NULL is legal. */
void config_reader_close(struct config_reader *reader);

void config_free(struct config *config);

/* Writes the config as it is in effect, defaults included, one directive a line. */
void config_dump(const struct config *config, FILE *out);

/* The same of what is about control itself, not about NICs, clients and the dataplane. */
void config_dump_own(const struct config *config, FILE *out);

/* Writes the names of the directives that differ between two dumps and that a reload does not take
 * over, with commas between them; but not of one that needs another that differs. The order counts
 * within one directive. Returns how many. */
unsigned int config_difference(const char *before, const char *after, FILE *out);

#endif
