# Usage: awk -f generic-calls.awk syscalls.def LIST.def…
# Prints CALL(name) for every call of the lists that has no row of its own in syscalls.def, once.
FILENAME == ARGV[1] {
	if (match($0, /^(SYSCALL|EVENT)\([a-z0-9_]+/)) {
		name = substr($0, RSTART, RLENGTH)
		sub(/^[A-Z]+\(/, "", name)
		seen[name] = 1
	}
	next
}
/^CALL\(/ {
	name = $2
	sub(/\).*/, "", name)
	if (!(name in seen))
		print "CALL(" name ")"
	seen[name] = 1
}
