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

# What a tracer adds to each event of a stream: the user is asked for as live.
mkdir user && cat >user/metadata <<'END'
/* CTF 1.8 */
typealias integer { size = 8; align = 8; } := u8;
trace { major = 1; minor = 8; byte_order = le; };
stream { event.header := struct { u8 id; }; event.context := struct { u8 _uid; u8 _vgid; }; };
event { name = "sys_enter_setuid"; id = 1; fields := struct { u8 _uid; }; };
END
printf '\1\7\10\11\1\12\13\14' >user/stream
timeout 20 sonde run -t user -e 'tracepoint:syscalls:sys_enter_setuid { printf("%d %d: %d\n", uid, gid, args.uid); }'
timeout 20 sonde run -t user -e 'event:* { print(ppid); }'
