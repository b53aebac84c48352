sonde help --completion >sonde-completion
cat >try <<'END'
. ./sonde-completion
try() {
	COMP_WORDS=(sonde "$@")
	COMP_CWORD=$#
	_sonde
	echo "$*: ${COMPREPLY[*]}"
}
touch file-1
try c
try rec
try cat --clock-g
try flame -o file
try help fl
try report --js
try report ""
END
bash try
