mkdir t
cat >t/metadata <<'TSDL'
/* CTF 1.8 */
trace {
	major = 1;
	minor = 8
	byte_order = le;
};
TSDL
sonde cat t
