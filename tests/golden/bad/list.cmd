# What sonde list refuses, in words that do not depend on the kernel.
for args in 'tracepint:sched:*' 'kprob:*' '--pid 0' '--pid x' 'a b' '--tools x' \
	'uprobe:/nonexistent/program:*' 'uprobe:*:main' 'uprobe::main' 'iter:tsk:x' 'usdt:/nonexistent/library:*' \
	'software:page-fault' 'software:no*' 'zzz'; do
	echo "sonde list $args"
	set -f
	sonde list $args 2>&1
	echo "exit $?"
	set +f
done
