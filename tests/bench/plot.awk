# SPDX-License-Identifier: GPL-2.0-or-later
# plot.awk: draws figures that figures.awk made, each with its baseline, as bars
# in an SVG. -v names='NAME...' says which; they have to be in one unit.

BEGIN {
	FS = "\t"
	count = split(names, order, " ")
	for (i = 1; i <= count; i++)
		wanted[order[i]] = 1
}

$1 in wanted {
	value[$1] = $2; baseline[$1] = $4; unit[$1] = $3
	if ($2 > most) most = $2
	if ($4 > most) most = $4
}

function bar(y, x, colour, text)
{
	printf "<rect x=\"200\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>\n", y, 380 * x / most, colour
	printf "<text x=\"%.1f\" y=\"%d\">%.4g %s</text>\n", 206 + 380 * x / most, y + 12, x, text
}

END {
	height = 44 + 44 * count
	print "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->"
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", height
	printf "<rect width=\"720\" height=\"%d\" fill=\"white\"/>\n", height
	print "<text x=\"200\" y=\"20\"><tspan fill=\"#1f5fa8\">index</tspan> and <tspan fill=\"#888888\">baseline</tspan></text>"
	for (i = 1; i <= count; i++) {
		name = order[i]
		y = 34 + 44 * (i - 1)
		printf "<text x=\"192\" y=\"%d\" text-anchor=\"end\">%s</text>\n", y + 19, name
		bar(y, value[name], "#1f5fa8", unit[name])
		bar(y + 16, baseline[name], "#bbbbbb", unit[name])
	}
	print "</svg>"
}
