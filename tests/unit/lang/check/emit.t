Events of emit().

== emit: names
BEGIN {
	emit("");
	emit("9a");
	emit("a b", x = 1);
	emit("a:", x = 1);
	emit(":a", x = 1);
	emit(comm, x = 1);
	emit(1);
	emit("fine:name_1", class = 1, for = 2);
	emit("twice", a = 1, b = 2, a = 3);
	emit("length", a = buf("x"), a_length = 1);
	emit("length2", b_length = 1, b = kstack);
	emit("no_length", c_length = 1, c = "x");
	emit("long", fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff = 1);
	$x = emit("value");
	emit();
}
--
t.bt:2:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:3:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:4:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:5:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:6:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:7:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:8:7: error: an event has a name between quotes, of letters, digits and '_', at most 128 [bad-event]
t.bt:10:30: error: field 'a' is there already [duplicate-field]
t.bt:11:31: error: field 'a_length' is the length of 'a' [duplicate-field]
t.bt:12:18: error: field 'b_length' is the length of 'b' [duplicate-field]
t.bt:14:15: error: a field's name has at most 128 letters [bad-field]
t.bt:15:7: error: this has no value that '$x' could hold [no-value]
t.bt:16:2: error: emit() takes 1 to 64 arguments, not 0 [argument-count]

== emit: values that no event can hold
BEGIN {
	@c = count();
	emit("a", x = count());
	emit("b", x = print(1));
	emit("c", x = args);
	emit("d", x = @unset);
}
--
t.bt:3:16: error: count() must be assigned to a map: @x = count(...) [no-map]
t.bt:4:16: error: this has no value that an event could hold [no-value]
t.bt:5:16: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:6:16: error: '@unset' is never set [undefined-map]

== emit: an event is the same everywhere
BEGIN {
	emit("a", x = (uint8)1, y = "short");
}
END {
	emit("a", x = (uint8)2, y = "as long as it may be");
	emit("a", x = 2, y = "");
	emit("a", x = (uint8)2, z = "");
	emit("a", x = (uint8)2);
	emit("a", x = (uint8)2, y = "", z = 1);
	emit("a", x = (uint8)2, y = 1);
	emit("b", t = (1, "x"), k = kstack);
	emit("b", t = (2, "yy"), k = kstack(2));
	emit("b", t = (2, 3), k = kstack);
	emit("b", t = (2, "x"), k = ustack);
	emit("c", a = pton("1.2.3.4"));
	emit("c", a = pton("::1"));
}
--
t.bt:6:16: error: field 'x' of event 'a' is uint8 at 2:2, but int64 here; a cast makes them equal [event-mismatch]
t.bt:7:26: error: event 'a' has the field 'y' here at 2:2, not 'z' [event-mismatch]
t.bt:8:2: error: event 'a' has 2 fields at 2:2, but 1 here [event-mismatch]
t.bt:9:2: error: event 'a' has 2 fields at 2:2, but 3 here [event-mismatch]
t.bt:10:30: error: field 'y' of event 'a' is string[6] at 2:2, but int64 here [event-mismatch]
t.bt:13:16: error: field 't' of event 'b' is (int64,string[8]) at 11:2, but (int64,int64) here [event-mismatch]
t.bt:14:30: error: field 'k' of event 'b' is kstack at 11:2, but ustack here [event-mismatch]
t.bt:16:16: error: field 'a' of event 'c' is uint8[4] at 15:2, but uint8[16] here [event-mismatch]

== emit: fields are as wide as their values
BEGIN {
	@m = 1;
	$v = (uint16)3;
	emit("e", a = (int8)-1, b = pid, c = nsecs, d = comm, e = @m, f = $v, g = (1, "x"),
	     h = kstack, i = buf("abc", 3), j = (void *)1, k = pid == 1);
	emit("none");
}
--
map @m: int64
4:2 emit: int8, uint32, uint64, string[16], int64, uint16, (int64,string[8]), kstack, buffer, void *, int64
