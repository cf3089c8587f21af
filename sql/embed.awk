# embed.awk: turns the statements of sql/ into the C table that src/doors/sql.h declares.
#
# Input: the files, named on the command line. A statement starts at a line `-- name: NAME`; the
# comment lines right after it are its note; the rest, up to the next name, is its text. A line
# `-- include: FILE` stands for a file beside it, which several statements share: no name is in there, and
# its own heading is left out. A name that comes twice, or a file that is not there, ends the build.

function quoted(s) {
    gsub(/\\/, "\\\\\\\\", s)
    gsub(/"/, "\\\"", s)
    gsub(/\t/, "\\t", s)
    gsub(/\?/, "\\?", s)
    return "\"" s "\\n\""
}

function trim_tail(s) {
    sub(/(\n[ \t]*)+$/, "", s)
    return s
}

function finish() {
    if (name != "") {
        notes[name] = note
        texts[name] = trim_tail(text)
    }
    name = ""
}

FNR == 1 {
    finish()
    file = FILENAME
    sub(/^(.*\/)?sql\//, "", file)
}

/^-- name: / {
    finish()
    name = $3
    if (name in files) {
        print FILENAME ":" FNR ": the statement '" name "' stands in " files[name] " already" > "/dev/stderr"
        failed = 1
        exit 1
    }
    names[++count] = name
    files[name] = file
    lines[name] = FNR
    note = text = ""
    in_note = 1
    next
}

name == "" { next }

function add(line) {
    text = text (text == "" ? "" : "\n") line
}

# What is included is no statement by itself, so it stands in the table only where it is included.
function include(shared,    line, status, in_heading) {
    in_heading = 1
    while ((status = (getline line < shared)) > 0) {
        in_heading = in_heading && line ~ /^--/
        if (!in_heading)
            add(line)
    }
    close(shared)
    if (status < 0) {
        print FILENAME ":" FNR ": there is no file '" shared "'" > "/dev/stderr"
        failed = 1
        exit 1
    }
}

/^-- include: / {
    in_note = 0
    shared = FILENAME
    sub(/[^\/]*$/, "", shared)
    include(shared $3)
    next
}

in_note && /^--/ {
    line = $0
    sub(/^-- ?/, "", line)
    note = note (note == "" ? "" : "\n") line
    next
}

{
    in_note = 0
    add($0)
}

function emit(s,    parts, n, i, out) {
    n = split(s, parts, "\n")
    out = ""
    for (i = 1; i <= n; i++)
        out = out "\n        " quoted(parts[i])
    sub(/\\n"$/, "\"", out)
    return n ? out : "\"\""
}

END {
    if (failed)
        exit 1
    finish()
    # Sorted by name, for the binary search of sql_find(); an insertion sort serves any awk.
    for (i = 2; i <= count; i++) {
        for (j = i; j > 1 && names[j - 1] > names[j]; j--) {
            swap = names[j]; names[j] = names[j - 1]; names[j - 1] = swap
        }
    }
    print "/* Made from sql/ by sql/embed.awk; the files there are what is edited. */"
    print "#include \"sql.h\"\n"
    print "const struct sql_statement sql_statements[] = {"
    for (i = 1; i <= count; i++) {
        n = names[i]
        printf "    {.name = \"%s\",\n     .file = \"%s\",\n     .line = %d,\n     .note = %s,\n     .text = %s},\n",
            n, files[n], lines[n], emit(notes[n]), emit(texts[n])
    }
    print "};\n"
    print "const size_t sql_statement_count = sizeof(sql_statements) / sizeof(sql_statements[0]);"
}
