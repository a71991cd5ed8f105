/* SPDX-License-Identifier: BSD-3-Clause */
#include "phc_brackets.h"
#include "port_clock.h"
#include <meridian/counter.h>
#include <unistd.h>
#include <units.h>

static struct device_clock_reading kernel_read(uint8_t counter_id, clockid_t clock)
{
	struct device_clock_reading reading = {.before = meridian_counter_read(counter_id)};

	reading.device = meridian_clock_ns(clock);
	reading.after = meridian_counter_read(counter_id);
	return reading;
}

static size_t phc_read_all(
	struct port_clock *clock, struct device_clock_reading reading[DEVICE_CLOCK_READINGS_MAX])
{
	const clockid_t kernel_clock = phc_method_clock(clock->method);
	struct device_clock_reading begin, end;
	struct phc_readings readings;
	struct stamp_rate rate;

	begin = kernel_read(clock->counter_id, kernel_clock);
	if (!phc_brackets_rate(&clock->pace, &clock->rate, &begin, &rate))
		return 0;
	if (phc_read(clock->fd, clock->method, &readings) < 0)
		return 0;
	end = kernel_read(clock->counter_id, kernel_clock);
	return phc_brackets(&readings, &begin, &end, &rate, reading);
}
_Static_assert(PHC_READINGS <= DEVICE_CLOCK_READINGS_MAX, "they are noted at once");

int port_clock_open_phc(struct port_clock *clock, unsigned int index)
{
	*clock = (struct port_clock){
		.read = phc_read_all, .kind = {.hz = NS_PER_SECOND, .bits = 64}};
	clock->fd = phc_open(index, true, &clock->method);
	return clock->fd < 0 ? clock->fd : 0;
}

void port_clock_close_phc(struct port_clock *clock)
{
	close(clock->fd);
}
