/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_delay.h"

#define REST_TURNS 9 /* between samples, once the delay is known, or where most are lost */
#define WAIT_TURNS 3 /* for a stamp: NICs have it within microseconds, or not at all */

void port_delay_init(struct port_delay *delay, struct port_transmit *transmit, uint16_t port_id,
	const struct stamp_driver *driver)
{
	*delay = (struct port_delay){.port_id = port_id, .driver = driver, .transmit = transmit};
}

/* Whether a stamp was taken, or is not to be waited for any more. */
static bool sample_end(
	struct port_delay *delay, const struct device_line *line, uint64_t now_counter)
{
	uint64_t stamp;

	if (stamp_driver_transmit_read(delay->driver, delay->port_id, &stamp) == 0) {
		transmit_delay_note(
			&delay->delay, line, delay->transmit->handed_counter, now_counter, stamp);
		return true;
	}
	if (++delay->turns < WAIT_TURNS)
		return false;
	delay->lost++;
	return true;
}

/* What is still in the NIC's register is of another packet. */
static void sample_begin(struct port_delay *delay)
{
	uint64_t stale;

	stamp_driver_transmit_read(delay->driver, delay->port_id, &stale);
	delay->turns = 0;
	__atomic_store_n(&delay->transmit->sample, PORT_SAMPLE_WANTED, __ATOMIC_RELEASE);
}

/* Returns whether something is known. */
static bool publish(const struct port_delay *delay)
{
	struct transmit_delay_known known = transmit_delay_known(&delay->delay);
	struct port_way way = {.delay_ns = 0};

	if (known.known)
		way = (struct port_way){known.delay_ns, known.error_ns};
	port_transmit_publish(delay->transmit, way);
	return known.known;
}

void port_delay_turn(struct port_delay *delay, const struct device_line *line, uint64_t now_counter)
{
	enum port_sample sample = __atomic_load_n(&delay->transmit->sample, __ATOMIC_ACQUIRE);

	if (sample == PORT_SAMPLE_SENT && sample_end(delay, line, now_counter)) {
		bool rest = publish(delay) || delay->lost > delay->delay.taken;

		delay->turns = rest ? REST_TURNS : 0;
		sample = PORT_SAMPLE_MAIN;
		__atomic_store_n(&delay->transmit->sample, sample, __ATOMIC_RELAXED);
	}
	if (sample != PORT_SAMPLE_MAIN || line->bits == 0)
		return;
	if (delay->turns > 0)
		delay->turns--;
	else
		sample_begin(delay);
}

void port_delay_restart(struct port_delay *delay)
{
	transmit_delay_restart(&delay->delay);
	publish(delay);
}

void port_delay_report(const struct port_delay *delay, struct meridian_stats_clock *ret_report)
{
	struct transmit_delay_known known = transmit_delay_known(&delay->delay);

	ret_report->transmit_samples = delay->delay.taken;
	ret_report->transmit_refused = delay->delay.refused;
	ret_report->transmit_lost = delay->lost;
	if (!known.known || ret_report->transmit == MERIDIAN_TRANSMIT_CONFIGURED)
		return;
	ret_report->transmit = MERIDIAN_TRANSMIT_SAMPLED;
	ret_report->transmit_delay_ns = known.delay_ns;
	ret_report->transmit_error_ns = (uint64_t)known.error_ns;
}
