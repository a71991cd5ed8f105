/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"

#define TEXT_OF_(constant) #constant
#define TEXT_OF(constant)  TEXT_OF_(constant)

/* Which parser sets which member of the config. */
#define MEMBER(parser, name) .parse = (parser), .offset = offsetof(struct config, name)
/* The least and the most that are allowed. */
#define RANGE(least, most) .min = (least), .max = (most)
/* Of that class, and a reload takes it over. */
#define LIVE(of) .class = (of), .live = true

const struct config_directive config_table[] = {
	/* Time sources. */
	{.name = "server",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_server,
		.syntax = "NAME [OPTION ...]",
		.text = "An upstream NTP server, by address or host name; there may be up to 16 "
			"sources. An IPv6 link-local address needs its interface, as in "
			"fe80::1%eth0. The options stand below, under SERVER OPTIONS.",
		.example = "ntp1.example.net iburst"},
	{.name = "pool",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_server,
		.syntax = "NAME [OPTION ...]",
		.text = "A name with many addresses: up to maxsources of them (default 4) are "
			"asked, each as a server of its own, none that another source has. One "
			"that does not answer 8 polls, is a falseticker for 8, or denies us "
			"service is replaced, the name being looked up again for that. The "
			"options are those of server.",
		.example = "pool.example.net iburst maxsources 4"},
	{.name = "refclock",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_refclock,
		.syntax = "SHM UNIT | SOCK PATH | PHC PATH | PPS PATH | SCRIPT PATH, with "
			  "[:OPTION[=VALUE]]..., "
			  "[OPTION]...",
		.text = "A reference clock; may be repeated up to 8 times. SHM reads the shared "
			"memory that writers for ntpd's driver 28 know, and makes it where it is "
			"not there. SOCK makes a unix socket for the datagrams of chrony's "
			"driver of that name; who may write to it, our user alone, is believed. "
			"gpsd writes both. PHC reads the hardware clock of a network card or a "
			"hypervisor (/dev/ptp0), PPS the kernel's stamps of a pulse (/dev/pps0). "
			"A clock that is not there, or is lost, is opened when it comes. The "
			"options of a driver follow its parameter, the others the line; see "
			"REFERENCE CLOCKS. SCRIPT is none: with it the time served is this "
			"host's with the errors that a script says, to test clients; see SCRIPTS.",
		.example = "#SHM 0 refid GPS delay 0.2"},
	{.name = "hwtimestamp",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_hwtimestamp,
		.syntax = "INTERFACE|* [OPTION ...] [rxfilter none|ntp|all|ptp]",
		.text = "The card of the interface, or every card that can, stamps the packets "
			"of upstream servers, which makes samples better by what the kernel's "
			"interrupts take. The options stand under HARDWARE TIME STAMPS. A card "
			"that cannot is named in the log, and the kernel's stamps are used. "
			"Transmit stamps come late; servers asked with xleave make use of all of "
			"them. rxfilter says what the card stamps on receipt (default: NTP "
			"packets, else all, else none, by what it can). What was set before is "
			"given back at the end (meridian-control(8), TIME STAMPS).",
		.example = "#*"},
	{.name = "local",
		.class = CONFIG_CHRONY,
		.parse = config_parse_local,
		.syntax = "[stratum STRATUM] [distance SECONDS]",
		.text = "Serve the time of this host when no source can be used and the root "
			"distance has grown above the given distance (default 1 second), as "
			"reference 127.127.1.1 of the given stratum (default 10, allowed 1 to "
			"15). Without any source the kernel's clock is followed."},
	{.name = "authselectmode",
		.class = CONFIG_CHRONY,
		.parse = config_parse_authselectmode,
		.initial = "mix",
		.syntax = "require|prefer|mix|ignore",
		.text = "What servers with a key mean for those without: require never selects "
			"these, prefer only where none has a key. mix gives the options require "
			"and trust to servers with a key and to reference clocks, where there are "
			"servers without too. ignore does nothing. As noselect and as these "
			"options it is shown by meridianctl selectdata and --dump-config."},
	{.name = "maxdistance",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_double, max_distance_s),
		RANGE(1e-6, 1000),
		.initial = "3",
		.syntax = "SECONDS",
		.text = "Sources whose root distance is above this are not used."},
	{.name = "maxerror",
		.class = CONFIG_OWN,
		MEMBER(config_parse_double, max_error_s),
		RANGE(1e-6, 16),
		.initial = "3",
		.syntax = "SECONDS",
		.text = "Nobody is told a time that may be off by more: where the published "
			"bound grows above this, the clock is unsynchronised, until the bound "
			"will stay below it for two polls at least."},
	{.name = "maxjitter",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_double, max_jitter_s),
		RANGE(1e-9, 1000),
		.initial = "1",
		.syntax = "SECONDS",
		.text = "Sources whose samples typically err by more than this are not used."},
	{.name = "minsources",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_uint32, min_sources),
		RANGE(1, CONFIG_SOURCES_MAX),
		.initial = "1",
		.syntax = "SOURCES",
		.text = "How many sources must be selectable and agree before the clock is set. "
			"Of three and more one alone is enough only 20 seconds after the start, "
			"unless it is trusted or preferred."},
	{.name = "maxclockerror",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_max_clock_error, max_clock_error_ppm),
		RANGE(0, 1000),
		.initial = "1",
		.syntax = "PPM",
		.text = "By how much the frequency of this host's oscillator may be off without "
			"being seen. The published bound grows with it."},
	{.name = "clockprecision",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_double, clock_precision_s),
		RANGE(1e-9, 1),
		.syntax = "SECONDS",
		.text = "Precision of reading the counter. Measured at the start when not given."},
	{.name = "driftfile",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_path, driftfile),
		.max = CONFIG_PATH_SIZE - 8,
		.syntax = "FILE",
		.text = "Keeps the counter's frequency across restarts: written every hour and "
			"at the end, read at the start.",
		.example = "/var/lib/meridian/drift"},
	{.name = "counter",
		.class = CONFIG_OWN,
		.parse = config_parse_counter,
		.initial = "auto",
		.syntax = "auto|tsc|monotonic-raw",
		.text = "The tick source that the time model maps to UTC. auto takes the time "
			"stamp counter where it is invariant and CLOCK_MONOTONIC_RAW elsewhere."},
	{.name = "holdover",
		.class = CONFIG_OWN,
		MEMBER(config_parse_uint32, holdover_s),
		RANGE(10, 86400),
		.initial = "86400",
		.syntax = "SECONDS",
		.text = "How long the clock goes on by itself: after the last update by sources, "
			"once the one that led it has left three polls without an answer or is "
			"not selected any more, and for those who answer when meridian-control "
			"is gone. After that they answer \"unsynchronised\", or what local says."},
	{.name = "modellog",
		.class = CONFIG_OWN,
		MEMBER(config_parse_path, modellog),
		.max = CONFIG_PATH_SIZE - 8,
		.syntax = "FILE",
		.text = "Appends a line for each published line of the time model: counter when "
			"it was published, counter reference, UTC at the reference, rate, bound, "
			"growth of the bound; counter readings in seconds. Opened again on "
			"SIGHUP."},
	{.name = "leapseclist",
		LIVE(CONFIG_CHRONY),
		MEMBER(config_parse_leapseclist, leapseclist),
		.max = CONFIG_PATH_SIZE - 8,
		.initial = CONFIG_LEAP_LIST_DEFAULT,
		.syntax = "FILE|off",
		.text = "The list of leap seconds, as the IERS and NIST publish it, with its "
			"checksum. It is read again within a minute of a change and on SIGHUP. "
			"Until it expires it alone says when a leap second comes. Without one, "
			"or after that, more than half of the sources that agree on the time "
			"must announce it on the last day of June or December, or all of them, "
			"two at least, on that of another month. Clients are told in the last 24 "
			"hours. A leap second is announced only while sources lead the clock, "
			"not while local follows the kernel's."},

	/* The kernel's clock. */
	{.name = "steerclock",
		.class = CONFIG_OWN,
		MEMBER(config_parse_flag, steer_clock),
		.syntax = "",
		.text = "Let the kernel's clock follow the time model: its frequency is set, and "
			"what it is off is slewed, once a second. Without it Meridian never "
			"touches that clock. What is served does not depend on it. Another "
			"program that steers the clock has to be stopped. It needs the "
			"capability CAP_SYS_TIME, and of the systemd unit ProtectClock=no with "
			"CAP_SYS_TIME in its bounding set. At the end the frequency is left as "
			"it is and a slew ends."},
	{.name = "makestep",
		.class = CONFIG_CHRONY,
		.parse = config_parse_makestep,
		.needs = "steerclock",
		.syntax = "THRESHOLD LIMIT",
		.text = "Step the kernel's clock where it is off by more than THRESHOLD seconds, "
			"in the first LIMIT updates only; a negative LIMIT has no end. THRESHOLD "
			"0 steps at each of these updates. Without it the clock is always "
			"slewed."},
	{.name = "maxslewrate",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_double, kernel_clock.max_slew_ppm),
		RANGE(1, DISCIPLINE_SLEW_MAX_PPM),
		.initial = "83333.333",
		.needs = "steerclock",
		.syntax = "PPM",
		.text = "How fast the kernel's clock is slewed, at most, beside its frequency. A "
			"quarter of what it is off is taken in a second: 0.1 s is below 1 ms after "
			"17 s, and at 500, which is what the kernel does by itself, after 200 s."},
	{.name = "maxchange",
		.class = CONFIG_CHRONY,
		.parse = config_parse_maxchange,
		.needs = "steerclock",
		.syntax = "OFFSET START IGNORE",
		.text = "After START updates do not correct the kernel's clock where it is off "
			"by more than OFFSET seconds. IGNORE such updates are passed over; with "
			"the next one steering ends until meridian-control is started again "
			"(which chrony ends itself). A negative IGNORE has no end."},
	{.name = "leapsecmode",
		.class = CONFIG_CHRONY,
		.parse = config_parse_leapsecmode,
		.initial = "system",
		.needs = "steerclock",
		.syntax = "system|step|slew|ignore",
		.text = "How the kernel's clock gets over a leap second: the kernel inserts or "
			"deletes it, it is stepped, it is slewed from then on, or nothing is "
			"done until a minute later, when it is off by a second like by any other."},
	{.name = "rtcsync",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_flag, kernel_clock.rtcsync),
		.needs = "steerclock",
		.syntax = "",
		.text = "Mark the kernel's clock as synchronised, by which other programs know, "
			"and the kernel copies it to the real-time clock every 11 minutes. Its "
			"maximum and estimated error are maintained in any case."},

	/* Who is served, and where. */
	{.name = "allow",
		LIVE(CONFIG_CHRONY),
		.many = true,
		.parse = config_parse_allow,
		.syntax = "[all] [SUBNET]",
		.text = "Answer the clients of a subnet; without one, everybody. The longest "
			"matching prefix decides, all also overrides narrower rules before it. "
			"Without any allow nobody is served. 1.2.3 and 1.2.3/24 are short for "
			"1.2.3.0/24.",
		.example = "192.0.2.0/24"},
	{.name = "deny",
		LIVE(CONFIG_CHRONY),
		.many = true,
		.parse = config_parse_allow,
		.syntax = "[all] [SUBNET]",
		.text = "The opposite of allow."},
	{.name = "keyfile",
		LIVE(CONFIG_CHRONY),
		MEMBER(config_parse_path, keyfile),
		.max = CONFIG_PATH_SIZE - 8,
		.syntax = "FILE",
		.text = "The symmetric keys that requests may be authenticated with. Such a "
			"request gets a reply with a MAC of the same key; one with a key that is "
			"not in the file, or a wrong MAC, gets none. What the file looks like "
			"stands under KEY FILE. On SIGHUP it is read again.",
		.example = "#/etc/meridian/meridian.keys"},
	{.name = "insecurekeys",
		LIVE(CONFIG_OWN),
		MEMBER(config_parse_flag, insecure_keys),
		.needs = "keyfile",
		.syntax = "",
		.text = "Take keys of the types MD5 and SHA1 too. Their MACs, a hash of key and "
			"packet, are not safe any more (RFC 8573); without this directive a file "
			"with such a key is refused, and nothing of it is used."},
	{.name = "ratelimit",
		LIVE(CONFIG_CHRONY),
		.parse = config_parse_ratelimit,
		.initial = "interval -5 burst 128 leak 0 rollup 3",
		.syntax = "[interval POLL] [burst COUNT] [leak N] [kod N] [kodafter SECONDS] "
			  "[rollup N] | off",
		.text = "Answer each source (an IPv4 address, or an IPv6 subnet of 64 bits) once "
			"in 2^POLL seconds (allowed -19 to 12), and after a rest COUNT times at "
			"once (allowed 1 to 255). What is above that is dropped as rate_limited, "
			"but for one request in 2^leak, taken at random (allowed 0 to 4; 0, the "
			"default: none; chrony has 2). With a leak a client gets answers even "
			"while others flood us in its name, but that share of the flood, however "
			"large it is, is sent on to the client; so there is none unless asked "
			"for. The IPv6 subnet of 56 bits around a source has 2^rollup times the "
			"rate and the burst of a source, and that of 48 bits as many times again "
			"(allowed 0 to 4, default 3): who has a /48 may ask as often as 64 "
			"sources, not 65536. The price: requests forged in the name of a /56 or "
			"/48 that fill it, by default 256 or 2048 a second, silence all of it, "
			"though not others. An interval below 16 times 4^rollup ticks of the "
			"counter cannot be told from none: nobody is limited then, as by -19 with "
			"rollup 4 on a counter of 2.1 GHz or less. Unlike chrony, Meridian limits "
			"sources without being told to, at 32 requests a second: more than a "
			"client asks for, or a few hundred behind one address, and less than a "
			"flood in the name of a victim. A line that leaves out a value has "
			"chrony's, interval 3 and burst 8. kod N tells sources to ask less often, "
			"by a kiss-o'-death RATE that has no time in it, in one of 2^N of the "
			"replies that are not given (allowed 0 to 4, default 0: nobody is told); "
			"but unlike chrony only those that have been above the limit for kodafter "
			"SECONDS without a pause of 16 (allowed 1 to 3600, default 240), and each "
			"once in 16 seconds at most, a worker 64 times a second. Whoever floods "
			"us in the name of a client for so long may have it told, too, though "
			"seldom. off limits nobody. Each worker counts the requests that reach "
			"it, and so does meridian-fallback: where the NIC spreads a source's "
			"ports over the workers, it may ask each of them so often."},
	{.name = "kodexempt",
		LIVE(CONFIG_OWN),
		.many = true,
		.parse = config_parse_kodexempt,
		.syntax = "SUBNET",
		.text = "Never tell the clients of a subnet to ask less often, whatever kod of "
			"ratelimit says: monitors, whose score falls with a kiss, or networks "
			"behind one address. May be repeated up to " TEXT_OF(
				MERIDIAN_POLICY_KOD_EXEMPT_MAX) " times."},
	{.name = "noclientlog",
		LIVE(CONFIG_CHRONY),
		MEMBER(config_parse_flag, no_client_log),
		.syntax = "",
		.text = "Write down nothing of who asks: meridianctl clients and chronyc clients "
			"have nothing to tell. Without it the number of clients and those who ask "
			"the most are known over the last minute, hour, day and since the start; "
			"their addresses are in the run directory, for root and its group to "
			"read, and nowhere on disk. It does not change the rate limit."},
	{.name = "interleaved",
		LIVE(CONFIG_OWN),
		MEMBER(config_parse_uint32, interleave_entries),
		RANGE(0, MERIDIAN_INTERLEAVE_MAX),
		.initial = "65536",
		.syntax = "REPLIES",
		.text = "Answer clients that ask for it (chrony's option xleave) in interleaved "
			"mode: the transmit time in a reply is that of the reply before, measured "
			"when it had left. It is kept for so many replies, 16 bytes each, in the "
			"dataplane and as many in meridian-fallback, rounded up to a power of "
			"two and to 64 at least; allow twice as many as there are such clients. A "
			"client for which there is no room, or that comes to the other process or "
			"to another node with the same address, has basic replies until it is "
			"known there. The clients of an IPv4 address or an IPv6 subnet of 48 bits "
			"have room for a 1024th of all, and for 64 at least. Another size forgets "
			"what was kept. 0: no interleaved mode. Clients in basic mode cost "
			"nothing of this."},
	{.name = "ntpv5",
		LIVE(CONFIG_OWN),
		MEMBER(config_parse_flag, ntpv5),
		.syntax = "",
		.text = "Answer NTPv5 too, as of draft-ietf-ntp-ntpv5-09. Drafts are not "
			"compatible "
			"with each other: a request that names another draft gets no answer, and "
			"there will be none of this draft once it is superseded. Clients of an "
			"older version that ask whether NTPv5 is spoken here are told so. Without "
			"it a request of version 5 is dropped as bad_version. What is supported "
			"of the draft stands in differences.md."},
	{.name = "bindaddress",
		LIVE(CONFIG_CHRONY),
		.many = true,
		.parse = config_parse_bindaddress,
		.syntax = "ADDRESS",
		.text = "Serve this address only; may be repeated up to 64 times, which chrony "
			"cannot. Without it, all addresses of the nics and the global ones on lo "
			"are served."},
	{.name = "leapsmear",
		LIVE(CONFIG_OWN),
		.parse = config_parse_leapsmear,
		.syntax = "linear|cosine [duration SECONDS] address ADDRESS ...",
		.text = "Smear leap seconds at these served addresses, each after the word "
			"address, 1 to 64 of them: the second is spread evenly, or along a "
			"cosine, over SECONDS (600 to 172800, default 86400, from noon to noon), "
			"half before the leap and half after it. Replies there announce no leap "
			"second, have 254 and what they are off UTC as reference ID, and that "
			"much more root dispersion. Clients must not mix such addresses with "
			"others; on a public server they have no place. All other addresses tell "
			"UTC."},
	{.name = "nic",
		.class = CONFIG_OWN,
		.many = true,
		.parse = config_parse_nic,
		.syntax = "NAME|PCI-ADDRESS|vdev:DEVICE[,ARGUMENTS] [OPTION VALUE ...]",
		.text = "A network interface to answer on from its queues, by AF_XDP: the kernel "
			"keeps the interface and everything but NTP. May be repeated up to 16 "
			"times. A PCI address (0000:3b:00.0) takes over a NIC that is bound to "
			"vfio-pci, with DPDK's driver: what is no NTP for us goes to the kernel by "
			"a TAP device, whose addresses are served. vdev: makes a virtual device of "
			"DPDK, such as vdev:net_memif0,role=server,id=0,socket=/run/ntp.sock; "
			"name and arguments are the driver's, together at most 255 characters. It "
			"has no interface in the kernel: the addresses served stand on the line. "
			"The options stand below, under NIC OPTIONS.",
		.example = "eth1"},
	{.name = "workers",
		.class = CONFIG_OWN,
		.parse = config_parse_workers,
		RANGE(0, 1023),
		.syntax = "CORE [CORE ...]",
		.text = "The cores that answer, one worker each, at most 64. Default: one "
			"worker, on the last core, of the NIC's memory node if there are several."},
	{.name = "idlesleep",
		LIVE(CONFIG_OWN),
		MEMBER(config_parse_uint16, idle_sleep_us),
		RANGE(0, MERIDIAN_POLICY_SLEEP_MAX_US),
		.initial = "500",
		.syntax = "MICROSECONDS",
		.text = "How long a worker that finds no packets naps at a time, at most. Naps "
			"start at 50 microseconds and grow; a packet that comes meanwhile waits, "
			"and a queue has to hold what comes. Receive stamps are not the worse "
			"for it. On a virtual device, which has none, a nap is at most 200 "
			"microseconds, and after one the reply has half its length more root "
			"dispersion. A worker that the kernel rouses for each packet, as "
			"meridian-dataplane(8) tells, naps for longer, since nothing waits. "
			"0: never sleep; the worker's core is then always in use."},
	{.name = "hugepages",
		.class = CONFIG_OWN,
		.parse = config_parse_hugepages,
		.initial = "auto",
		.syntax = "auto|never",
		.text = "auto uses hugepages when the machine has enough of them."},
	{.name = "memory",
		.class = CONFIG_OWN,
		.parse = config_parse_memory,
		RANGE(16, 1048576),
		.initial = "0",
		.syntax = "MEGABYTES",
		.text = "Memory for packet buffers, for each dataplane process, at least 16. 0: "
			"as much as the queues need."},

	/* Other files. */
	{.name = "include",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_include,
		.syntax = "FILE|PATTERN",
		.text = "Reads FILE here, or the files that match PATTERN, as of a shell, by their "
			"names; a PATTERN may match none. Files may include others, at most 10 "
			"deep."},
	{.name = "confdir",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_confdir,
		.syntax = "DIRECTORY [DIRECTORY ...]",
		.text = "Reads here the files of up to 10 directories whose names end in .conf, by "
			"their names; of several with one name, that of the first directory. A "
			"directory may be missing."},
	{.name = "sourcedir",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_sourcedir,
		.syntax = "DIRECTORY [DIRECTORY ...]",
		.text = "The same for files whose names end in .sources, of up to 10 directories "
			"in all such lines, after everything else. They may have server and pool "
			"only. A line that is wrong, or has no end yet, "
			"is left out with a warning, as a DHCP client may have written it, and "
			"so is a file or directory that cannot be read. What changes there takes "
			"effect at the next start; reload sources of chronyc is not there."},

	/* The process. */
	{.name = "rundir",
		.class = CONFIG_OWN,
		MEMBER(config_parse_rundir, rundir),
		.max = 90, /* with a name behind it, a unix socket's path has 107 */
		.initial = MERIDIAN_RUNDIR_DEFAULT,
		.syntax = "DIRECTORY",
		.text = "Where the shared pages and the command socket are, a directory for them "
			"alone. Several instances run side by side with one each."},
	{.name = "pidfile",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_path, pidfile),
		.max = CONFIG_PATH_SIZE - 8,
		.syntax = "FILE",
		.text = "Where the daemon writes its process ID. Default: nowhere; the lock in "
			"the run directory has it."},
	{.name = "user",
		.class = CONFIG_CHRONY,
		.parse = config_parse_user,
		.max = 63,
		.syntax = "NAME",
		.text = "Drop to this user once everything is open. Default: stay."},
	{.name = "cmdport",
		.class = CONFIG_CHRONY,
		MEMBER(config_parse_uint16, cmdport),
		RANGE(0, 65535),
		.initial = "0",
		.syntax = "PORT",
		.text = "UDP port of the command socket for chronyc; chrony's is 323. 0: no UDP. "
			"Programs of all users of this host may look at time and sources there."},
	{.name = "bindcmdaddress",
		.class = CONFIG_CHRONY,
		.many = true,
		.parse = config_parse_bindcmdaddress,
		.max = 107,
		.syntax = "ADDRESS|PATH|/",
		.text = "Address of the UDP command socket (default: loopback), or path of the "
			"unix one (default: control.sock in the run directory). / means no unix "
			"socket."},
};

_Static_assert(sizeof(config_table) / sizeof(config_table[0]) <= CONFIG_DIRECTIVES_MAX,
	"a parser remembers the line of each");

const size_t config_table_size = sizeof(config_table) / sizeof(config_table[0]);
