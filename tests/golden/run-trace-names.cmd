# Stacks and addresses of samples by the names that the trace keeps, in all modes; both machines.
for how in "" --interpreter; do
timeout 20 sonde run $how -t data/samples -e '
profile:hz:99 { @[kstack(3)] = count(); @user[ustack(perf, 2), comm] = count(); }
software:cpu-clock:1000 { @k[ksym(args.ip)] = count(); @u[usym(args.ip)] = count(); }
hardware:cycles { @raw[ustack(raw, 1)] = count(); @n[len(ustack), len(kstack)] = count(); }'
done
# Addresses that no trace names, and two traces that name them alike.
timeout 20 sonde run -t data/samples -e 'BEGIN { print(ksym(0x1234)); print(usym(0x1234)); exit(); }'
timeout 20 sonde run -t data/samples examples/sonde-trace -e '
profile:hz:99 / comm == "spin" / { @[ustack(2)] = count(); }
event:perf:sample / comm == "ls" / { @k[kstack(1)] = count(); }'
# In D.
timeout 20 sonde run -t data/samples --d -q -n 'profile-997 { @[stack(2)] = count(); @u[ustack(2)] = count(); }'
timeout 20 sonde run -t data/samples -e 'software:page-faults:1 { @ = count(); } hardware:instructions { @ = count(); }'
# Traces behind the script, and its parameters behind them.
printf 'event:* { @[str($1)] = count(); }' > two.bt
timeout 20 sonde run two.bt -t data/samples examples/sonde-trace x
timeout 20 sonde run two.bt -t
