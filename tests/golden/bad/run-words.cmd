sonde run
echo "status $?"
sonde run -f xml -e 'BEGIN { }'
echo "status $?"
sonde run -p nobody -e 'BEGIN { }'
echo "status $?"
sonde run -d tree -e 'BEGIN { }'
echo "status $?"
sonde run nothing-of-that-name
echo "status $?"
sonde run nothing.bt
echo "status $?"
sonde run -c "sh -c 'exit" -e 'BEGIN { }'
echo "status $?"
sonde run -c /nonexistent/cmd -e 'BEGIN { }'
echo "status $?"
sonde run -o /nonexistent/out -e 'BEGIN { }'
echo "status $?"
