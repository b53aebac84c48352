mkdir t
cat >t/metadata <<'TSDL'
/* CTF 1.8 */
typealias integer { size = 32; } := uint32_t;
trace { major = 1; minor = 8; byte_order = le; };
event {
	name = "open";
	fields := struct {
		uint32_t n_fds;
		uint32_t fds[nfds];
	};
};
TSDL
sonde cat t
