for report in boot anomalies critical-path; do
	sonde report $report --sort state data/kernel
done
