/* SPDX-License-Identifier: BSD-3-Clause */
#include "candm_wire.h"
#include <string.h>
#include <units.h>

#define SECONDS_32_BIT UINT32_C(0x7fffffff) /* upper half of a time from a 32-bit sender */

/* The next `count` octets of the message, or NULL past its end. */
static uint8_t *wire_take(struct candm_wire *wire, size_t count)
{
	uint8_t *octets = wire->octets + wire->at;

	if (wire->overrun || count > wire->size - wire->at) {
		wire->overrun = true;
		return NULL;
	}
	wire->at += count;
	return octets;
}

void wire_octets(struct candm_wire *wire, void *value, size_t count)
{
	uint8_t *octets = wire_take(wire, count);

	if (wire->decode && octets == NULL)
		memset(value, 0, count);
	else if (wire->decode)
		memcpy(value, octets, count);
	else if (octets != NULL)
		memcpy(octets, value, count);
}

void wire_skip(struct candm_wire *wire, size_t count)
{
	wire_take(wire, count);
}

void wire_uint(struct candm_wire *wire, uint64_t *value, size_t count)
{
	uint8_t octets[8];

	for (size_t i = 0; i < count; i++)
		octets[i] = (uint8_t)(*value >> 8 * (count - 1 - i));
	wire_octets(wire, octets, count);
	if (!wire->decode)
		return;
	*value = 0;
	for (size_t i = 0; i < count; i++)
		*value = *value << 8 | octets[i];
}

void wire_u8(struct candm_wire *wire, uint8_t *value)
{
	wire_octets(wire, value, 1);
}

void wire_u16(struct candm_wire *wire, uint16_t *value)
{
	uint64_t wide = *value;

	wire_uint(wire, &wide, 2);
	*value = (uint16_t)wide;
}

void wire_u32(struct candm_wire *wire, uint32_t *value)
{
	uint64_t wide = *value;

	wire_uint(wire, &wide, 4);
	*value = (uint32_t)wide;
}

void wire_float(struct candm_wire *wire, double *value)
{
	uint32_t word = wire->decode ? 0 : candm_float_encode(*value);

	wire_u32(wire, &word);
	if (wire->decode)
		*value = candm_float_decode(word);
}

void wire_utc(struct candm_wire *wire, struct meridian_utc *utc)
{
	uint32_t high = (uint32_t)((uint64_t)utc->s >> 32);
	uint32_t low = (uint32_t)utc->s;
	uint32_t ns = (uint32_t)((utc->frac64 >> 32) * NS_PER_SECOND >> 32);

	wire_u32(wire, &high);
	wire_u32(wire, &low);
	wire_u32(wire, &ns);
	if (!wire->decode)
		return;
	if (high == SECONDS_32_BIT)
		high = 0;
	if (ns > 999999999)
		ns = 999999999;
	utc->s = (int64_t)((uint64_t)high << 32 | low);
	/* Rounded up, so that the nanoseconds come out again when it is cut. */
	utc->frac64 = ((((uint64_t)ns << 32) + 999999999) / NS_PER_SECOND) << 32;
}
