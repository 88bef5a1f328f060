# SPDX-License-Identifier: GPL-2.0-or-later
# Reads TAP, or the KTAP of a kernel log, and prints a line a test, tab-separated:
#   pass|fail|skip	NAME	WHAT WAS SAID ABOUT IT
# Only innermost tests are tests; a suite that fails though all in it passed is a
# failure of its own, and so is a plan that was not kept. -v wanted=N asks for at
# least N tests.

# \036 stands for the line ends of what was said.
function out(result, name, why,   i)
{
	if (result == "fail")
		for (i = max(1, lines - 14); i <= lines; i++)
			why = why "\036" said[i % 15]
	print result "\t" name "\t" why
	count++
}

function max(a, b)
{
	return a > b ? a : b
}

# Forgets what is nested deeper than an indentation.
function leave(depth,   d)
{
	for (d in seen)
		if (d + 0 > depth) {
			check_plan(d + 0)
			delete seen[d]; delete failed[d]; delete plan[d]; delete suite[d]
		}
}

function check_plan(d)
{
	if ((d in plan) && plan[d] != seen[d])
		out("fail", "plan", "planned " plan[d] " tests, reported " seen[d] + 0)
}

BEGIN {
	wanted = wanted == "" ? 1 : wanted
}

{
	sub(/\r$/, "")
	sub(/^(<[0-9]+>)?\[ *[0-9]+\.[0-9]+\] ?/, "")
	match($0, /^ */)
	depth = RLENGTH
	line = substr($0, depth + 1)
}

# The suite that the results of this indentation belong to.
line ~ /^# Subtest: / {
	suite[depth] = substr(line, 12) ": "
}

line ~ /^1\.\.[0-9]+( |$)/ {
	leave(depth)
	# A second plan at the same place: one TAP stream after another.
	if (depth in plan) {
		check_plan(depth)
		seen[depth] = 0
	}
	plan[depth] = substr(line, 4) + 0
	seen[depth] += 0
	if (plan[depth] == 0 && line ~ /SKIP/)
		out("skip", "all", line)
	next
}

line ~ /^(not )?ok [0-9]+/ {
	bad = line ~ /^not /
	skipped = line ~ /# SKIP/
	name = line
	sub(/^(not )?ok [0-9]+ *-? */, "", name)
	reason = skipped ? substr(name, index(name, "# SKIP") + 7) : ""
	sub(/ *# SKIP.*/, "", name)

	parent = children = 0
	for (d in seen)
		if (d + 0 > depth && seen[d] > 0) {
			parent = 1
			children += failed[d]
		}
	leave(depth)
	for (d = 0; d <= depth; d++)
		prefix = d ? prefix suite[d] : suite[d]
	name = prefix name
	seen[depth]++
	if (bad)
		failed[depth]++
	if (!parent)
		out(skipped ? "skip" : bad ? "fail" : "pass", name, reason)
	else if (bad && !children)
		out("fail", name, "failed outside of its tests")
	lines = 0
	next
}

line ~ /^Bail out!/ {
	out("fail", "bail out", line)
	next
}

# What is said before a result is about it.
line !~ /^# (Subtest|Totals|module|Starting)|^KTAP version|^TAP version/ {
	said[++lines % 15] = line
}

END {
	leave(-1)
	if (count < wanted)
		out("fail", "number of tests", "expected at least " wanted ", reported " count + 0)
}
