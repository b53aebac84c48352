# Who runs, where events carry names and processes but no threads, or nothing of that.
mkdir who && cat >who/metadata <<'END'
/* CTF 1.8 */
typealias integer { size = 8; align = 8; } := u8;
typealias integer { size = 8; align = 8; encoding = UTF8; } := ch;
trace { major = 1; minor = 8; byte_order = le; };
stream { event.header := struct { u8 id; }; };
event { name = "app:named"; id = 1; context := struct { ch procname[17]; u8 vpid; }; fields := struct { u8 n; }; };
event { name = "app:plain"; id = 2; fields := struct { u8 n; }; };
END
{
	printf '\1web\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7\1'
	printf '\2\2'
	printf '\1database-server\0\0\11\3'
	printf '\1web\0junk\0\0\0\0\0\0\0\0\0\7\4'
} >who/stream
for how in "" --interpreter; do
timeout 20 sonde run $how -t who -e 'event:* { printf("%d: %s %d\n", args.n, comm, pid); @[comm] = count(); }'
done
