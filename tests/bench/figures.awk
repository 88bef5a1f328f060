# SPDX-License-Identifier: GPL-2.0-or-later
# figures.awk targets.tsv RUNS: makes figures of what each run measured, a line
# "NAME VALUE UNIT BASELINE" each. Prints fields separated by tabs, a line a
# figure: name, median, unit, median of the baseline, ratio, target, met (true,
# false), spreads of both, what it is. "-" is none. Fails when a figure is
# missing, or is not in targets.tsv.

function fail(why)
{
	print "figures.awk: " why >"/dev/stderr"
	failed = 1
}

# The values of a figure, sorted by insertion: value[kind, name, 1..n].
function add(kind, name, x,   i)
{
	for (i = ++count[kind, name]; i > 1 && value[kind, name, i - 1] > x; i--)
		value[kind, name, i] = value[kind, name, i - 1]
	value[kind, name, i] = x
}

function median(kind, name,   n)
{
	n = count[kind, name]
	if (!n)
		return "-"
	if (n % 2)
		return value[kind, name, (n + 1) / 2]
	return (value[kind, name, n / 2] + value[kind, name, n / 2 + 1]) / 2
}

function spread(kind, name,   n)
{
	n = count[kind, name]
	return n ? value[kind, name, 1] ".." value[kind, name, n] : "-"
}

# One part of a target: counts what is missed, and adds the words.
function want(limit, words, holds)
{
	if (limit == "-")
		return
	target = target (target == "" ? "" : ", ") words
	if (!holds)
		missed++
}

FNR == NR && !/^#/ {
	split($0, f, "\t")
	order[++figures] = f[1]
	most[f[1]] = f[2]; most_of[f[1]] = f[3]; faster[f[1]] = f[4]
	compared_with[f[1]] = f[5]; what[f[1]] = f[6]
	next
}

FNR != NR {
	if (!($1 in what))
		fail("targets.tsv does not know the figure " $1)
	add("value", $1, $2 + 0)
	unit[$1] = $3
	if ($4 != "-")
		add("baseline", $1, $4 + 0)
}

END {
	for (i = 1; i <= figures; i++) {
		name = order[i]
		v = median("value", name)
		if (v == "-") {
			fail("the figure " name " is missing")
			continue
		}
		kind = "baseline"; from = name
		if (compared_with[name] != "-") {
			kind = "value"; from = compared_with[name]
		}
		b = median(kind, from)
		ratio = b > 0 ? v / b : "-"
		target = ""; missed = 0
		if (ratio == "-" && (most_of[name] faster[name]) != "--")
			fail("the figure " name " has no baseline")
		want(most[name], "at most " most[name], v <= most[name])
		want(most_of[name], "at most " most_of[name] "x", ratio <= most_of[name])
		want(faster[name], "at least " faster[name] "x faster", ratio * faster[name] <= 1)
		printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, v, unit[name], b,
			ratio == "-" ? "-" : sprintf("%.3f", ratio), target == "" ? "-" : target,
			target == "" ? "-" : missed ? "false" : "true",
			spread("value", name), spread(kind, from), what[name]
	}
	exit failed
}
