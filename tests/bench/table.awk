# SPDX-License-Identifier: GPL-2.0-or-later
# table.awk: prints what figures.awk made as a table: aligned, or with
# -v markdown=1 as Markdown.

function cell(row, column, text)
{
	table[row, column] = text
	if (length(text) > width[column])
		width[column] = length(text)
}

# At most four digits say something.
function short(x)
{
	return x == "-" ? x : x >= 1000 ? sprintf("%.0f", x) : sprintf("%.4g", x)
}

function short_spread(text,   ends)
{
	return split(text, ends, /\.\./) == 2 ? short(ends[1]) ".." short(ends[2]) : text
}

BEGIN {
	FS = "\t"
	columns = split("figure value unit baseline ratio target met spread,baseline's_spread", title, /[ ,]/)
	for (c = 1; c <= columns; c++) {
		sub("_", " ", title[c])
		cell(0, c, title[c])
	}
}

{
	cell(NR, 1, $1); cell(NR, 2, short($2)); cell(NR, 3, $3); cell(NR, 4, short($4))
	cell(NR, 5, $5); cell(NR, 6, $6)
	cell(NR, 7, $7 == "true" ? "yes" : $7 == "false" ? "NO" : "-")
	cell(NR, 8, short_spread($8)); cell(NR, 9, short_spread($9))
}

END {
	for (r = 0; r <= NR; r++) {
		line = ""
		for (c = 1; c <= columns; c++) {
			if (markdown)
				line = line "| " table[r, c] " "
			else
				line = line sprintf(c == 1 || c == 3 || c == 6 ? "%-*s  " : "%*s  ",
					width[c], table[r, c])
		}
		sub(/ +$/, "", line)
		print markdown ? line " |" : line
		if (markdown && r == 0)
			print "|---|---:|---|---:|---:|---|---|---:|---:|"
	}
}
