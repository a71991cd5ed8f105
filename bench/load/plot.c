/* SPDX-License-Identifier: BSD-3-Clause */
#include "plot.h"
#include <errno.h>
#include <log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

const char *plot_terminal(const char *file)
{
	const char *dot = strrchr(file, '.');

	if (dot && strcmp(dot, ".svg") == 0)
		return "svg size 900,500";
	if (dot && strcmp(dot, ".png") == 0)
		return "png size 900,500";
	return NULL;
}

/* In gnuplot's single quotes only the quote itself is special. */
static void put_quoted(const char *text, FILE *stream)
{
	fputc('\'', stream);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', stream);
		fputc(*text, stream);
	}
	fputc('\'', stream);
}

static void put_data(const struct histogram *histogram, FILE *stream)
{
	double left = 1;

	for (int i = 0; left * (double)histogram->count >= 1; i++, left /= 1.2589254117941673)
		fprintf(stream, "%.9g %.3f\n", 1 / left,
			(double)histogram_quantile(histogram, 1 - left) / 1e3);
	fprintf(stream, "e\n");
}

static void put_script(
	const char *file, const char *terminal, const struct histogram *histogram, FILE *stream)
{
	fprintf(stream, "set terminal %s\nset output ", terminal);
	put_quoted(file, stream);
	fprintf(stream,
		"\nset logscale xy\nset grid\nset key off\n"
		"set xlabel 'percentile'\nset ylabel 'microseconds from due to reply'\n"
		"set xtics ('50' 2, '90' 10, '99' 100, '99.9' 1e3, '99.99' 1e4, '99.999' 1e5, "
		"'99.9999' 1e6)\n"
		"plot '-' using 1:2 with steps linewidth 2\n");
	put_data(histogram, stream);
}

/* Its output, too: what it cannot write to the file it writes there. */
#define GNUPLOT "gnuplot >/dev/null 2>&1"

int plot_check(const char *file)
{
	int status = system(GNUPLOT " --version");
	FILE *stream;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		log_error("--plot needs gnuplot, which is not installed (Debian: gnuplot-nox)");
		return -ENOENT;
	}
	stream = fopen(file, "we");
	if (stream == NULL)
		return log_errno(-errno, "--plot '%s'", file);
	fclose(stream);
	return 0;
}

int plot_percentiles(const char *file, const struct histogram *histogram)
{
	FILE *stream;

	if (histogram->count == 0) {
		log_warning("--plot '%s': nothing was answered, so there is nothing to plot", file);
		return 0;
	}
	stream = popen(GNUPLOT, "we");
	if (stream == NULL)
		return log_errno(-errno, "gnuplot");
	put_script(file, plot_terminal(file), histogram, stream);
	if (pclose(stream) == 0)
		return 0;
	log_error("--plot '%s': gnuplot failed", file);
	return -EIO;
}
