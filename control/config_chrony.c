/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_table.h"

#define LATER       "not supported by this version"
#define NTS_LATER   "NTS is not supported by this version"
#define OWN_CLOCK   "Meridian keeps its own time model, which steerclock follows directly"
#define NO_RTC      "Meridian does not touch the real-time clock"
#define OTHER_FIT   "Meridian's estimator has other parameters"
#define OWN_SOCKET  "requests to upstream servers leave from a fresh socket and port each time"
#define NO_SMEAR    "Meridian smears nothing but leap seconds, see `leapsmear`"
#define NO_PASSWORD "the permissions of the command socket decide who may talk to it"

const struct config_directive config_chrony_table[] = {
	/* Of chrony, without effect. */
	{"rtcfile", CONFIG_NO_EFFECT, .text = NO_RTC},
	{"rtcdevice", CONFIG_NO_EFFECT, .text = NO_RTC},
	{"rtconutc", CONFIG_NO_EFFECT, .text = NO_RTC},
	{"rtcautotrim", CONFIG_NO_EFFECT, .text = NO_RTC},
	{"hwclockfile", CONFIG_NO_EFFECT, .text = NO_RTC},
	{"corrtimeratio", CONFIG_NO_EFFECT, .text = OWN_CLOCK},
	{"fallbackdrift", CONFIG_NO_EFFECT, .text = OWN_CLOCK},
	{"linux_hz", CONFIG_NO_EFFECT, .text = OWN_CLOCK},
	{"linux_freq_scale", CONFIG_NO_EFFECT, .text = OWN_CLOCK},
	{"leapsectz", CONFIG_NO_EFFECT, .text = "leap seconds are read from leapseclist"},
	{"maxupdateskew", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"maxdrift", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"minsamples", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"maxsamples", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"combinelimit", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"stratumweight", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"reselectdist", CONFIG_NO_EFFECT, .text = OTHER_FIT},
	{"refresh", CONFIG_NO_EFFECT, .text = "names are looked up again when a server is lost"},
	{"hwtstimeout", CONFIG_NO_EFFECT,
		.text = "an answer does not wait for a stamp; in interleaved mode that comes in "
			"time"},
	{"maxtxbuffers", CONFIG_NO_EFFECT,
		.text = "an answer does not wait for a stamp; in interleaved mode that comes in "
			"time"},
	{"acquisitionport", CONFIG_NO_EFFECT, .text = OWN_SOCKET},
	{"bindacqaddress", CONFIG_NO_EFFECT, .text = OWN_SOCKET},
	{"bindacqdevice", CONFIG_NO_EFFECT, .text = OWN_SOCKET},
	{"dscp", CONFIG_NO_EFFECT, .text = LATER},
	{"lock_all", CONFIG_NO_EFFECT, .text = "the dataplane's memory is locked anyway"},
	{"sched_priority", CONFIG_NO_EFFECT, .text = "stamps are not taken by this process"},
	{"clientloglimit", CONFIG_NO_EFFECT,
		.text = "clients are counted in 1.1 MiB of memory, however many there are"},
	{"log", CONFIG_NO_EFFECT, .text = "see modellog, and meridianctl(1)"},
	{"logdir", CONFIG_NO_EFFECT, .text = "see modellog, and meridianctl(1)"},
	{"logbanner", CONFIG_NO_EFFECT, .text = "see modellog, and meridianctl(1)"},
	{"logchange", CONFIG_NO_EFFECT, .text = "every step of the clock is logged"},
	{"dumpdir", CONFIG_NO_EFFECT, .text = "the time model itself outlives a restart"},
	{"dumponexit", CONFIG_NO_EFFECT, .text = "the time model itself outlives a restart"},
	{"cmdratelimit", CONFIG_NO_EFFECT,
		.text = "every command is answered, with no more octets than it has"},
	{"ntsratelimit", CONFIG_NO_EFFECT, .text = NTS_LATER},
	{"ntsdumpdir", CONFIG_NO_EFFECT, .text = NTS_LATER},
	{"ntscachedir", CONFIG_NO_EFFECT, .text = NTS_LATER},

	/* Of chrony, refused. */
	{"port", CONFIG_REFUSED,
		.text = "Meridian serves port 123; without `allow` it serves nobody"},
	{"cmdallow", CONFIG_REFUSED, .text = LATER "; see bindcmdaddress"},
	{"cmddeny", CONFIG_REFUSED, .text = LATER "; see bindcmdaddress"},
	{"opencommands", CONFIG_REFUSED, .text = LATER "; see bindcmdaddress"},
	{"binddevice", CONFIG_REFUSED, .text = "use `nic` and `bindaddress`"},
	{"bindcmddevice", CONFIG_REFUSED, .text = LATER "; see bindcmdaddress"},
	{"ntsserverkey", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsservercert", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsport", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsntpserver", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsaeads", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsprocesses", CONFIG_REFUSED, .text = NTS_LATER},
	{"maxntsconnections", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsrotate", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntsrefresh", CONFIG_REFUSED, .text = NTS_LATER},
	{"ntstrustedcerts", CONFIG_REFUSED, .text = NTS_LATER},
	{"nosystemcert", CONFIG_REFUSED, .text = NTS_LATER},
	{"nocerttimecheck", CONFIG_REFUSED, .text = NTS_LATER},
	{"minstratum", CONFIG_REFUSED, .text = LATER},
	{"maxstratum", CONFIG_REFUSED, .text = LATER},
	{"smoothtime", CONFIG_REFUSED, .text = NO_SMEAR},
	{"peer", CONFIG_REFUSED, .text = "there is no symmetric mode; use `server` on both sides"},
	{"broadcast", CONFIG_REFUSED, .text = "there is no broadcast mode; let clients ask"},
	{"manual", CONFIG_REFUSED, .text = "time is not typed in; use `local`"},
	{"initstepslew", CONFIG_REFUSED, .text = "obsolete; use `server` with iburst"},
	{"mailonchange", CONFIG_REFUSED, .text = "Meridian sends no mail; watch the log"},
	{"ntpsigndsocket", CONFIG_REFUSED, .text = "MS-SNTP authentication is not supported"},
	{"tempcomp", CONFIG_REFUSED, .text = "temperature compensation is not supported"},
	{"ptpport", CONFIG_REFUSED, .text = "NTP over PTP is not supported"},
	{"ptpdomain", CONFIG_REFUSED, .text = "NTP over PTP is not supported"},
	{"commandkey", CONFIG_REFUSED, .text = "obsolete; " NO_PASSWORD},
	{"generatecommandkey", CONFIG_REFUSED, .text = "obsolete; " NO_PASSWORD},
};

const size_t config_chrony_table_size =
	sizeof(config_chrony_table) / sizeof(config_chrony_table[0]);
